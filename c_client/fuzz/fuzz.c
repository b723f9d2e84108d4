/* fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void demand(bool good, const char *sentence)
{
    if (good)
        return;
    fprintf(stderr, "NOT SO: %s\n", sentence);
    abort();
}

unsigned take_octet(struct chat_span *input)
{
    const struct chat_span octet = take_octets(input, 1);

    return octet.len > 0 ? (unsigned char)octet.at[0] : 0;
}

struct chat_span take_octets(struct chat_span *input, size_t n)
{
    const struct chat_span taken = {input->at, n < input->len ? n : input->len};

    *input = (struct chat_span){input->at + taken.len, input->len - taken.len};
    return taken;
}

bool same_octets(struct chat_span a, struct chat_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

char *lend(struct chat_span octets)
{
    char *const copy = malloc(octets.len > 0 ? octets.len : 1);

    if (!copy)
        exit(1);
    if (octets.len > 0)
        memcpy(copy, octets.at, octets.len);
    return copy;
}

static void add(struct record *record, const void *at, size_t n)
{
    demand(record->len + n <= RECORD_MAX, "an input is too long to be written down: use -max_len");
    if (n > 0)
        memcpy(record->at + record->len, at, n);
    record->len += n;
}

void record_number(struct record *record, size_t number)
{
    add(record, &number, sizeof number);
}

void record_octets(struct record *record, struct chat_span octets)
{
    record_number(record, octets.len);
    add(record, octets.at, octets.len);
}

void record_event(struct record *record, const struct chat_event *event)
{
    const bool counted = event->octets <= CHAT_CONTENT_MAX;

    record_number(record, event->kind);
    record_number(record, event->code);
    record_number(record, event->server);
    record_number(record, (size_t)event->version);
    record_number(record, counted ? event->octets : CHAT_LINE_MAX); /* more: as much as was read */
    record_number(record, event->unfinished);
    record_octets(record, event->handle);
    record_octets(record, event->text);
    record_octets(record, event->name);
    record_octets(record, event->words);
}

bool same_record(const struct record *a, const struct record *b)
{
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}
