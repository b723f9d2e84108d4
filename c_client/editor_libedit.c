/* editor_libedit.c - editor.h with libedit.
 *
 * Its imitation of readline does not tell where in the line the cursor is, so
 * this is its own interface, unbuffered: one call for each key. It can draw its
 * line again, but not take it away; that is done here, with control sequences
 * that every terminal since the VT100 knows.
 */
#include "editor.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <histedit.h>

enum { HISTORY_LINES = 500, TAB_COLUMNS = 8, CONTROL_COLUMNS = 2, END_KEY = 'D' - '@' };

const char editor_name[] = "libedit";

static EditLine *editor;
static History *history_lines;
static const char *prompt_now = "";
static bool shown;
static char *entered;                   /* the line given out, without its line end */
static enum typed pending = TYPED_NOTHING;

static char *get_prompt(EditLine *unused)
{
    static char prompt[64];

    (void)unused;
    snprintf(prompt, sizeof prompt, "%s", prompt_now);
    return prompt;
}

/* Begins an empty line, without showing anything of it. */
static void begin_line(void)
{
    prompt_now = "";
    el_set(editor, EL_UNBUFFERED, 0);
    el_set(editor, EL_UNBUFFERED, 1);
}

void editor_open(void)
{
    static const char *const keys[][2] = {
        {"^I", "ed-insert"},            /* a tab is a part of the text */
        {"^R", "em-inc-search-prev"},
        {"\\e[3~", "ed-delete-next-char"},
        {"\\e[H", "ed-move-to-beg"},
        {"\\e[F", "ed-move-to-end"},
        {"\\e[1~", "ed-move-to-beg"},
        {"\\e[4~", "ed-move-to-end"},
        {"\\e[1;5C", "em-next-word"},
        {"\\e[1;5D", "ed-prev-word"},
    };
    HistEvent event;

    history_lines = history_init();
    editor = el_init("chatclient", stdin, stdout, stderr);
    if (!history_lines || !editor) {
        fputs("There is no memory for a line editor.\n", stderr);
        exit(1);
    }
    history(history_lines, &event, H_SETSIZE, HISTORY_LINES);
    history(history_lines, &event, H_SETUNIQUE, 1);
    el_set(editor, EL_SIGNAL, 0);       /* signals are the program's own business */
    el_set(editor, EL_PROMPT, get_prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, history_lines);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        el_set(editor, EL_BIND, keys[i][0], keys[i][1], NULL);
    el_source(editor, NULL);            /* what the user wants different */
    begin_line();
}

void editor_close(void)
{
    editor_hide();
    el_set(editor, EL_UNBUFFERED, 0);
    el_end(editor);
    history_end(history_lines);
    free(entered);
    entered = NULL;
}

void editor_show(const char *prompt)
{
    prompt_now = prompt;
    el_set(editor, EL_REFRESH);
    fflush(stdout);
    shown = true;
}

/* The column in which the cursor stands after `len` octets written from `column` on,
 * as if a row had no end. */
static size_t column_after(size_t column, const char *octets, size_t len)
{
    mbstate_t state;

    memset(&state, 0, sizeof state);
    while (len > 0) {
        wchar_t character = 0;
        const size_t size = mbrtowc(&character, octets, len, &state);
        const bool broken = size == 0 || size > len;
        const int width = broken ? CONTROL_COLUMNS : wcwidth(character);

        if (character == L'\t')
            column += TAB_COLUMNS - column % TAB_COLUMNS;
        else
            column += width < 0 ? CONTROL_COLUMNS : (size_t)width;
        octets += broken ? 1 : size;
        len -= broken ? 1 : size;
    }
    return column;
}

void editor_hide(void)
{
    const LineInfo *line;
    int columns = 0;
    size_t column;

    if (!shown)
        return;
    line = el_line(editor);
    el_get(editor, EL_GETTC, "co", &columns);
    column = column_after(0, prompt_now, strlen(prompt_now));
    column = column_after(column, line->buffer, (size_t)(line->cursor - line->buffer));
    putchar('\r');
    if (columns > 0 && column >= (size_t)columns)
        printf("\033[%zuA", column / (size_t)columns);
    fputs("\033[J", stdout);
    fflush(stdout);
    shown = false;
}

/* libedit does not tell an end of the terminal from a key that does nothing. */
static bool terminal_is_gone(void)
{
    struct pollfd polled = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&polled, 1, 0) == 1 && (polled.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void editor_read(void)
{
    HistEvent event;
    int count = 0;
    const char *line;

    if (terminal_is_gone()) {
        pending = TYPED_END;
        return;
    }
    line = el_gets(editor, &count);
    if (!line || count <= 0)
        return;
    if (line[count - 1] == '\n') {
        free(entered);
        entered = strdup(line);
        if (!entered)
            return;                     /* the line stays, and can be entered again */
        entered[count - 1] = '\0';
        if (*entered)
            history(history_lines, &event, H_ENTER, entered);
        pending = TYPED_LINE;
    } else if (count == 1 && line[0] == END_KEY) {
        puts("");                       /* the cursor is still behind the prompt */
        pending = TYPED_END;
    } else {
        return;
    }
    shown = false;
    begin_line();
}

enum typed editor_next(struct chat_span *line)
{
    const enum typed next = pending;

    pending = TYPED_NOTHING;
    if (next == TYPED_LINE)
        *line = (struct chat_span){entered, strlen(entered)};
    return next;
}

void editor_resize(void)
{
    el_resize(editor);
    if (shown) {
        editor_hide();
        editor_show(prompt_now);
    }
}

void editor_suspend(void)
{
    editor_hide();
    el_set(editor, EL_PREP_TERM, 0);
}

void editor_resume(void)
{
    el_set(editor, EL_PREP_TERM, 1);
    el_resize(editor);
}
