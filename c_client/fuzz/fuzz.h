/* fuzz.h - what the fuzzers share. Each of them is one function, called with any
 * octets by libFuzzer or by replay.c, that aborts with a sentence if something is
 * not as it has to be.
 */
#ifndef CHAT_FUZZ_H
#define CHAT_FUZZ_H

#include "wire.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what is not so, and aborts. */
void demand(bool good, const char *sentence);

/* The next octet of an input, or 0 behind its end; and as many as are there of `n`. */
unsigned take_octet(struct chat_span *input);
struct chat_span take_octets(struct chat_span *input, size_t n);

bool same_octets(struct chat_span a, struct chat_span b);

/* A copy with memory of its own, as long as it is and no longer, so that a
 * sanitizer sees who reads beyond it, or later than he may. To be freed. */
char *lend(struct chat_span octets);

/* ---- events, written down to be compared ---- */

enum { RECORD_MAX = 1 << 20 };

struct record {
    size_t len;
    char at[RECORD_MAX];
};

void record_octets(struct record *record, struct chat_span octets);
void record_number(struct record *record, size_t number);
void record_event(struct record *record, const struct chat_event *event);
bool same_record(const struct record *a, const struct record *b);

#endif
