/* oracle.h - sections 3 and 5 of the spec once more, for whole streams.
 *
 * Written in another way than wire.c on purpose, and without a thought for speed.
 */
#ifndef CHAT_ORACLE_H
#define CHAT_ORACLE_H

#include "wire.h"

/* Takes the next content that is not empty off a stream; false: no line end is
 * left in it, and what is left is unfinished [LINE-5, LINE-6]. */
bool oracle_line(struct chat_span *stream, struct chat_span *content);

/* Whether so much of an unfinished line cannot end well any more [LINE-7]. */
bool oracle_is_hopeless(struct chat_span unfinished);

/* The first defect of a line by itself, up to encoding [ERR-4]. */
enum chat_code oracle_defect(struct chat_span content);

/* Whether a handle is the server's, in any letter case [CMD-3]. */
bool oracle_is_server(struct chat_span handle);

/* Whether it is UTF-8 and has no control characters but HTAB [LINE-4]. */
bool oracle_is_clean(struct chat_span text);

#endif
