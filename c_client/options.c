/* options.c - the arguments of the program; see options.h. */
#include "options.h"

#include "editor.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "chatclient"
#define RELEASE "0.1.0"

enum { PATIENCE_MAX = 1000000 };        /* seconds */

static const char usage[] =
    "Usage: " PROGRAM " [--patience SECONDS] [--tls [--ca FILE] [--cert FILE [--key FILE]]] "
    "HOST PORT\n";

static const char help[] =
    "\n"
    "Chat with the people at a chat/%d server. The first line typed is the handle,\n"
    "each further line is a text, and \\quit leaves. With a server that talks to one\n"
    "at a time, texts typed in its turn wait for yours.\n"
    "\n"
    "  --patience SECONDS  when leaving with texts that still wait for a turn: how\n"
    "                      long to wait for each reply before sending them all (%d)\n"
    "  --tls               speak TLS, 1.3 or later, with a server whose certificate names\n"
    "                      HOST and is from an authority that this system trusts\n"
    "  --ca FILE           trust the authorities in this file, in PEM, and no others\n"
    "  --cert FILE         show the server this certificate, in PEM, if it wants one\n"
    "  --key FILE          where its key is, if not in the same file\n"
    "  --help              show this, and end\n"
    "  --version           show the version, and end\n"
    "\n"
    "Status: 0 after a chat that ended well, 1 when there was no connection, it was\n"
    "lost, the server ended it with an error, or texts were left unsent, 2 for wrong\n"
    "arguments or a wrong handle.\n"
    "\n"
    "Lines are edited by: %s\n"
    "TLS is spoken by: %s\n";

void options_refuse(const char *format, ...)
{
    va_list arguments;

    fputs(PROGRAM ": ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n%sTry " PROGRAM " --help for more.\n", usage);
    exit(STATUS_WRONG);
}

/* Ends the program after it has told what it was asked for. */
static void finish(void)
{
    exit(fflush(stdout) == 0 && !ferror(stdout) ? STATUS_GOOD : STATUS_LOST);
}

static int64_t read_patience(const char *argument)
{
    char *end = NULL;
    double seconds = -1;

    if (!argument)
        options_refuse("--patience needs a number of seconds.");
    else if (*argument != '\0' && strspn(argument, "0123456789.") == strlen(argument))
        seconds = strtod(argument, &end);
    if (!end || end == argument || *end != '\0' || seconds < 0 || seconds > PATIENCE_MAX)
        options_refuse("--patience must be a number of seconds from 0 to %d, not '%s'.",
               PATIENCE_MAX, argument);
    return (int64_t)(seconds * 1000);
}

static const char *read_port(const char *argument)
{
    const size_t len = strlen(argument);
    const long port = len > 0 && len <= 5 && strspn(argument, "0123456789") == len
        ? strtol(argument, NULL, 10) : 0;

    if (port < 1 || port > 65535)
        options_refuse("PORT must be a number from 1 to 65535, not '%s'.", argument);
    return argument;
}

static const char *read_file(char *argv[], int option)
{
    if (!argv[option + 1])
        options_refuse("%s needs a FILE.", argv[option]);
    return argv[option + 1];
}

/* A file that would not be used is a mistake that had better be told. */
static void check_files(bool tls, const struct tls_files *files)
{
    const char *const needless = files->authorities ? "--ca" : files->certificate ? "--cert"
        : files->key ? "--key" : NULL;

    if (needless && !tls)
        options_refuse("%s needs --tls.", needless);
    if (files->key && !files->certificate)
        options_refuse("--key needs --cert.");
}

struct options options_read(int argc, char *argv[])
{
    struct options options = {.patience = INT64_C(1000) * CHAT_UNANSWERED_SECONDS};
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            printf(help, CHAT_VERSION, CHAT_UNANSWERED_SECONDS, editor_name, tls_name());
            finish();
        } else if (strcmp(argv[i], "--version") == 0) {
            printf(PROGRAM " " RELEASE " (chat/%d)\nline editor: %s\nTLS: %s\n",
                   CHAT_VERSION, editor_name, tls_name());
            finish();
        } else if (strcmp(argv[i], "--patience") == 0) {
            options.patience = read_patience(argv[++i]);
        } else if (strcmp(argv[i], "--tls") == 0) {
            options.tls = true;
        } else if (strcmp(argv[i], "--ca") == 0) {
            options.tls_files.authorities = read_file(argv, i++);
        } else if (strcmp(argv[i], "--cert") == 0) {
            options.tls_files.certificate = read_file(argv, i++);
        } else if (strcmp(argv[i], "--key") == 0) {
            options.tls_files.key = read_file(argv, i++);
        } else {
            options_refuse("There is no option '%s'.", argv[i]);
        }
    }
    if (argc - i < 2)
        options_refuse(argc - i == 0 ? "HOST and PORT are missing." : "PORT is missing.");
    if (argc - i > 2)
        options_refuse("There is an argument too many: '%s'.", argv[i + 2]);
    if (argv[i][0] == '\0')
        options_refuse("HOST is empty.");
    check_files(options.tls, &options.tls_files);
    options.host = argv[i];
    options.port = read_port(argv[i + 1]);
    return options;
}
