/* wire.h - the lines of chat/1: octets in, events out, and back.
 *
 * Pure: no heap, no I/O, no clock, no locale. What is said here in brackets
 * are requirements of spec/chat-1.md. All lengths are in octets.
 */
#ifndef CHAT_WIRE_H
#define CHAT_WIRE_H

#include <stdbool.h>
#include <stddef.h>

/* Limits of the wire, and of clients (section 13 of the spec). */
enum {
    CHAT_VERSION            = 1,
    CHAT_HANDLE_MAX         = 10,       /* octets */
    CHAT_TEXT_MAX           = 500,      /* octets */
    CHAT_CONTENT_MAX        = 511,      /* octets */
    CHAT_LINE_MAX           = 512,      /* octets, the line end with them */
    CHAT_HOLD_MAX           = 512,      /* octets of an unfinished line */
    CHAT_DRAIN_MIN_SECONDS  = 1,
    CHAT_DRAIN_MIN_OCTETS   = 262144,
    CHAT_DRAIN_MAX_SECONDS  = 30,
    CHAT_UNANSWERED_SECONDS = 30,
    CHAT_VANISHED_SECONDS   = 90
};

/* Error codes (section 5). CHAT_OK is no code: nothing is wrong. */
enum chat_code {
    CHAT_OK,
    CHAT_CODE_TOO_LONG,
    CHAT_CODE_MALFORMED,
    CHAT_CODE_ENCODING,
    CHAT_CODE_HANDLE_RESERVED,
    CHAT_CODE_HANDLE_CHANGED,
    CHAT_CODE_HANDLE_TAKEN,
    CHAT_CODE_TOO_SLOW,
    CHAT_CODE_FULL,
    CHAT_CODE_IDLE,
    CHAT_CODE_REMOVED
};

/* Octets that somebody else owns; not ended by a NUL. */
struct chat_span {
    const char *at;
    size_t len;
};

/* Who says a line. */
enum chat_from {
    CHAT_FROM_CLIENT,
    CHAT_FROM_SERVER
};

/* The KIND of \welcome. */
enum chat_server {
    CHAT_TURNS,
    CHAT_RELAY
};

enum chat_kind {
    CHAT_NEED_DATA,     /* all that was fed is read: feed more */
    CHAT_TEXT,          /* handle, text */
    CHAT_JOIN,          /* handle, version, words */
    CHAT_WELCOME,       /* version, server, words */
    CHAT_JOINED,        /* words: the handles that are here */
    CHAT_LEFT,          /* words: the handles that are gone */
    CHAT_ERROR,         /* name: the code as sent, known or not [ERR-6]; words */
    CHAT_QUIT,          /* handle */
    CHAT_VIOLATION,     /* code, octets; the line itself is not given [ERR-7] */
    CHAT_END,           /* unfinished; the stream has ended [LINE-9] */
    CHAT_IGNORED        /* of a session only: a command out of place [CMD-5] */
};

/* One event. Only the fields that its kind names mean something, but every
 * line that is no violation has its handle and its whole text. */
struct chat_event {
    enum chat_kind kind;
    enum chat_code code;        /* what is wrong with the line */
    enum chat_server server;
    int version;                /* 1 to 999 */
    size_t octets;              /* content of the faulty line; if it is too long, as much as was read */
    size_t unfinished;          /* content dropped at the end of the stream; 0: it ended with a line */
    struct chat_span handle;
    struct chat_span text;
    struct chat_span name;
    struct chat_span words;     /* single blanks between, none at the ends; see chat_next_word */
};

/* Reads one direction of one connection. Its fields are its own business. */
struct chat_decoder {
    enum chat_from from;
    bool ended;                         /* the end of the stream was fed */
    bool closed;                        /* nothing more will be yielded */
    bool bound;                         /* a client's first line has come */
    const char *data;                   /* fed, borrowed, not yet read */
    size_t left;
    size_t held_len;
    char held[CHAT_HOLD_MAX];           /* the unfinished line [LINE-8] */
    size_t handle_len;
    char handle[CHAT_HANDLE_MAX];       /* of a client's first line [ERR-4] */
};

void chat_decoder_init(struct chat_decoder *decoder, enum chat_from from);

/* Gives the decoder the next `n` octets of the stream, n == 0 meaning its end.
 * They are borrowed until chat_decoder_next has returned CHAT_NEED_DATA; only
 * then may the next ones be fed. */
void chat_decoder_feed(struct chat_decoder *decoder, const char *data, size_t n);

/* The next event. Its spans are valid until the next call.
 *
 * From a client, `\join` is a command in the first line only [CMD-2], lines are
 * checked in the order of ERR-4 up to handle-changed, and a violation is the
 * last event [ERR-3]. From a server, decoding goes on after a violation [ERR-7],
 * except after too-long, which is the last event [ERR-8]. Otherwise the last
 * event is CHAT_END. After the last event there is only CHAT_NEED_DATA. */
enum chat_kind chat_decoder_next(struct chat_decoder *decoder, struct chat_event *event);

/* Drops what was fed and is not read, and the line that is under way. */
void chat_decoder_discard(struct chat_decoder *decoder);

/* Splits the first word off `words`; false if there is none. */
bool chat_next_word(struct chat_span *words, struct chat_span *word);

/* CHAT_OK, CHAT_CODE_MALFORMED [LINE-3] or CHAT_CODE_HANDLE_RESERVED [LINE-12]. */
enum chat_code chat_check_handle(struct chat_span handle);

/* CHAT_OK, CHAT_CODE_TOO_LONG or CHAT_CODE_ENCODING [LINE-4]. */
enum chat_code chat_check_text(struct chat_span text);

/* Whether a handle is the server's, in any letter case [CMD-3]. */
bool chat_is_server(struct chat_span handle);

/* What a client's line with this text is: CHAT_TEXT, CHAT_QUIT, or, if the line
 * is the first of the connection, CHAT_JOIN [CMD-1, CMD-2]. */
enum chat_kind chat_client_kind(struct chat_span text, bool first);

/* The length of the first piece of a typed text of any length: at most
 * CHAT_TEXT_MAX, between code points, and such that neither it nor any later
 * piece is `\quit`, unless that is all of the text [CLIENT-5]. */
size_t chat_cut(struct chat_span text);

/* Encoders. They write one line, LF and all, and return its length; or 0, with
 * `out` untouched, if no such line may be sent [CLIENT-1]. The texts of
 * chat_encode_text are taken as they are: `\quit` becomes a command. */
size_t chat_encode_text(char out[CHAT_LINE_MAX], struct chat_span handle, struct chat_span text);
size_t chat_encode_join(char out[CHAT_LINE_MAX], struct chat_span handle);
size_t chat_encode_quit(char out[CHAT_LINE_MAX], struct chat_span handle);

/* "too-long", …; "" for CHAT_OK. */
const char *chat_code_name(enum chat_code code);

/* The code with that name; CHAT_OK if there is none. */
enum chat_code chat_code_named(struct chat_span name);

#endif
