/* input.c - standard input, line by line; see input.h. */
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK = 65536,                      /* octets read at once */
    MORE  = 2 * CHUNK                   /* octets of memory taken at once */
};

static char *octets;
static size_t capacity;
static size_t begin, end;               /* what is read and not yet given out */
static size_t looked_at;                /* no line end stands before this */
static bool ended;
static bool too_long;                   /* this line is being thrown away */

/* Makes room for a chunk; false: there is no memory. */
static bool make_room(void)
{
    char *grown;

    if (begin > 0) {
        memmove(octets, octets + begin, end - begin);
        end -= begin;
        looked_at -= begin;
        begin = 0;
    }
    if (capacity - end >= CHUNK)
        return true;
    grown = realloc(octets, capacity + MORE);
    if (!grown)
        return false;
    octets = grown;
    capacity += MORE;
    return true;
}

void input_read(void)
{
    ssize_t n;

    if (!make_room()) {
        /* Not even this line can be kept: go on without it. */
        too_long = true;
        looked_at = end = 0;
        if (capacity < CHUNK) {
            ended = true;
            return;
        }
    }
    n = read(STDIN_FILENO, octets + end, CHUNK);
    if (n > 0)
        end += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
        ended = true;
}

/* What becomes of a line that is whole. */
static enum typed judge(struct chat_span *line)
{
    const bool thrown_away = too_long || line->len > INPUT_LINE_MAX;

    too_long = false;
    if (thrown_away)
        return TYPED_TOO_LONG;
    return line->len == INPUT_TERMINAL_MAX && isatty(STDIN_FILENO) ? TYPED_CUT : TYPED_LINE;
}

enum typed input_next(struct chat_span *line)
{
    const size_t rest = end - looked_at;
    const char *const stop = rest > 0 ? memchr(octets + looked_at, '\n', rest) : NULL;

    line->at = octets + begin;
    if (stop) {
        line->len = (size_t)(stop - line->at);
        begin = looked_at = begin + line->len + 1;
        if (line->len > 0 && line->at[line->len - 1] == '\r')
            line->len--;
        return judge(line);
    }
    line->len = end - begin;
    if (line->len > INPUT_LINE_MAX)
        too_long = true;
    begin = too_long ? end : begin;
    looked_at = end;
    if (!ended)
        return TYPED_NOTHING;
    if (line->len > 0 || too_long) {
        begin = end;
        return judge(line);
    }
    ended = false;
    return TYPED_END;
}
