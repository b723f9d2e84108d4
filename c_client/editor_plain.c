/* editor_plain.c - editor.h without a library: the terminal edits by itself.
 *
 * What is half typed then lives in the terminal's driver, out of sight. It can
 * neither be taken off the screen nor be drawn again, but it is not lost.
 */
#include "editor.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

const char editor_name[] = "the terminal itself";

static bool shown;

void editor_open(void)
{
}

void editor_close(void)
{
    editor_hide();
}

/* A line that was typed ahead has been echoed already, line end and all: behind
 * a prompt that comes now there would be none. */
static bool is_typed_ahead(void)
{
    struct pollfd polled = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&polled, 1, 0) == 1;
}

void editor_show(const char *prompt)
{
    if (is_typed_ahead())
        return;
    fputs(prompt, stdout);
    fflush(stdout);
    shown = true;
}

void editor_hide(void)
{
    if (!shown)
        return;
    putchar('\n');
    fflush(stdout);
    shown = false;
}

void editor_read(void)
{
    input_read();
}

enum typed editor_next(struct chat_span *line)
{
    const enum typed next = input_next(line);

    if (next == TYPED_END)
        editor_hide();
    else if (next != TYPED_NOTHING)
        shown = false;                  /* the terminal has begun a new row itself */
    return next;
}

void editor_resize(void)
{
}

void editor_suspend(void)
{
    editor_hide();
}

void editor_resume(void)
{
}
