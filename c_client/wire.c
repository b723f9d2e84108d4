/* wire.c - the lines of chat/1; see wire.h. */
#include "wire.h"

#include <assert.h>
#include <string.h>

#define COUNT(array) (sizeof (array) / sizeof *(array))

static const char *const code_names[] = {
    [CHAT_OK]                   = "",
    [CHAT_CODE_TOO_LONG]        = "too-long",
    [CHAT_CODE_MALFORMED]       = "malformed",
    [CHAT_CODE_ENCODING]        = "encoding",
    [CHAT_CODE_HANDLE_RESERVED] = "handle-reserved",
    [CHAT_CODE_HANDLE_CHANGED]  = "handle-changed",
    [CHAT_CODE_HANDLE_TAKEN]    = "handle-taken",
    [CHAT_CODE_TOO_SLOW]        = "too-slow",
    [CHAT_CODE_FULL]            = "full",
    [CHAT_CODE_IDLE]            = "idle",
    [CHAT_CODE_REMOVED]         = "removed",
};

const char *chat_code_name(enum chat_code code)
{
    return code_names[code];
}

enum chat_code chat_code_named(struct chat_span name)
{
    for (size_t i = CHAT_OK + 1; i < COUNT(code_names); i++)
        if (strlen(code_names[i]) == name.len && memcmp(code_names[i], name.at, name.len) == 0)
            return (enum chat_code)i;
    return CHAT_OK;
}

/* ---- spans ---- */

static struct chat_span literal(const char *string)
{
    return (struct chat_span){string, strlen(string)};
}

/* The rest of a span after its first n octets. */
static struct chat_span after(struct chat_span span, size_t n)
{
    return (struct chat_span){span.at + n, span.len - n};
}

static bool equal(struct chat_span a, struct chat_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ---- characters: ASCII, whatever the locale ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_handle_tail(char c)
{
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
}

static bool is_code(char c)
{
    return (c >= 'a' && c <= 'z') || c == '-';
}

static bool is_word(char c)
{
    return c >= 0x21 && c <= 0x7E;
}

static char upper(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    return c;
}

/* The alternatives of `char` in the ABNF: what the first octet is, what the
 * second, and how many there are. Third and fourth are always 80 to BF. */
static const struct {
    unsigned char first_min, first_max, second_min, second_max, size;
} characters[] = {
    {0x20, 0x7E, 0x00, 0x00, 1},
    {0x09, 0x09, 0x00, 0x00, 1},
    {0xC2, 0xC2, 0xA0, 0xBF, 2},
    {0xC3, 0xDF, 0x80, 0xBF, 2},
    {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* How many octets the legal character at the front of a text has; 0: there is none. */
static size_t character_size(struct chat_span text)
{
    const unsigned char first = (unsigned char)text.at[0];
    size_t row = 0;

    while (row < COUNT(characters)
           && (first < characters[row].first_min || first > characters[row].first_max))
        row++;
    if (row == COUNT(characters) || text.len < characters[row].size)
        return 0;
    for (size_t i = 1; i < characters[row].size; i++) {
        const unsigned char octet = (unsigned char)text.at[i];
        const unsigned char min = i == 1 ? characters[row].second_min : 0x80;
        const unsigned char max = i == 1 ? characters[row].second_max : 0xBF;
        if (octet < min || octet > max)
            return 0;
    }
    return characters[row].size;
}

/* ---- handles and texts ---- */

static bool is_handle(struct chat_span handle)
{
    if (handle.len < 1 || handle.len > CHAT_HANDLE_MAX || !is_alnum(handle.at[0]))
        return false;
    for (size_t i = 1; i < handle.len; i++)
        if (!is_handle_tail(handle.at[i]))
            return false;
    return true;
}

bool chat_is_server(struct chat_span handle)
{
    static const char server[] = "SERVER";

    if (handle.len != sizeof server - 1)
        return false;
    for (size_t i = 0; i < handle.len; i++)
        if (upper(handle.at[i]) != server[i])
            return false;
    return true;
}

enum chat_code chat_check_handle(struct chat_span handle)
{
    if (!is_handle(handle))
        return CHAT_CODE_MALFORMED;
    return chat_is_server(handle) ? CHAT_CODE_HANDLE_RESERVED : CHAT_OK;
}

enum chat_code chat_check_text(struct chat_span text)
{
    if (text.len > CHAT_TEXT_MAX)
        return CHAT_CODE_TOO_LONG;
    while (text.len > 0) {
        const size_t size = character_size(text);
        if (size == 0)
            return CHAT_CODE_ENCODING;
        text = after(text, size);
    }
    return CHAT_OK;
}

size_t chat_cut(struct chat_span text)
{
    size_t cut = CHAT_TEXT_MAX;

    if (text.len <= CHAT_TEXT_MAX)
        return text.len;
    /* The cut goes back to the front of a character (three octets at most, so
     * that it ends in what is no UTF-8 too) and, if `\quit` would be left over,
     * one character further. */
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 3 && is_tail(text.at[cut]); i++)
            cut--;
        if (chat_client_kind(after(text, cut), false) != CHAT_QUIT)
            break;
        cut--;
    }
    return cut;
}

/* ---- commands: each function is one rule of the ABNF ---- */

/* Takes `string` off the front of `rest`. */
static bool take(struct chat_span *rest, const char *string)
{
    const size_t len = strlen(string);

    if (rest->len < len || memcmp(rest->at, string, len) != 0)
        return false;
    *rest = after(*rest, len);
    return true;
}

/* Takes as many octets of a class as there are, at most `max`. */
static struct chat_span take_while(struct chat_span *rest, bool (*in_class)(char), size_t max)
{
    struct chat_span taken = {rest->at, 0};

    while (taken.len < rest->len && taken.len < max && in_class(rest->at[taken.len]))
        taken.len++;
    *rest = after(*rest, taken.len);
    return taken;
}

static bool take_version(struct chat_span *rest, int *version)
{
    struct chat_span digits;

    if (!take(rest, "chat/"))
        return false;
    digits = take_while(rest, is_digit, 3);
    if (digits.len == 0 || digits.at[0] == '0')
        return false;
    *version = 0;
    for (size_t i = 0; i < digits.len; i++)
        *version = *version * 10 + (digits.at[i] - '0');
    return true;
}

/* *( SP word ), up to the end. */
static bool take_words(struct chat_span *rest, struct chat_span *words)
{
    *words = after(*rest, rest->len > 0);
    while (rest->len > 0)
        if (!take(rest, " ") || take_while(rest, is_word, CHAT_TEXT_MAX).len == 0)
            return false;
    return true;
}

bool chat_next_word(struct chat_span *words, struct chat_span *word)
{
    const char *blank;

    if (words->len == 0)
        return false;
    blank = memchr(words->at, ' ', words->len);
    word->at = words->at;
    word->len = blank ? (size_t)(blank - words->at) : words->len;
    *words = after(*words, word->len + (blank != NULL));
    return true;
}

/* 1*( SP handle ), up to the end. */
static bool take_handles(struct chat_span *rest, struct chat_span *handles)
{
    struct chat_span left, handle;

    if (!take_words(rest, handles) || handles->len == 0)
        return false;
    left = *handles;
    while (chat_next_word(&left, &handle))
        if (!is_handle(handle))
            return false;
    return true;
}

static bool read_join(struct chat_span rest, struct chat_event *event)
{
    return take(&rest, "\\join ") && take_version(&rest, &event->version)
        && take_words(&rest, &event->words);
}

static bool read_welcome(struct chat_span rest, struct chat_event *event)
{
    if (!take(&rest, "\\welcome ") || !take_version(&rest, &event->version) || !take(&rest, " "))
        return false;
    if (take(&rest, "turns"))
        event->server = CHAT_TURNS;
    else if (take(&rest, "relay"))
        event->server = CHAT_RELAY;
    else
        return false;
    return take_words(&rest, &event->words);
}

static bool read_joined(struct chat_span rest, struct chat_event *event)
{
    return take(&rest, "\\joined") && take_handles(&rest, &event->words);
}

static bool read_left(struct chat_span rest, struct chat_event *event)
{
    return take(&rest, "\\left") && take_handles(&rest, &event->words);
}

static bool read_error(struct chat_span rest, struct chat_event *event)
{
    if (!take(&rest, "\\error "))
        return false;
    event->name = take_while(&rest, is_code, CHAT_TEXT_MAX);
    return event->name.len > 0 && take_words(&rest, &event->words);
}

static bool read_quit(struct chat_span rest, struct chat_event *event)
{
    (void)event;
    return take(&rest, "\\quit") && rest.len == 0;
}

static const struct {
    enum chat_kind kind;
    enum chat_from from;
    bool first_only;
    bool (*read)(struct chat_span text, struct chat_event *event);
} commands[] = {
    {CHAT_JOIN,    CHAT_FROM_CLIENT, true,  read_join},
    {CHAT_QUIT,    CHAT_FROM_CLIENT, false, read_quit},
    {CHAT_WELCOME, CHAT_FROM_SERVER, false, read_welcome},
    {CHAT_JOINED,  CHAT_FROM_SERVER, false, read_joined},
    {CHAT_LEFT,    CHAT_FROM_SERVER, false, read_left},
    {CHAT_ERROR,   CHAT_FROM_SERVER, false, read_error},
    {CHAT_QUIT,    CHAT_FROM_SERVER, false, read_quit},
};

/* Turns an event that is a text into the command that it may be [CMD-1]. */
static void read_command(struct chat_event *event, enum chat_from from, bool first)
{
    for (size_t i = 0; i < COUNT(commands); i++) {
        struct chat_event command = *event;
        if (commands[i].from == from && (first || !commands[i].first_only)
            && commands[i].read(event->text, &command)) {
            *event = command;
            event->kind = commands[i].kind;
            return;
        }
    }
}

enum chat_kind chat_client_kind(struct chat_span text, bool first)
{
    struct chat_event event = {.kind = CHAT_TEXT, .text = text};

    read_command(&event, CHAT_FROM_CLIENT, first);
    return event.kind;
}

/* ---- decoding ---- */

void chat_decoder_init(struct chat_decoder *decoder, enum chat_from from)
{
    memset(decoder, 0, sizeof *decoder);
    decoder->from = from;
}

void chat_decoder_feed(struct chat_decoder *decoder, const char *data, size_t n)
{
    assert(decoder->left == 0 || decoder->closed);
    decoder->data = data;
    decoder->left = n;
    decoder->ended = decoder->ended || n == 0;
}

void chat_decoder_discard(struct chat_decoder *decoder)
{
    decoder->left = 0;
    decoder->held_len = 0;
}

enum progress { INCOMPLETE, COMPLETE, TOO_LONG };

/* Looks for the next line end. The window is one octet more than may be held:
 * a line end further on would come too late [LINE-7]. Octets that are held were
 * looked at before and are not looked at again. */
static enum progress next_content(struct chat_decoder *decoder, struct chat_span *content)
{
    const char *const data = decoder->data;
    const size_t window = CHAT_HOLD_MAX + 1 - decoder->held_len;
    size_t n = 0;
    bool found;

    while (n < window && n < decoder->left && data[n] != '\n' && data[n] != '\0')
        n++;
    content->at = decoder->held_len > 0 ? decoder->held : data;
    content->len = decoder->held_len + n;
    if (n == window)
        return TOO_LONG;

    found = n < decoder->left;
    if (n > 0 && (decoder->held_len > 0 || !found))
        memcpy(decoder->held + decoder->held_len, data, n);
    decoder->held_len = found ? 0 : content->len;
    if (!found) {
        decoder->left = 0;
        /* One octet too many is one too many, unless a LF may make it a line end. */
        return content->len > CHAT_CONTENT_MAX && decoder->held[CHAT_CONTENT_MAX] != '\r'
            ? TOO_LONG : INCOMPLETE;
    }
    decoder->data += n + 1;
    decoder->left -= n + 1;
    if (data[n] == '\n' && content->len > 0 && content->at[content->len - 1] == '\r')
        content->len--;
    return content->len > CHAT_CONTENT_MAX ? TOO_LONG : COMPLETE;
}

/* The checks of ERR-4 on a client's handle; its first line binds it. */
static enum chat_code check_speaker(struct chat_decoder *decoder, struct chat_span handle)
{
    const struct chat_span bound = {decoder->handle, decoder->handle_len};

    if (chat_is_server(handle))
        return CHAT_CODE_HANDLE_RESERVED;
    if (decoder->bound)
        return equal(handle, bound) ? CHAT_OK : CHAT_CODE_HANDLE_CHANGED;
    decoder->bound = true;
    decoder->handle_len = handle.len;
    memcpy(decoder->handle, handle.at, handle.len);
    return CHAT_OK;
}

/* Reads one line with content: `event` becomes a text or a command. Not
 * CHAT_OK: it is a violation, in the order of ERR-4. */
static enum chat_code read_line(struct chat_decoder *decoder, struct chat_span content,
                                struct chat_event *event)
{
    const char *const mark = memchr(content.at, '>', content.len);
    const bool first = !decoder->bound;
    enum chat_code code = CHAT_CODE_MALFORMED;

    if (!mark)
        return code;
    event->kind = CHAT_TEXT;
    event->handle = (struct chat_span){content.at, (size_t)(mark - content.at)};
    event->text = after(content, event->handle.len + 1);
    if (is_handle(event->handle))
        code = chat_check_text(event->text);
    if (code == CHAT_OK && decoder->from == CHAT_FROM_CLIENT)
        code = check_speaker(decoder, event->handle);
    if (code == CHAT_OK && (decoder->from == CHAT_FROM_CLIENT || chat_is_server(event->handle)))
        read_command(event, decoder->from, first);
    return code;
}

enum chat_kind chat_decoder_next(struct chat_decoder *decoder, struct chat_event *event)
{
    memset(event, 0, sizeof *event);
    while (!decoder->closed && decoder->left > 0 && event->kind == CHAT_NEED_DATA) {
        struct chat_span content;
        const enum progress progress = next_content(decoder, &content);
        enum chat_code code = CHAT_OK;

        if (progress == TOO_LONG)
            code = CHAT_CODE_TOO_LONG;
        else if (progress == COMPLETE && content.len > 0)
            code = read_line(decoder, content, event);
        if (code != CHAT_OK) {
            *event = (struct chat_event){.kind = CHAT_VIOLATION, .code = code, .octets = content.len};
            decoder->closed = decoder->from == CHAT_FROM_CLIENT || code == CHAT_CODE_TOO_LONG;
        }
    }
    if (!decoder->closed && decoder->ended && event->kind == CHAT_NEED_DATA) {
        event->kind = CHAT_END;
        event->unfinished = decoder->held_len;
        decoder->closed = true;
    }
    return event->kind;
}

/* ---- encoding ---- */

size_t chat_encode_text(char out[CHAT_LINE_MAX], struct chat_span handle, struct chat_span text)
{
    size_t len = handle.len;

    if (chat_check_handle(handle) != CHAT_OK || chat_check_text(text) != CHAT_OK)
        return 0;
    memcpy(out, handle.at, handle.len);
    out[len++] = '>';
    if (text.len > 0)
        memcpy(out + len, text.at, text.len);
    len += text.len;
    out[len++] = '\n';
    return len;
}

size_t chat_encode_join(char out[CHAT_LINE_MAX], struct chat_span handle)
{
    return chat_encode_text(out, handle, literal("\\join chat/1"));
}

size_t chat_encode_quit(char out[CHAT_LINE_MAX], struct chat_span handle)
{
    return chat_encode_text(out, handle, literal("\\quit"));
}
