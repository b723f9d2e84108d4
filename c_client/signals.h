/* signals.h - signals as something to poll for and to read, one by one. */
#ifndef CHAT_SIGNALS_H
#define CHAT_SIGNALS_H

#include <stdbool.h>

/* From now on the signals that end a program, those of a terminal's job control
 * if `terminal`, and its change of size are only noted; SIGPIPE and SIGXFSZ are
 * not even that [TERM-6]. Returns a descriptor that can be read from whenever
 * signals_next has something to tell; or -1 with errno set. */
int signals_open(bool terminal);

/* The next signal that was noted; 0: none. */
int signals_next(void);

/* Whether a signal is one that ends a program. */
bool signals_ends(int number);

/* Whether one that ends a program has come, told by signals_next or not. */
bool signals_ended(void);

/* Stops the process as an unhandled SIGTSTP does; returns when it goes on. */
void signals_stop(void);

#endif
