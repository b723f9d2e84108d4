/* test_wire.c - unit tests of wire.c, session.c and outbox.c. */
#include "outbox.h"
#include "session.h"
#include "wire.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;

#define CHECK(condition) \
    check((condition), __FILE__, __LINE__, #condition)

static bool check(bool good, const char *file, int line, const char *what)
{
    if (good)
        passed++;
    else
        failed++;
    if (!good)
        printf("%s:%d: not so: %s\n", file, line, what);
    return good;
}

static struct chat_span span(const char *string)
{
    return (struct chat_span){string, strlen(string)};
}

static bool same(struct chat_span a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || memcmp(a.at, b, a.len) == 0);
}

/* ---- events as one string, to be compared ---- */

enum { TRACE_MAX = 16384, OCTETS_MAX = 4096 };

struct trace {
    char at[TRACE_MAX];
    size_t len;
};

static void add(struct trace *trace, const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(trace->at + trace->len, TRACE_MAX - trace->len, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= TRACE_MAX - trace->len)
        abort();
    trace->len += (size_t)n;
}

static void add_event(struct trace *trace, const struct chat_event *event)
{
    static const char *const names[] = {
        [CHAT_TEXT] = "text", [CHAT_JOIN] = "join", [CHAT_WELCOME] = "welcome",
        [CHAT_JOINED] = "joined", [CHAT_LEFT] = "left", [CHAT_ERROR] = "error",
        [CHAT_QUIT] = "quit", [CHAT_VIOLATION] = "violation", [CHAT_END] = "end",
        [CHAT_IGNORED] = "ignored",
    };

    add(trace, "%s(", names[event->kind]);
    if (event->kind == CHAT_VIOLATION)
        add(trace, "%s", chat_code_name(event->code));
    if (event->kind == CHAT_END)
        add(trace, "%zu", event->unfinished);
    if (event->version > 0)
        add(trace, "%d ", event->version);
    if (event->kind == CHAT_WELCOME)
        add(trace, "%s ", event->server == CHAT_RELAY ? "relay" : "turns");
    add(trace, "%.*s", (int)event->name.len, event->name.at ? event->name.at : "");
    if (event->words.len > 0)
        add(trace, "[%.*s]", (int)event->words.len, event->words.at);
    if (event->kind == CHAT_TEXT || event->kind == CHAT_IGNORED)
        add(trace, "%.*s|%.*s", (int)event->handle.len, event->handle.at,
            (int)event->text.len, event->text.at);
    add(trace, ")");
}

/* Everything that a decoder yields of a stream in two pieces, or, `cut` being 0,
 * octet by octet. */
static void decode(struct trace *trace, enum chat_from from, const char *octets, size_t len,
                   size_t cut)
{
    struct chat_decoder decoder;
    struct chat_event event;
    size_t at = 0;

    trace->len = 0;
    trace->at[0] = '\0';
    chat_decoder_init(&decoder, from);
    for (;;) {
        const size_t size = cut == 0 ? at < len : at < cut && cut < len ? cut : len - at;
        /* A copy of its own, so that a read outside of it is noticed. */
        char *piece = malloc(size > 0 ? size : 1);
        if (!piece)
            abort();
        memcpy(piece, octets + at, size);
        chat_decoder_feed(&decoder, piece, size);
        while (chat_decoder_next(&decoder, &event) != CHAT_NEED_DATA)
            add_event(trace, &event);
        free(piece);
        at += size;
        if (size == 0)
            return;
    }
}

/* The same events, however the stream is cut [STREAM-1]. */
static void expect_octets(enum chat_from from, const char *octets, size_t len,
                          const char *expected)
{
    static struct trace trace;

    for (size_t cut = 0; cut <= len; cut++) {
        decode(&trace, from, octets, len, cut);
        if (!CHECK(strcmp(trace.at, expected) == 0)) {
            printf("    cut at %zu, wanted:\n    %s\n    got:\n    %s\n", cut, expected, trace.at);
            return;
        }
    }
}

static void from_client(const char *octets, const char *expected)
{
    expect_octets(CHAT_FROM_CLIENT, octets, strlen(octets), expected);
}

static void from_server(const char *octets, const char *expected)
{
    expect_octets(CHAT_FROM_SERVER, octets, strlen(octets), expected);
}

/* ---- lines ---- */

static void test_line_ends(void)
{
    static const char nuls[] = "ann>one\0ann>two\r\0ann>three\n";
    static const char mixed[] = "\n\0\r\nann>hi\n\0\nann>\r\n";

    from_client("", "end(0)");
    from_client("ann>hi\n", "text(ann|hi)end(0)");
    from_client("ann>hi\r\n", "text(ann|hi)end(0)");
    from_client("ann>hi\r\r\n", "violation(encoding)");
    from_client("ann>hi\rann>ho\n", "violation(encoding)");
    from_client("ann>hi", "end(6)");
    from_client("ann>hi\n\r", "text(ann|hi)end(1)");
    from_client("ann>a>b>\n", "text(ann|a>b>)end(0)");
    from_client("ann> \t \n", "text(ann| \t )end(0)");
    expect_octets(CHAT_FROM_CLIENT, nuls, 8, "text(ann|one)end(0)");
    expect_octets(CHAT_FROM_CLIENT, nuls, sizeof nuls - 1, "text(ann|one)violation(encoding)");
    expect_octets(CHAT_FROM_CLIENT, mixed, sizeof mixed - 1, "text(ann|hi)text(ann|)end(0)");
}

static void test_handles(void)
{
    from_client("a>\n", "text(a|)end(0)");
    from_client("0-_.Zz9..-abc>\n", "violation(malformed)");
    from_client("0-_.Zz9..->\n", "text(0-_.Zz9..-|)end(0)");
    from_client("-a>\n", "violation(malformed)");
    from_client(">\n", "violation(malformed)");
    from_client("hello\n", "violation(malformed)");
    from_client("a b>\n", "violation(malformed)");
    from_client("\xC3\xA9>\n", "violation(malformed)");
    from_client("ann>1\nann>2\nAnn>3\nann>4\n",
                "text(ann|1)text(ann|2)violation(handle-changed)");
    from_client("ann>1\nserver>2\n", "text(ann|1)violation(handle-reserved)");
    from_client("Server>\\join chat/1\n", "violation(handle-reserved)");
    from_client("server>\xFF\n", "violation(encoding)");
    from_client("bad handle>\xFF\n", "violation(malformed)");
    from_client("ann>1\nbob>\\quit\n", "text(ann|1)violation(handle-changed)");

    CHECK(chat_check_handle(span("ann")) == CHAT_OK);
    CHECK(chat_check_handle(span("abcdefghij")) == CHAT_OK);
    CHECK(chat_check_handle(span("abcdefghijk")) == CHAT_CODE_MALFORMED);
    CHECK(chat_check_handle(span("")) == CHAT_CODE_MALFORMED);
    CHECK(chat_check_handle(span("sErVeR")) == CHAT_CODE_HANDLE_RESERVED);
    CHECK(chat_check_handle(span("SERVERS")) == CHAT_OK);
    CHECK(chat_check_handle(span("SERVED")) == CHAT_OK);
}

/* `prefix`, n times 'x', `suffix`. */
static size_t build(char out[OCTETS_MAX], const char *prefix, size_t n, const char *suffix)
{
    const size_t before = strlen(prefix), behind = strlen(suffix);

    memcpy(out, prefix, before);
    memset(out + before, 'x', n);
    memcpy(out + before + n, suffix, behind + 1);
    return before + n + behind;
}

static void expect_built(enum chat_from from, const char *prefix, size_t n, const char *suffix,
                         const char *expected)
{
    static char octets[OCTETS_MAX];

    expect_octets(from, octets, build(octets, prefix, n, suffix), expected);
}

static void test_limits(void)
{
    static char long_text[OCTETS_MAX];

    build(long_text, "text(a|", 499, ")end(0)");
    expect_built(CHAT_FROM_CLIENT, "a>", 499, "\n", long_text);
    build(long_text, "text(a|", 500, ")end(0)");
    expect_built(CHAT_FROM_CLIENT, "a>", 500, "\n", long_text);
    expect_built(CHAT_FROM_CLIENT, "a>", 501, "\n", "violation(too-long)");
    build(long_text, "text(abcdefghij|", 500, ")end(0)");
    expect_built(CHAT_FROM_CLIENT, "abcdefghij>", 500, "\n", long_text);
    expect_built(CHAT_FROM_CLIENT, "abcdefghij>", 500, "\r\n", long_text);
    expect_built(CHAT_FROM_CLIENT, "abcdefghij>", 501, "\n", "violation(too-long)");
    expect_built(CHAT_FROM_CLIENT, "", 511, "\n", "violation(malformed)");
    expect_built(CHAT_FROM_CLIENT, "", 512, "\n", "violation(too-long)");

    /* Unfinished: decided as soon as it is certain, and not sooner [LINE-7]. */
    expect_built(CHAT_FROM_CLIENT, "", 511, "", "end(511)");
    expect_built(CHAT_FROM_CLIENT, "", 511, "\r", "end(512)");
    expect_built(CHAT_FROM_CLIENT, "", 511, "\rx", "violation(too-long)");
    expect_built(CHAT_FROM_CLIENT, "", 511, "\r\r", "violation(too-long)");
    expect_built(CHAT_FROM_CLIENT, "", 511, "\r\n", "violation(malformed)");
    expect_built(CHAT_FROM_CLIENT, "", 512, "", "violation(too-long)");

    /* Of a server, too-long of either kind is the last, and nothing else is. */
    expect_built(CHAT_FROM_SERVER, "bad\nbob>\x07\nbob>", 501, "\nbob>hi\n",
                 "violation(malformed)violation(encoding)violation(too-long)");
    expect_built(CHAT_FROM_SERVER, "bob>hi\n", 512, "\nbob>hi\n",
                 "text(bob|hi)violation(too-long)");
    /* Of a client, every violation is. */
    from_client("ann>hi\nbad\nann>hi\n", "text(ann|hi)violation(malformed)");
}

static void test_early_decision(void)
{
    static char octets[OCTETS_MAX];
    struct chat_decoder decoder;
    struct chat_event event;

    chat_decoder_init(&decoder, CHAT_FROM_CLIENT);
    chat_decoder_feed(&decoder, octets, build(octets, "a>", 509, ""));
    CHECK(chat_decoder_next(&decoder, &event) == CHAT_NEED_DATA);
    chat_decoder_feed(&decoder, "x", 1);
    CHECK(chat_decoder_next(&decoder, &event) == CHAT_VIOLATION);
    CHECK(event.code == CHAT_CODE_TOO_LONG);
    CHECK(event.octets == 512);
    CHECK(chat_decoder_next(&decoder, &event) == CHAT_NEED_DATA);
    chat_decoder_feed(&decoder, "\na>hi\n", 6);
    CHECK(chat_decoder_next(&decoder, &event) == CHAT_NEED_DATA);
    chat_decoder_feed(&decoder, NULL, 0);
    CHECK(chat_decoder_next(&decoder, &event) == CHAT_NEED_DATA);
}

static void test_characters(void)
{
    static const char *const legal[] = {
        "", "\t", " ", "~", "\xC2\xA0", "\xDF\xBF", "\xE0\xA0\x80", "\xE1\x80\x80",
        "\xED\x9F\xBF", "\xEE\x80\x80", "\xE2\x80\xA8", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
        "\xF3\xBF\xBF\xBF", "\xF4\x8F\xBF\xBF", "caf\xC3\xA9 \xF0\x9F\x98\x80!",
    };
    static const char *const illegal[] = {
        "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x20", "\xC2\x80", "\xC2\x85",
        "\xC2\x9F", "\xC3\xC3", "\xE0\x9F\xBF", "\xE0\xA0", "\xE1\x80", "\xE1\x80\x20",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFE", "\xFF", "\x1B[2J", "\x7F", "a\x01",
    };

    for (size_t i = 0; i < sizeof legal / sizeof *legal; i++)
        CHECK(chat_check_text(span(legal[i])) == CHAT_OK);
    for (size_t i = 0; i < sizeof illegal / sizeof *illegal; i++)
        CHECK(chat_check_text(span(illegal[i])) == CHAT_CODE_ENCODING);
    for (int c = 0; c < 0x80; c++) {
        const char octet = (char)c;
        const bool is_legal = c == '\t' || (c >= 0x20 && c != 0x7F);
        CHECK((chat_check_text((struct chat_span){&octet, 1}) == CHAT_OK) == is_legal);
    }
}

/* ---- commands ---- */

static void test_commands_of_clients(void)
{
    from_client("ann>\\join chat/1\n", "join(1 )end(0)");
    from_client("\n\r\nann>\\join chat/1\n", "join(1 )end(0)");
    from_client("ann>\\join chat/999 echo a=b\n", "join(999 [echo a=b])end(0)");
    from_client("ann>\\join chat/0\n", "text(ann|\\join chat/0)end(0)");
    from_client("ann>\\join chat/01\n", "text(ann|\\join chat/01)end(0)");
    from_client("ann>\\join chat/1000\n", "text(ann|\\join chat/1000)end(0)");
    from_client("ann>\\join chat/\n", "text(ann|\\join chat/)end(0)");
    from_client("ann>\\join chat/1 \n", "text(ann|\\join chat/1 )end(0)");
    from_client("ann>\\join chat/1  a\n", "text(ann|\\join chat/1  a)end(0)");
    from_client("ann>\\join chat/1 a \n", "text(ann|\\join chat/1 a )end(0)");
    from_client("ann>\\join chat/1 \xC3\xA9\n", "text(ann|\\join chat/1 \xC3\xA9)end(0)");
    from_client("ann>\\join  chat/1\n", "text(ann|\\join  chat/1)end(0)");
    from_client("ann>\\JOIN chat/1\n", "text(ann|\\JOIN chat/1)end(0)");
    from_client("ann>\\join us\n", "text(ann|\\join us)end(0)");
    from_client("ann>hi\nann>\\join chat/1\n", "text(ann|hi)text(ann|\\join chat/1)end(0)");
    from_client("ann>\\quit\n", "quit()end(0)");
    from_client("ann>\\quit \n", "text(ann|\\quit )end(0)");
    from_client("ann>\\quitting time\n", "text(ann|\\quitting time)end(0)");
    from_client("ann>\\welcome chat/1 turns\n", "text(ann|\\welcome chat/1 turns)end(0)");
    from_client("ann>\\o/\n", "text(ann|\\o/)end(0)");
}

static void test_commands_of_servers(void)
{
    from_server("SERVER>\\welcome chat/1 turns\n", "welcome(1 turns )end(0)");
    from_server("server>\\welcome chat/12 relay here=3 x\n", "welcome(12 relay [here=3 x])end(0)");
    from_server("SERVER>\\welcome chat/1\n", "text(SERVER|\\welcome chat/1)end(0)");
    from_server("SERVER>\\welcome chat/1 room\n", "text(SERVER|\\welcome chat/1 room)end(0)");
    from_server("SERVER>\\welcome chat/1 turnsx\n", "text(SERVER|\\welcome chat/1 turnsx)end(0)");
    from_server("SERVER>\\welcome chat/1 relay \n", "text(SERVER|\\welcome chat/1 relay )end(0)");
    from_server("SERVER>\\joined ann bob\n", "joined([ann bob])end(0)");
    from_server("SERVER>\\joined\n", "text(SERVER|\\joined)end(0)");
    from_server("SERVER>\\joined a:b\n", "text(SERVER|\\joined a:b)end(0)");
    from_server("SERVER>\\joined abcdefghijk\n", "text(SERVER|\\joined abcdefghijk)end(0)");
    from_server("SERVER>\\left ann\n", "left([ann])end(0)");
    from_server("SERVER>\\left ann  bob\n", "text(SERVER|\\left ann  bob)end(0)");
    from_server("SERVER>\\error full\n", "error(full)end(0)");
    from_server("SERVER>\\error no-such x y\n", "error(no-such[x y])end(0)");
    from_server("SERVER>\\error\n", "text(SERVER|\\error)end(0)");
    from_server("SERVER>\\error Full\n", "text(SERVER|\\error Full)end(0)");
    from_server("SERVER>\\error full1\n", "text(SERVER|\\error full1)end(0)");
    from_server("SERVER>\\quit\n", "quit()end(0)");
    from_server("SERVER>\\join chat/1\n", "text(SERVER|\\join chat/1)end(0)");
    from_server("dave>\\quit\n", "text(dave|\\quit)end(0)");
    from_server("a>1\nb>2\nSERVER>3\n", "text(a|1)text(b|2)text(SERVER|3)end(0)");
}

static void test_words(void)
{
    struct chat_span words = span("one two three"), word;

    CHECK(chat_next_word(&words, &word) && same(word, "one"));
    CHECK(chat_next_word(&words, &word) && same(word, "two"));
    CHECK(chat_next_word(&words, &word) && same(word, "three"));
    CHECK(!chat_next_word(&words, &word));
}

static void test_codes(void)
{
    for (int i = CHAT_CODE_TOO_LONG; i <= CHAT_CODE_REMOVED; i++)
        CHECK(chat_code_named(span(chat_code_name((enum chat_code)i))) == (enum chat_code)i);
    CHECK(chat_code_named(span("")) == CHAT_OK);
    CHECK(chat_code_named(span("full-")) == CHAT_OK);
    CHECK(strcmp(chat_code_name(CHAT_OK), "") == 0);
}

/* ---- encoding ---- */

static void test_encoders(void)
{
    char out[CHAT_LINE_MAX] = "untouched";
    static char text[OCTETS_MAX];

    CHECK(chat_encode_text(out, span("bad handle"), span("hi")) == 0);
    CHECK(chat_encode_text(out, span("server"), span("hi")) == 0);
    CHECK(chat_encode_text(out, span("ann"), span("a\nb")) == 0);
    CHECK(chat_encode_text(out, span("ann"), (struct chat_span){text, build(text, "", 501, "")}) == 0);
    CHECK(strcmp(out, "untouched") == 0);

    CHECK(chat_encode_text(out, span("ann"), span("hi")) == 7 && memcmp(out, "ann>hi\n", 7) == 0);
    CHECK(chat_encode_text(out, span("ann"), (struct chat_span){NULL, 0}) == 5);
    CHECK(chat_encode_text(out, span("abcdefghij"),
                           (struct chat_span){text, build(text, "", 500, "")}) == CHAT_LINE_MAX);
    CHECK(out[CHAT_LINE_MAX - 1] == '\n');
    CHECK(chat_encode_join(out, span("ann")) == 17 && memcmp(out, "ann>\\join chat/1\n", 17) == 0);
    CHECK(chat_encode_quit(out, span("ann")) == 10 && memcmp(out, "ann>\\quit\n", 10) == 0);
    CHECK(chat_encode_quit(out, span("")) == 0);
}

/* Cuts a text up; says whether the pieces are as CLIENT-5 wants them. */
static bool is_cut_well(const char *text, size_t len)
{
    struct chat_span rest = {text, len};
    const bool is_quit = chat_client_kind(rest, false) == CHAT_QUIT;

    while (rest.len > 0) {
        const struct chat_span piece = {rest.at, chat_cut(rest)};
        if (piece.len == 0 || piece.len > CHAT_TEXT_MAX || piece.len > rest.len
            || chat_check_text(piece) != CHAT_OK
            || (!is_quit && chat_client_kind(piece, false) == CHAT_QUIT))
            return false;
        rest.at += piece.len;
        rest.len -= piece.len;
    }
    return true;
}

static void test_cut(void)
{
    static const char *const characters[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    static char text[OCTETS_MAX];
    unsigned random = 1;

    CHECK(chat_cut(span("")) == 0);
    CHECK(chat_cut(span("\\quit")) == 5);
    CHECK(chat_cut((struct chat_span){text, build(text, "", 500, "")}) == 500);
    CHECK(chat_cut((struct chat_span){text, build(text, "", 501, "")}) == 500);
    CHECK(chat_cut((struct chat_span){text, build(text, "", 499, "\xC3\xA9")}) == 499);
    CHECK(chat_cut((struct chat_span){text, build(text, "", 500, "\\quit")}) == 499);
    CHECK(chat_cut((struct chat_span){text, build(text, "", 498, "\xC3\xA9\\quit")}) == 498);
    CHECK(chat_cut((struct chat_span){text, build(text, "", 500, "\\quits")}) == 500);
    memset(text, 0x80, 600);                    /* no UTF-8: but it ends, and within bounds */
    CHECK(chat_cut((struct chat_span){text, 600}) == 497);

    for (size_t before = 480; before < 520; before++)
        for (size_t i = 0; i < 4; i++) {
            char behind[32];
            snprintf(behind, sizeof behind, "%s\\quit", characters[i]);
            CHECK(is_cut_well(text, build(text, "", before, behind)));
            CHECK(is_cut_well(text, build(text, "", before + 500, behind)));
        }
    for (int round = 0; round < 1000; round++) {
        size_t len = 0;
        while (len < 1990) {
            const char *piece;
            random = random * 1103515245u + 12345u;
            piece = (random >> 16) % 50 == 0 ? "\\quit" : characters[(random >> 16) % 4];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
            if ((random >> 16) % 400 == 7)
                break;
        }
        CHECK(is_cut_well(text, len));
    }
}

/* ---- sessions ---- */

/* A session that has heard `heard`; its events in `trace`. */
static void hear(struct chat_session *session, struct trace *trace, const char *heard)
{
    struct chat_event event;

    chat_session_feed(session, heard, strlen(heard));
    while (chat_session_next(session, &event) != CHAT_NEED_DATA)
        add_event(trace, &event);
}

static void hear_end(struct chat_session *session, struct trace *trace)
{
    hear(session, trace, "");
}

static const char *heard_as(enum chat_act act)
{
    static const char *const lines[CHAT_ACTS] = {
        [CHAT_ACT_WELCOME_TURNS] = "SERVER>\\welcome chat/1 turns\n",
        [CHAT_ACT_WELCOME_RELAY] = "SERVER>\\welcome chat/1 relay\n",
        [CHAT_ACT_TEXT]          = "SERVER>hi\n",
        [CHAT_ACT_RELAYED]       = "bob>hi\n",
        [CHAT_ACT_PRESENCE]      = "SERVER>\\left bob\n",
        [CHAT_ACT_QUIT]          = "SERVER>\\quit\n",
        [CHAT_ACT_ERROR]         = "SERVER>\\error idle\n",
        [CHAT_ACT_END]           = "",
    };

    return lines[act];
}

/* Does one act of the client by the functions of a session; whether it was done. */
static bool do_act(struct chat_session *session, enum chat_act act)
{
    char out[CHAT_LINE_MAX];

    switch (act) {
    case CHAT_ACT_JOIN:
        return chat_session_join(session, out) > 0;
    case CHAT_ACT_TEXT:
        return chat_session_say(session, span("hi"), out) > 0;
    case CHAT_ACT_QUIT:
        return chat_session_quit(session, out) > 0;
    case CHAT_ACT_UNANSWERED:
        return chat_session_unanswered(session);
    case CHAT_ACT_END:
        return chat_session_end(session);
    default:
        return false;
    }
}

/* Every state, actor and act: a session does what the table says. */
static void test_every_transition(void)
{
    for (int s = CHAT_STATE_START; s < CHAT_STATES; s++)
        for (int a = 0; a < CHAT_ACTS; a++) {
            const enum chat_state state = (enum chat_state)s;
            const enum chat_act act = (enum chat_act)a;
            enum chat_state next = chat_transition(state, CHAT_FROM_CLIENT, act);
            struct chat_session session;
            static struct trace trace;

            chat_session_init(&session, span("ann"));
            session.state = state;
            session.welcomed = true;
            if (act == CHAT_ACT_TEXT)
                CHECK(chat_session_may_say(&session) == (next != CHAT_STATE_NONE));
            CHECK(do_act(&session, act) == (next != CHAT_STATE_NONE));
            CHECK(session.state == (next == CHAT_STATE_NONE ? state : next));

            next = chat_transition(state, CHAT_FROM_SERVER, act);
            if (!heard_as(act)) {
                CHECK(next == CHAT_STATE_NONE);
                continue;
            }
            chat_session_init(&session, span("ann"));
            session.state = state;
            trace.len = 0;
            hear(&session, &trace, heard_as(act));
            CHECK(session.state == (next == CHAT_STATE_NONE ? state : next));
        }
    CHECK(strcmp(chat_state_name(CHAT_STATE_ASKED_CLIENT), "ASKED-CLIENT") == 0);
    CHECK(strcmp(chat_act_name(CHAT_ACT_WELCOME_RELAY), "WELCOME-RELAY") == 0);
    CHECK(strcmp(chat_actor_name(CHAT_FROM_SERVER), "server") == 0);
}

static void test_turn_session(void)
{
    struct chat_session session;
    static struct trace trace;
    char out[CHAT_LINE_MAX];

    trace.len = 0;
    chat_session_init(&session, span("ann"));
    CHECK(session.state == CHAT_STATE_START);
    CHECK(chat_session_say(&session, span("\\join chat/1"), out) == 0);    /* it would be one */
    CHECK(chat_session_join(&session, out) == 17);
    CHECK(chat_session_join(&session, out) == 0);
    CHECK(chat_session_quit(&session, out) == 0);                          /* not welcomed */
    CHECK(chat_session_may_say(&session));
    CHECK(chat_session_say(&session, span("hello"), out) == 10);
    CHECK(!chat_session_may_say(&session));
    CHECK(chat_session_say(&session, span("more"), out) == 0);
    hear(&session, &trace, "SERVER>\\welcome chat/2 relay\nSERVER>\\welcome chat/1 turns\n");
    hear(&session, &trace, "SERVER>\\welcome chat/1 relay\nSERVER>\\joined bob\n");
    CHECK(session.state == CHAT_STATE_WELCOMED_SERVER && session.welcomed);
    hear(&session, &trace, "no line\nserver>hi\nSERVER>again\n");
    CHECK(session.state == CHAT_STATE_WELCOMED_CLIENT);
    CHECK(chat_session_say(&session, span("\\quit"), out) == 0);           /* it would be one */
    CHECK(chat_session_say(&session, span("\\join chat/1"), out) > 0);     /* it is none now */
    CHECK(chat_session_unanswered(&session));
    CHECK(chat_session_say(&session, span("x"), out) > 0);
    CHECK(chat_session_quit(&session, out) == 10);
    CHECK(chat_session_quit(&session, out) == 0);
    CHECK(chat_session_end(&session));
    hear(&session, &trace, "SERVER>bye\nSERVER>\\error idle\nSERVER>\\quit\n");
    CHECK(session.state == CHAT_STATE_LEAVING);
    hear_end(&session, &trace);
    CHECK(session.state == CHAT_STATE_CLOSED);
    CHECK(strcmp(trace.at,
                 "ignored(SERVER|\\welcome chat/2 relay)welcome(1 turns )"
                 "ignored(SERVER|\\welcome chat/1 relay)ignored(SERVER|\\joined bob)"
                 "violation(malformed)text(server|hi)text(SERVER|again)"
                 "text(SERVER|bye)ignored(SERVER|\\error idle)ignored(SERVER|\\quit)end(0)") == 0);
}

static void test_dismissal(void)
{
    static const char *const last[] = {"SERVER>\\quit\n", "SERVER>\\error full\n"};
    static const char *const traces[] = {"quit()end(0)", "error(full)end(0)"};

    for (size_t i = 0; i < 4; i++) {
        struct chat_session session;
        static struct trace trace;
        static char much[OCTETS_MAX];
        char out[CHAT_LINE_MAX];

        trace.len = 0;
        chat_session_init(&session, span("ann"));
        chat_session_join(&session, out);
        hear(&session, &trace, last[i % 2]);
        hear(&session, &trace, "SERVER>hi\nbad\nSERVER>\\quit\nbob>hi\nbob>x");
        if (i >= 2)                     /* our own end opens no door again */
            CHECK(chat_session_end(&session));
        build(much, "SERVER>hi\nbob>", 600, "");
        hear(&session, &trace, much);
        hear_end(&session, &trace);
        CHECK(session.state == (i < 2 ? CHAT_STATE_DISMISSED : CHAT_STATE_CLOSED));
        CHECK(chat_session_say(&session, span("hi"), out) == 0);
        CHECK(chat_session_quit(&session, out) == 0);
        CHECK(chat_session_end(&session));
        CHECK(strcmp(trace.at, traces[i % 2]) == 0);
    }
}

static void test_naming(void)
{
    struct chat_session session;
    char out[CHAT_LINE_MAX];

    static struct trace trace;

    chat_session_init(&session, span(""));
    trace.len = 0;
    hear(&session, &trace, "SERVER>\\welcome chat/1 turns\n");  /* nobody has asked */
    CHECK(strcmp(trace.at, "ignored(SERVER|\\welcome chat/1 turns)") == 0 && !session.welcomed);
    CHECK(chat_session_join(&session, out) == 0 && session.state == CHAT_STATE_START);
    CHECK(chat_session_say(&session, span("hi"), out) == 0);
    CHECK(!chat_session_name(&session, span("SERVER")));
    CHECK(!chat_session_name(&session, span("a b")));
    CHECK(chat_session_name(&session, span("bob")));
    CHECK(chat_session_join(&session, out) == 17 && memcmp(out, "bob>", 4) == 0);
    CHECK(!chat_session_name(&session, span("carl")));
}

/* ---- the outbox ---- */

static void test_outbox(void)
{
    struct outbox outbox = {0};
    struct chat_span text;
    char octets[CHAT_TEXT_MAX];
    size_t in = 0, out = 0;

    CHECK(!outbox_first(&outbox, &text));
    outbox_drop(&outbox);
    memset(octets, 'x', sizeof octets);
    /* Lengths from 0 to 500 by turns; three in, two out, so that it grows. */
    while (outbox_has_room(&outbox)) {
        for (int i = 0; i < 3; i++, in++) {
            octets[0] = (char)('a' + in % 26);
            CHECK(outbox_put(&outbox, (struct chat_span){octets, in % (CHAT_TEXT_MAX + 1)}));
        }
        for (int i = 0; i < 2; i++, out++) {
            CHECK(outbox_first(&outbox, &text) && text.len == out % (CHAT_TEXT_MAX + 1));
            CHECK(text.len == 0 || text.at[0] == (char)('a' + out % 26));
            outbox_drop(&outbox);
        }
        CHECK(outbox.texts == in - out);
    }
    for (; outbox_first(&outbox, &text); out++, outbox_drop(&outbox))
        CHECK(text.len == out % (CHAT_TEXT_MAX + 1));
    CHECK(in == out && outbox.texts == 0 && outbox_has_room(&outbox));
    outbox_free(&outbox);
    CHECK(!outbox_first(&outbox, &text));
}

/* AddressSanitizer calls it, and else ends a program that asks for too much memory. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): a given name */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_outbox_without_memory(void)
{
    const size_t full = SIZE_MAX / 4 + 1;       /* nobody gets twice as much */
    struct outbox outbox = {.end = full, .capacity = full};
    struct chat_span text;

    CHECK(!outbox_put(&outbox, span("hi")));
    CHECK(outbox.end == full && outbox.capacity == full && outbox.octets == NULL);
    CHECK(!outbox_first(&outbox, &text));
    outbox_free(&outbox);
    CHECK(outbox_put(&outbox, span("hi")));
    CHECK(outbox_first(&outbox, &text) && same(text, "hi"));
    outbox_free(&outbox);
}

int main(void)
{
    test_line_ends();
    test_handles();
    test_limits();
    test_early_decision();
    test_characters();
    test_commands_of_clients();
    test_commands_of_servers();
    test_words();
    test_codes();
    test_encoders();
    test_cut();
    test_every_transition();
    test_turn_session();
    test_dismissal();
    test_naming();
    test_outbox();
    test_outbox_without_memory();
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
