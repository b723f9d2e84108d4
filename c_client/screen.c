/* screen.c - where a person reads and types; see screen.h. */
#include "screen.h"

#include "editor.h"
#include "signals.h"
#include "visible.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SAID_MAX             = 2048,        /* octets of a line, of the program's own too */
    DRESSED_MAX          = CHAT_VISIBLE_GROWTH * SAID_MAX + 16,     /* and emphasis */
    PROMPT_MAX           = 128,
    BLOCKED_MILLISECONDS = 200          /* between looks whether to give up writing */
};

static bool interactive;
static bool on_terminal;                /* standard output is one, whatever input is */
static const char *emphasis = "\033[36m"; /* of what is the program's own */
static const char *no_emphasis = "\033[m";
static bool editing;                    /* the editor is open */
static bool settled;                    /* the prompt is on the screen */
static char prompt_shown[PROMPT_MAX];
static int error;
static bool given_up;                   /* the program is to end, and the screen takes nothing */

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

void screen_open(void)
{
    /* Characters have a width only in a locale that knows them. */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
    on_terminal = isatty(STDOUT_FILENO);
    interactive = on_terminal && isatty(STDIN_FILENO);
    if (*environment("NO_COLOR"))
        emphasis = "\033[1m";           /* bold is no colour */
    if (strcmp(environment("TERM"), "dumb") == 0)
        emphasis = no_emphasis = "";    /* it would show the codes themselves */
}

bool screen_is_interactive(void)
{
    return interactive;
}

static void hide_editor(void)
{
    if (settled)
        editor_hide();
    settled = false;
}

static void show_editor(void)
{
    if (!settled)
        editor_show(prompt_shown);
    settled = true;
}

void screen_close(void)
{
    hide_editor();
    if (editing)
        editor_close();
    editing = false;
}

/* Waits until a write cannot block. False: the program is to end before that. */
static bool wait_writable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLOUT};

    while (poll(&polled, 1, BLOCKED_MILLISECONDS) <= 0)
        if (signals_ended())
            return false;
    return true;
}

/* Writes all of it, in one piece if it can be: a line is shorter than what a
 * pipe takes whole. 0, or an errno; EINTR: the program is to end. */
static int write_all(int fd, const char *octets, size_t len)
{
    while (len > 0) {
        const ssize_t n = wait_writable(fd) ? write(fd, octets, len) : -2;
        if (n == -2)
            return EINTR;
        if (n < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            return errno;
        if (n > 0) {
            octets += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Makes a line as a terminal is to show it. Its first `own` octets, a handle or a
 * whole line of the program's own, are set off by what no text can hold: at the
 * beginning of a row a text that is wrapped cannot imitate them. */
static size_t dress(char dressed[DRESSED_MAX], struct chat_span line, size_t own)
{
    const struct chat_span rest = {line.at + own, line.len - own};
    size_t len = strlen(emphasis);

    memcpy(dressed, emphasis, len);
    len += chat_visible(dressed + len, (struct chat_span){line.at, own});
    memcpy(dressed + len, no_emphasis, strlen(no_emphasis));
    len += strlen(no_emphasis);
    return len + chat_visible(dressed + len, rest);
}

/* Shows a line, of which the first `own` octets are no text of anybody's. */
static void show(const char *octets, size_t len, size_t own)
{
    static char dressed[DRESSED_MAX];
    int result;

    if (error != 0 || given_up)
        return;
    hide_editor();
    if (on_terminal) {
        len = dress(dressed, (struct chat_span){octets, len}, own);
        octets = dressed;
    }
    result = write_all(STDOUT_FILENO, octets, len);
    if (result == EINTR)
        given_up = true;
    else
        error = result;
}

void screen_text(struct chat_span handle, struct chat_span text)
{
    char line[CHAT_LINE_MAX];
    size_t len = handle.len;

    memcpy(line, handle.at, handle.len);
    line[len++] = '>';
    memcpy(line + len, text.at, text.len);
    len += text.len;
    line[len++] = '\n';
    show(line, len, handle.len);
}

/* Makes a line of the program's own. Returns its length. */
static size_t compose(char line[SAID_MAX], const char *format, va_list arguments)
{
    const int wanted = vsnprintf(line, SAID_MAX - 1, format, arguments);
    size_t len = wanted < 0 ? 0 : (size_t)wanted;

    if (len > SAID_MAX - 2)
        len = SAID_MAX - 2;
    line[len++] = '\n';
    return len;
}

void screen_say(const char *format, ...)
{
    char line[SAID_MAX];
    size_t len;
    va_list arguments;

    va_start(arguments, format);
    len = compose(line, format, arguments);
    va_end(arguments);
    show(line, len, len - 1);
}

void screen_complain(const char *format, ...)
{
    char line[SAID_MAX];
    size_t len;
    va_list arguments;

    va_start(arguments, format);
    len = compose(line, format, arguments);
    va_end(arguments);
    if (interactive && error == 0)
        show(line, len, len - 1);
    else
        (void)write_all(STDERR_FILENO, line, len);      /* there is nowhere else to tell it */
}

void screen_settle(const char *prompt)
{
    if (!interactive || error != 0 || given_up)
        return;
    if (settled && prompt && strcmp(prompt, prompt_shown) == 0)
        return;
    hide_editor();
    if (!prompt)
        return;
    if (!editing)
        editor_open();
    editing = true;
    snprintf(prompt_shown, sizeof prompt_shown, "%s", prompt);
    show_editor();
}

int screen_error(void)
{
    return error;
}

void screen_read(void)
{
    if (!interactive) {
        input_read();
        return;
    }
    show_editor();                      /* keys change what is on the screen */
    editor_read();
}

enum typed screen_next(struct chat_span *line)
{
    enum typed next;

    if (!interactive)
        return input_next(line);
    next = editor_next(line);
    if (next != TYPED_NOTHING)
        settled = false;                /* the editor has hidden itself */
    return next;
}

void screen_resize(void)
{
    if (editing)
        editor_resize();
}

void screen_suspend(void)
{
    hide_editor();
    if (editing)
        editor_suspend();
}

void screen_resume(void)
{
    if (editing)
        editor_resume();
}
