/* visible.h - text as a terminal is to show it: nothing in it is invisible, or
 * moves what is visible [TERM-13]. Pure, like wire.h.
 */
#ifndef CHAT_VISIBLE_H
#define CHAT_VISIBLE_H

#include "wire.h"

enum { CHAT_VISIBLE_GROWTH = 4 };       /* U+00AD, 2 octets, becomes <U+00AD>, 8 */

/* Copies a text to `out`, which has room for CHAT_VISIBLE_GROWTH times its
 * length, with each invisible or reordering character written as its code
 * point. What is no UTF-8 is copied as it is. Returns the length of the copy. */
size_t chat_visible(char *out, struct chat_span text);

#endif
