/* oracle.c - see oracle.h. */
#include "oracle.h"

#include <string.h>

static const char handle_first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char handle_later[] = "-_.";

bool oracle_line(struct chat_span *stream, struct chat_span *content)
{
    do {
        size_t end = 0;
        while (end < stream->len && stream->at[end] != '\n' && stream->at[end] != '\0')
            end++;
        if (end == stream->len)
            return false;
        content->at = stream->at;
        content->len = end;
        if (stream->at[end] == '\n' && end > 0 && stream->at[end - 1] == '\r')
            content->len--;
        stream->at += end + 1;
        stream->len -= end + 1;
    } while (content->len == 0);
    return true;
}

bool oracle_is_hopeless(struct chat_span unfinished)
{
    return unfinished.len > 512 || (unfinished.len == 512 && unfinished.at[511] != '\r');
}

static bool among(char c, const char *characters)
{
    return c != '\0' && strchr(characters, c) != NULL;
}

static bool is_handle(struct chat_span handle)
{
    if (handle.len < 1 || handle.len > 10 || !among(handle.at[0], handle_first))
        return false;
    for (size_t i = 1; i < handle.len; i++)
        if (!among(handle.at[i], handle_first) && !among(handle.at[i], handle_later))
            return false;
    return true;
}

bool oracle_is_server(struct chat_span handle)
{
    static const char *const either[] = {"Ss", "Ee", "Rr", "Vv", "Ee", "Rr"};

    for (size_t i = 0; i < handle.len; i++)
        if (i == 6 || !among(handle.at[i], either[i]))
            return false;
    return handle.len == 6;
}

/* Takes a code point off a text by arithmetic; one that may not be there is -1. */
static long take_point(struct chat_span *text)
{
    static const long least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char first = (unsigned char)text->at[0];
    size_t more = 0;
    long point = first;

    while (more < 7 && first & 0x80 >> more)
        more++;
    more -= more > 0;
    if ((first >= 0x80 && more == 0) || more > 3 || text->len <= more)
        return -1;
    if (more > 0)
        point = first & (0x3F >> more);
    for (size_t i = 1; i <= more; i++) {
        const unsigned char octet = (unsigned char)text->at[i];
        if (octet >> 6 != 2)
            return -1;
        point = point << 6 | (octet & 0x3F);
    }
    text->at += more + 1;
    text->len -= more + 1;
    return point < least[more] || point > 0x10FFFF || point >> 11 == 0xD800 >> 11 ? -1 : point;
}

bool oracle_is_clean(struct chat_span text)
{
    while (text.len > 0) {
        const long point = take_point(&text);
        if ((point < 0x20 && point != '\t') || (point >= 0x7F && point < 0xA0))
            return false;
    }
    return true;
}

enum chat_code oracle_defect(struct chat_span content)
{
    const char *const mark = memchr(content.at, '>', content.len);
    struct chat_span handle, text;

    if (content.len > 511)
        return CHAT_CODE_TOO_LONG;
    if (!mark)
        return CHAT_CODE_MALFORMED;
    handle = (struct chat_span){content.at, (size_t)(mark - content.at)};
    text = (struct chat_span){mark + 1, content.len - handle.len - 1};
    if (!is_handle(handle))
        return CHAT_CODE_MALFORMED;
    if (text.len > 500)
        return CHAT_CODE_TOO_LONG;
    return oracle_is_clean(text) ? CHAT_OK : CHAT_CODE_ENCODING;
}
