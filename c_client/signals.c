/* signals.c - signals to poll for; see signals.h. */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static int pipe_ends[2];
static volatile sig_atomic_t ended;

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static const int of_terminal[] = {
    SIGTSTP,
#ifdef SIGWINCH
    SIGWINCH,
#endif
};

bool signals_ends(int number)
{
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (ending[i] == number)
            return true;
    return false;
}

static void note(int number)
{
    const int saved = errno;
    const unsigned char octet = (unsigned char)number;

    if (signals_ends(number))
        ended = 1;
    /* A full pipe holds enough signals already. */
    if (write(pipe_ends[1], &octet, 1) < 0)
        errno = saved;
    errno = saved;
}

/* No SA_RESTART: a write to a screen that nobody reads must return. */
static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static bool is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int signals_open(bool terminal)
{
    if (pipe(pipe_ends) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (fcntl(pipe_ends[i], F_SETFL, O_NONBLOCK) < 0
            || fcntl(pipe_ends[i], F_SETFD, FD_CLOEXEC) < 0)
            return -1;
    handle(SIGPIPE, SIG_IGN);
#ifdef SIGXFSZ
    handle(SIGXFSZ, SIG_IGN);           /* a screen that is a file may have a limit: write tells */
#endif
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (ending[i] != SIGHUP || !is_ignored(SIGHUP))         /* nohup */
            handle(ending[i], note);
    for (size_t i = 0; terminal && i < sizeof of_terminal / sizeof *of_terminal; i++)
        if (!is_ignored(of_terminal[i]))                        /* no job control */
            handle(of_terminal[i], note);
    return pipe_ends[0];
}

int signals_next(void)
{
    unsigned char octet;

    return read(pipe_ends[0], &octet, 1) == 1 ? octet : 0;
}

bool signals_ended(void)
{
    return ended != 0;
}

void signals_stop(void)
{
    handle(SIGTSTP, SIG_DFL);
    raise(SIGTSTP);
    /* cppcheck-suppress unreachableCode; raise returns once the process goes on */
    handle(SIGTSTP, note);
}
