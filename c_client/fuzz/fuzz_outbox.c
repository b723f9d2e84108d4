/* fuzz_outbox.c - typed texts of any length, cut, put into an outbox and taken out.
 *
 * An input is a list of acts. An octet below 128 takes out as many texts. Any other
 * types a text: octets, repeated the more often the higher it is, and others behind
 * them; a length stands before each.
 */
#include "fuzz.h"
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "outbox.h"

enum { TAKE_MAX = 128, TIMES = 16, TEXTS_MAX = 1 << 14, OCTETS_MAX = 1 << 22 };

/* All texts that were ever put in, one behind the other, and how many came out. */
static struct {
    char octets[OCTETS_MAX];
    size_t end;
    struct chat_span texts[TEXTS_MAX];
    size_t in, out;
    size_t waiting;                     /* octets, and two for each text */
} model;

static bool has_room(size_t len)
{
    return model.in < TEXTS_MAX && OCTETS_MAX - model.end >= len;
}

static void put(struct outbox *outbox, struct chat_span text)
{
    const struct chat_span kept = {model.octets + model.end, text.len};

    if (!has_room(text.len))
        return;
    if (!outbox_put(outbox, text))
        exit(1);
    if (text.len > 0)
        memcpy(model.octets + model.end, text.at, text.len);
    model.end += text.len;
    model.waiting += text.len + 2;
    model.texts[model.in++] = kept;
}

static void take(struct outbox *outbox)
{
    struct chat_span first = {NULL, 0};
    const bool any = outbox_first(outbox, &first);

    demand(any == (model.out < model.in), "there is a text as long as one waits");
    demand(!any || same_octets(first, model.texts[model.out]), "texts come out as they went in");
    demand(outbox->texts == model.in - model.out, "as many texts wait as were not taken out");
    demand(outbox_has_room(outbox) == (model.waiting < OUTBOX_MAX), "there is room for a megabyte");
    outbox_drop(outbox);
    if (!any)
        return;
    model.waiting -= first.len + 2;
    model.out++;
}

/* Cuts a typed text as the client does, and puts its pieces in. */
static void type(struct outbox *outbox, struct chat_span text)
{
    const bool clean = oracle_is_clean(text);
    const bool whole = text.len <= CHAT_TEXT_MAX;
    size_t done = 0;

    do {
        const struct chat_span rest = {text.at + done, text.len - done};
        const struct chat_span piece = {rest.at, chat_cut(rest)};
        demand(piece.len <= CHAT_TEXT_MAX && piece.len <= rest.len, "a piece has a text's length");
        demand(rest.len > CHAT_TEXT_MAX || piece.len == rest.len, "what fits is not cut");
        demand(rest.len <= CHAT_TEXT_MAX || piece.len > CHAT_TEXT_MAX - 8,
               "a piece is as long as it may be, but for a character and a command");
        demand(!clean || oracle_is_clean(piece), "a text is cut between code points");
        demand(whole || chat_client_kind(piece, false) == CHAT_TEXT, "no piece is a command");
        put(outbox, piece);
        done += piece.len;
    } while (done < text.len);
}

static void type_repeated(struct outbox *outbox, struct chat_span fragment, size_t times,
                          struct chat_span tail)
{
    const size_t len = fragment.len * times + tail.len;
    char *const text = malloc(len + 1);

    if (!text)
        exit(1);
    for (size_t i = 0; i < times && fragment.len > 0; i++)
        memcpy(text + i * fragment.len, fragment.at, fragment.len);
    if (tail.len > 0)
        memcpy(text + len - tail.len, tail.at, tail.len);
    type(outbox, (struct chat_span){text, len});
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chat_span input = {(const char *)data, size};
    struct outbox outbox = {0};

    model.in = model.out = model.end = model.waiting = 0;
    while (input.len > 0) {
        const unsigned act = take_octet(&input);
        if (act >= TAKE_MAX) {
            const struct chat_span fragment = take_octets(&input, take_octet(&input));
            const struct chat_span tail = take_octets(&input, take_octet(&input));
            type_repeated(&outbox, fragment, 1 + (act - TAKE_MAX) * TIMES, tail);
        }
        for (unsigned i = 0; i < act && act < TAKE_MAX; i++)
            take(&outbox);
        demand(outbox.begin <= outbox.end && outbox.end <= outbox.capacity, "it keeps to its memory");
    }
    while (model.out < model.in)
        take(&outbox);
    take(&outbox);
    outbox_free(&outbox);
    return 0;
}
