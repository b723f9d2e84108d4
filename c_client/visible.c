/* visible.c - text as a terminal is to show it; see visible.h. */
#include "visible.h"

#include <stdint.h>
#include <string.h>

/* The ranges of section 15 of the spec, in order. */
static const struct {
    uint32_t first, last;
} invisible[] = {
    {0x00AD,  0x00AD},
    {0x034F,  0x034F},
    {0x061C,  0x061C},
    {0x115F,  0x1160},
    {0x17B4,  0x17B5},
    {0x180B,  0x180F},
    {0x200B,  0x200F},
    {0x2028,  0x2029},
    {0x202A,  0x202E},
    {0x2060,  0x206F},
    {0x3164,  0x3164},
    {0xFE00,  0xFE0F},
    {0xFEFF,  0xFEFF},
    {0xFFA0,  0xFFA0},
    {0xFFF0,  0xFFFB},
    {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A},
    {0xE0000, 0xE0FFF},
};

static bool is_invisible(uint32_t code_point)
{
    size_t low = 0, high = sizeof invisible / sizeof *invisible;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (code_point > invisible[middle].last)
            low = middle + 1;
        else if (code_point < invisible[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

/* Reads the first character. Returns its size in octets; 1, and code point 0,
 * for an octet that begins none. */
static size_t read_character(struct chat_span text, uint32_t *code_point)
{
    const unsigned char lead = (unsigned char)text.at[0];
    const size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    *code_point = 0;
    if (size == 1 || size > text.len)
        return 1;
    *code_point = lead & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        const unsigned char tail = (unsigned char)text.at[i];
        if ((tail & 0xC0) != 0x80) {
            *code_point = 0;
            return 1;
        }
        *code_point = *code_point << 6 | (tail & 0x3Fu);
    }
    return size;
}

/* Writes <U+202E>. Returns its length. */
static size_t write_code_point(char *out, uint32_t code_point)
{
    size_t len = 3;

    memcpy(out, "<U+", len);
    for (int shift = code_point > 0xFFFF ? 16 : 12; shift >= 0; shift -= 4)
        out[len++] = "0123456789ABCDEF"[code_point >> shift & 0xF];
    out[len++] = '>';
    return len;
}

size_t chat_visible(char *out, struct chat_span text)
{
    size_t len = 0;

    while (text.len > 0) {
        uint32_t code_point;
        const size_t size = read_character(text, &code_point);

        if (is_invisible(code_point)) {
            len += write_code_point(out + len, code_point);
        } else {
            memcpy(out + len, text.at, size);
            len += size;
        }
        text.at += size;
        text.len -= size;
    }
    return len;
}
