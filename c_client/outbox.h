/* outbox.h - typed texts that wait to be sent, first in, first out.
 *
 * Nothing is ever dropped from it. It is bounded by its user: who reads typed
 * lines stops while there is no room, so that at most OUTBOX_MAX octets and one
 * typed line are held. Each text counts its octets and two more.
 */
#ifndef CHAT_OUTBOX_H
#define CHAT_OUTBOX_H

#include "wire.h"

enum { OUTBOX_MAX = 1048576 };          /* octets */

struct outbox {
    size_t texts;                       /* how many wait */
    char *octets;                       /* each text after its length in two octets */
    size_t begin, end, capacity;
};

/* An outbox of all zeroes is empty. */
void outbox_free(struct outbox *outbox);

/* Whether the next typed line should be read. */
bool outbox_has_room(const struct outbox *outbox);

/* Adds a text of at most CHAT_TEXT_MAX octets; false, and nothing changed: there
 * is no memory for it. */
bool outbox_put(struct outbox *outbox, struct chat_span text);

/* The first text, valid until the next call of any function; false: none waits. */
bool outbox_first(const struct outbox *outbox, struct chat_span *text);

/* Takes the first text away, if there is one. */
void outbox_drop(struct outbox *outbox);

#endif
