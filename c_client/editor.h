/* editor.h - the line that a person is typing at a terminal.
 *
 * There are variants, editor_readline.c, editor_libedit.c and editor_plain.c;
 * the Makefile chooses one. There is one terminal, so there is one editor, and
 * it starts hidden. While it is shown nobody else may write to the terminal.
 */
#ifndef CHAT_EDITOR_H
#define CHAT_EDITOR_H

#include "input.h"

/* What edits the line, in words. */
extern const char editor_name[];

/* Takes the terminal, and gives it back as it was found. */
void editor_open(void);
void editor_close(void);

/* Puts the prompt and what is typed so far into the row of the cursor, which
 * must be at its beginning. Only when hidden. */
void editor_show(const char *prompt);

/* Takes both away and leaves the cursor at the beginning of a row. What is typed
 * so far is kept. A line that is entered stays on the screen and hides the
 * editor too. Hidden already: nothing happens. */
void editor_hide(void);

/* To be called when there is something to read, and only when shown; then
 * editor_next until it says TYPED_NOTHING. A line is valid until the next call of
 * either function. */
void editor_read(void);
enum typed editor_next(struct chat_span *line);

/* The terminal has another size now. */
void editor_resize(void);

/* Before the process is stopped, and when it goes on: hidden in between, and the
 * terminal as it was found. */
void editor_suspend(void);
void editor_resume(void);

#endif
