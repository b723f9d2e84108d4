/* outbox.c - typed texts that wait; see outbox.h. */
#include "outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 2 };                    /* octets of a length */

void outbox_free(struct outbox *outbox)
{
    free(outbox->octets);
    *outbox = (struct outbox){0};
}

bool outbox_has_room(const struct outbox *outbox)
{
    return outbox->end - outbox->begin < OUTBOX_MAX;
}

/* Makes room for n more octets behind the end: moves what waits to the front
 * when that frees half of the memory or more, and else takes more memory. */
static bool make_room(struct outbox *outbox, size_t n)
{
    size_t capacity = outbox->capacity > 0 ? outbox->capacity : 4096;
    char *octets;

    if (outbox->begin > 0 && outbox->begin >= outbox->capacity / 2) {
        memmove(outbox->octets, outbox->octets + outbox->begin, outbox->end - outbox->begin);
        outbox->end -= outbox->begin;
        outbox->begin = 0;
    }
    while (capacity - outbox->end < n)
        capacity *= 2;
    if (capacity == outbox->capacity)
        return true;
    octets = realloc(outbox->octets, capacity);
    if (!octets)
        return false;
    outbox->octets = octets;
    outbox->capacity = capacity;
    return true;
}

bool outbox_put(struct outbox *outbox, struct chat_span text)
{
    char *place;

    assert(text.len <= CHAT_TEXT_MAX);
    if (outbox->capacity - outbox->end < PREFIX + text.len && !make_room(outbox, PREFIX + text.len))
        return false;
    place = outbox->octets + outbox->end;
    place[0] = (char)(text.len >> 8);
    place[1] = (char)(text.len & 0xFF);
    if (text.len > 0)
        memcpy(place + PREFIX, text.at, text.len);
    outbox->end += PREFIX + text.len;
    outbox->texts++;
    return true;
}

bool outbox_first(const struct outbox *outbox, struct chat_span *text)
{
    const unsigned char *prefix;

    if (outbox->texts == 0)
        return false;
    prefix = (const unsigned char *)outbox->octets + outbox->begin;
    text->at = outbox->octets + outbox->begin + PREFIX;
    text->len = (size_t)prefix[0] << 8 | prefix[1];
    return true;
}

void outbox_drop(struct outbox *outbox)
{
    struct chat_span first;

    if (!outbox_first(outbox, &first))
        return;
    outbox->begin += PREFIX + first.len;
    outbox->texts--;
    if (outbox->texts == 0)
        outbox->begin = outbox->end = 0;
}
