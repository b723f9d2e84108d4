/* replay.c - runs a fuzzer over saved inputs, where there is no libFuzzer.
 *
 * replay FILE|DIRECTORY...   each file is one input
 */
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECONDS_MAX = 10 };              /* for one input */

static const char *current = "";
static size_t replayed;

/* Says with which input it came to an end, and comes to it. */
static void tell(int number)
{
    static const char words[] = "\nwith the input ";

    if (write(STDERR_FILENO, words, sizeof words - 1) < 0
        || write(STDERR_FILENO, current, strlen(current)) < 0
        || write(STDERR_FILENO, "\n", 1) < 0)
        _exit(1);
    signal(number, SIG_DFL);
    raise(number);
}

static void fail(const char *path)
{
    perror(path);
    exit(2);
}

static void replay_file(const char *path, size_t size)
{
    uint8_t *const data = malloc(size > 0 ? size : 1);
    FILE *const file = fopen(path, "rb");

    if (!data || !file || fread(data, 1, size, file) != size)
        fail(path);
    fclose(file);
    current = path;
    alarm(SECONDS_MAX);
    LLVMFuzzerTestOneInput(data, size);
    alarm(0);
    free(data);
    replayed++;
}

static void replay(const char *path)
{
    char below[4096];
    struct stat found;
    struct dirent *entry;
    DIR *directory;

    if (stat(path, &found) != 0)
        fail(path);
    if (!S_ISDIR(found.st_mode)) {
        replay_file(path, (size_t)found.st_size);
        return;
    }
    directory = opendir(path);
    if (!directory)
        fail(path);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
            replay(below);
        }
    closedir(directory);
}

int main(int count, char **arguments)
{
    signal(SIGABRT, tell);
    signal(SIGALRM, tell);
    for (int i = 1; i < count; i++)
        replay(arguments[i]);
    printf("%s: %zu inputs, all as it has to be\n", arguments[0], replayed);
    return replayed > 0 ? 0 : 2;
}
