/* screen.h - where a person reads and types: standard output and input.
 *
 * Interactive, that is, with a terminal on both, there is a prompt with a line
 * being typed, and what is shown appears above it. Otherwise there is neither.
 * At a terminal handles, and what the program says by itself, are in colour.
 * What the program says by itself has no `>` in it, so that it ends like no
 * message [TERM-4], and mostly begins with a blank or a mark that no handle has.
 */
#ifndef CHAT_SCREEN_H
#define CHAT_SCREEN_H

#include "input.h"

void screen_open(void);

/* Leaves the terminal as it was found. Nothing can be read any more; what is
 * shown still appears. */
void screen_close(void);

bool screen_is_interactive(void);

/* Shows `handle>text` at once: as the octets are, but at a terminal invisible
 * characters as their code points [TERM-3, TERM-13, CLIENT-6]. */
void screen_text(struct chat_span handle, struct chat_span text);

/* Shows a line of the program's own, without its line end. */
void screen_say(const char *format, ...);

/* The same for what went wrong. Not interactive, it goes to standard error. */
void screen_complain(const char *format, ...);

/* Puts the prompt, NULL being none, under what was shown. To be called before
 * waiting; until then nothing is lost, but the line being typed is not seen. */
void screen_settle(const char *prompt);

/* What stands in the way of showing anything, an errno; 0: nothing. */
int screen_error(void);

/* To be called when standard input has something to read, then screen_next until
 * it says TYPED_NOTHING; see input_read and input_next. */
void screen_read(void);
enum typed screen_next(struct chat_span *line);

/* Signals of the terminal; see editor.h. */
void screen_resize(void);
void screen_suspend(void);
void screen_resume(void);

#endif
