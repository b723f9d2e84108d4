/* input.h - standard input, line by line, as it comes [TERM-2].
 *
 * For pipes and files, and for terminals without a line editor.
 */
#ifndef CHAT_INPUT_H
#define CHAT_INPUT_H

#include "wire.h"

enum {
    INPUT_LINE_MAX = 1048576,           /* octets of a typed line */
    /* A terminal that edits lines by itself keeps so many octets of a line and
     * drops the others without a word (on Linux). */
    INPUT_TERMINAL_MAX = 4095
};

enum typed {
    TYPED_NOTHING,      /* no whole line yet: read more */
    TYPED_LINE,
    TYPED_TOO_LONG,     /* a line of more than INPUT_LINE_MAX octets was thrown away */
    TYPED_CUT,          /* a line of which a terminal may have dropped the rest, thrown away too */
    TYPED_END           /* the end of input; at a terminal more may come */
};

/* Reads once; to be called when there is something to read, or the end, and
 * after input_next has said TYPED_NOTHING. */
void input_read(void);

/* The next line, without its line end, valid until the next call of either
 * function. The last one need not have a line end. */
enum typed input_next(struct chat_span *line);

#endif
