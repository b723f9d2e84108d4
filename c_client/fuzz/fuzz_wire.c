/* fuzz_wire.c - any octets, cut anywhere, through a decoder of either direction.
 *
 * Of an input the first octet says who sends (odd: the server), the second how
 * many octets behind it are lengths of pieces, used round and round; the rest is
 * the stream. fuzz/decoder.py reads the same inputs.
 */
#include "fuzz.h"
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the decoder has to make of a whole stream, as far as it has been asked. */
struct expected {
    enum chat_from from;
    struct chat_span stream;            /* what is to come */
    struct chat_span bound;             /* a client's handle; no octets: none yet */
    bool over;
};

/* ---- one event against the oracle ---- */

/* A command from its fields alone. */
static size_t rebuilt(const struct chat_event *event, char out[CHAT_LINE_MAX + 1])
{
    static const char *const servers[] = {[CHAT_TURNS] = "turns", [CHAT_RELAY] = "relay"};
    const int name = (int)event->name.len, words = (int)event->words.len;
    const char *const blank = words > 0 ? " " : "";
    int n = -1;

    if (event->kind == CHAT_QUIT)
        n = snprintf(out, CHAT_LINE_MAX + 1, "\\quit");
    else if (event->kind == CHAT_JOIN)
        n = snprintf(out, CHAT_LINE_MAX + 1, "\\join chat/%d%s%.*s", event->version, blank, words,
                     event->words.at);
    else if (event->kind == CHAT_WELCOME)
        n = snprintf(out, CHAT_LINE_MAX + 1, "\\welcome chat/%d %s%s%.*s", event->version,
                     servers[event->server], blank, words, event->words.at);
    else if (event->kind == CHAT_JOINED || event->kind == CHAT_LEFT)
        n = snprintf(out, CHAT_LINE_MAX + 1, "\\%s %.*s",
                     event->kind == CHAT_LEFT ? "left" : "joined", words, event->words.at);
    else if (event->kind == CHAT_ERROR)
        n = snprintf(out, CHAT_LINE_MAX + 1, "\\error %.*s%s%.*s", name, event->name.at, blank,
                     words, event->words.at);
    demand(n > 0 && n <= CHAT_LINE_MAX, "a command has a name and the length of a line");
    return (size_t)n;
}

static void check_words(struct chat_span words)
{
    const struct chat_span all = words;
    struct chat_span word = {words.at, 0};
    size_t octets = 0, count = 0;

    while (chat_next_word(&words, &word)) {
        demand(word.len > 0 && !memchr(word.at, ' ', word.len), "a word has no blanks");
        octets += word.len;
        count++;
    }
    demand(octets + count == all.len + (count > 0), "one blank stands between words");
}

static void check_line(struct expected *expected, struct chat_span content,
                       const struct chat_event *event)
{
    const bool server = expected->from == CHAT_FROM_SERVER;
    char line[CHAT_LINE_MAX + 1];
    size_t n;

    demand(event->handle.len + 1 + event->text.len == content.len
           && memcmp(event->handle.at, content.at, event->handle.len) == 0
           && content.at[event->handle.len] == '>'
           && memcmp(event->text.at, content.at + event->handle.len + 1, event->text.len) == 0,
           "handle and text of an event are those of the line");
    n = chat_encode_text(line, event->handle, event->text);
    demand(n == (oracle_is_server(event->handle) ? 0 : content.len + 1),
           "what was decoded can be said by a client, unless the server's handle is before it");
    demand(n == 0 || (memcmp(line, content.at, content.len) == 0 && line[n - 1] == '\n'),
           "what was decoded is encoded as the line that it came in");

    if (event->kind == CHAT_TEXT) {
        demand(event->text.len != 5 || memcmp(event->text.at, "\\quit", 5) != 0
               || (server && !oracle_is_server(event->handle)), "\\quit is a command");
    } else {
        n = rebuilt(event, line);
        demand(same_octets((struct chat_span){line, n}, event->text),
               "the fields of a command are all that is in its text");
        demand(event->kind == CHAT_QUIT || (event->kind == CHAT_JOIN) == !server,
               "a command comes from the end that may give it");
        demand(!server || oracle_is_server(event->handle), "of a server's lines only its own command");
        demand(event->kind != CHAT_JOIN || expected->bound.len == 0, "\\join is in the first line");
        check_words(event->words);
    }
    demand(server || expected->bound.len == 0 || same_octets(expected->bound, event->handle),
           "a client keeps its handle");
    if (!server)
        expected->bound = (struct chat_span){content.at, event->handle.len};
}

static enum chat_code expected_code(const struct expected *expected, struct chat_span content)
{
    const enum chat_code defect = oracle_defect(content);
    struct chat_span handle = {content.at, 0};

    if (defect != CHAT_OK || expected->from == CHAT_FROM_SERVER)
        return defect;
    while (content.at[handle.len] != '>')
        handle.len++;
    if (oracle_is_server(handle))
        return CHAT_CODE_HANDLE_RESERVED;
    return expected->bound.len == 0 || same_octets(expected->bound, handle)
        ? CHAT_OK : CHAT_CODE_HANDLE_CHANGED;
}

static void check_event(struct expected *expected, const struct chat_event *event)
{
    struct chat_span content;

    demand(!expected->over, "after the last event there is none");
    if (oracle_line(&expected->stream, &content)) {
        const enum chat_code code = expected_code(expected, content);
        demand(event->kind != CHAT_END, "the end comes after all lines");
        demand(event->code == code, "a line has the defect that the oracle sees, or none");
        demand((event->kind == CHAT_VIOLATION) == (code != CHAT_OK), "a defect is a violation");
        if (code == CHAT_OK)
            check_line(expected, content, event);
        else
            demand(content.len > CHAT_CONTENT_MAX || event->octets == content.len,
                   "a violation tells how long its line was");
        expected->over = code == CHAT_CODE_TOO_LONG
            || (code != CHAT_OK && expected->from == CHAT_FROM_CLIENT);
        return;
    }
    expected->over = true;
    if (oracle_is_hopeless(expected->stream)) {
        demand(event->kind == CHAT_VIOLATION && event->code == CHAT_CODE_TOO_LONG,
               "an unfinished line that is too long is a violation");
    } else {
        demand(event->kind == CHAT_END, "the end of the stream is told");
        demand(event->unfinished == expected->stream.len, "the end tells what was dropped");
    }
}

/* ---- a whole stream ---- */

static void pull(struct chat_decoder *decoder, struct expected *expected, struct record *record)
{
    struct chat_event event;

    for (;;) {
        const struct chat_decoder before = *decoder;
        const enum chat_kind kind = chat_decoder_next(decoder, &event);
        demand(kind == event.kind, "an event is of the kind that is returned");
        demand(decoder->held_len <= CHAT_HOLD_MAX, "no more is held than may be [LINE-8]");
        if (kind == CHAT_NEED_DATA)
            break;
        demand(decoder->left < before.left || (decoder->closed && !before.closed),
               "an event takes octets, or is the last");
        if (expected)
            check_event(expected, &event);
        record_event(record, &event);
    }
    demand(decoder->left == 0 || decoder->closed, "more is asked for only when all is read");
}

/* Feeds the stream in pieces of these lengths, round and round (0 is 256); without
 * lengths as a whole. Each piece is taken away once more is asked for. */
static void decode(enum chat_from from, struct chat_span stream, struct chat_span lengths,
                   struct expected *expected, struct record *record)
{
    struct chat_decoder decoder;

    record->len = 0;
    chat_decoder_init(&decoder, from);
    for (size_t i = 0; stream.len > 0; i++) {
        size_t length = stream.len;
        if (lengths.len > 0)
            length = (unsigned char)(lengths.at[i % lengths.len] - 1) + 1U;
        const struct chat_span piece = take_octets(&stream, length);
        char *const lent = lend(piece);
        chat_decoder_feed(&decoder, lent, piece.len);
        pull(&decoder, expected, record);
        free(lent);
    }
    chat_decoder_feed(&decoder, "", 0);
    pull(&decoder, expected, record);
    demand(decoder.closed, "the end of the stream is the end of its events");
    chat_decoder_feed(&decoder, "a>b\n", 4);
    pull(&decoder, expected, record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record as_a_whole, in_pieces, by_octets;
    struct chat_span input = {(const char *)data, size};
    const enum chat_from from = take_octet(&input) & 1 ? CHAT_FROM_SERVER : CHAT_FROM_CLIENT;
    const unsigned cuts = take_octet(&input);
    const struct chat_span lengths = take_octets(&input, cuts);
    const struct chat_span none = {"", 0}, one = {"\1", 1};
    struct expected expected = {from, input, none, false};

    decode(from, input, none, &expected, &as_a_whole);
    decode(from, input, lengths, NULL, &in_pieces);
    decode(from, input, one, NULL, &by_octets);
    demand(expected.over, "a decoder comes to the end that the oracle sees");
    demand(same_record(&as_a_whole, &in_pieces), "the same octets, cut, give the same events");
    demand(same_record(&as_a_whole, &by_octets), "octet by octet there are the same events");
    return 0;
}
