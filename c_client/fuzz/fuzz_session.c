/* fuzz_session.c - a client's session under any acts of its user and any octets of
 * its server, in any order.
 *
 * An input is a list of acts, each an octet, and behind some of them a length and
 * as many octets. Everything is done twice, what is heard once as it is and once
 * octet by octet.
 */
#include "fuzz.h"
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

enum act { HEAR, NAME, JOIN, SAY, QUIT, UNANSWERED, END, ACTS };

/* A session, and the server's side of its connection. */
struct conversation {
    struct chat_session session;
    struct chat_decoder server;         /* reads what the session has written */
    bool dismissed;                     /* the server's last word was heard */
    bool ended;                         /* its end was told */
    struct record record;
};

static bool same_session(const struct chat_session *a, const struct chat_session *b)
{
    return a->state == b->state && a->welcomed == b->welcomed && a->decoder.bound == b->decoder.bound
        && same_octets((struct chat_span){a->handle, a->handle_len},
                       (struct chat_span){b->handle, b->handle_len});
}

/* ---- hearing ---- */

/* What the server has done with this event, in the words of the table. */
static enum chat_act heard_act(const struct chat_event *event)
{
    static const enum chat_act acts[] = {
        [CHAT_WELCOME] = CHAT_ACT_WELCOME_TURNS,
        [CHAT_JOINED]  = CHAT_ACT_PRESENCE,
        [CHAT_LEFT]    = CHAT_ACT_PRESENCE,
        [CHAT_ERROR]   = CHAT_ACT_ERROR,
        [CHAT_QUIT]    = CHAT_ACT_QUIT,
        [CHAT_END]     = CHAT_ACT_END,
    };

    if (event->kind == CHAT_TEXT)
        return oracle_is_server(event->handle) ? CHAT_ACT_TEXT : CHAT_ACT_RELAYED;
    if (event->kind == CHAT_WELCOME && event->server == CHAT_RELAY)
        return CHAT_ACT_WELCOME_RELAY;
    return acts[event->kind];
}

static void check_heard(struct conversation *talk, const struct chat_session *before,
                        const struct chat_event *event)
{
    const enum chat_state now = talk->session.state;
    enum chat_state next;

    demand(!talk->ended, "nothing is heard after the end");
    demand(!talk->dismissed || event->kind == CHAT_END, "only the end is heard after a last word");
    demand(event->kind != CHAT_JOIN, "a server cannot join");
    demand(talk->session.welcomed == (before->welcomed || event->kind == CHAT_WELCOME),
           "only a welcome that counts makes a client welcomed");
    talk->ended = event->kind == CHAT_END;
    talk->dismissed = talk->dismissed || event->kind == CHAT_QUIT || event->kind == CHAT_ERROR;
    if (event->kind == CHAT_VIOLATION || event->kind == CHAT_IGNORED) {
        demand(now == before->state, "what does not count changes nothing");
        demand(event->kind != CHAT_IGNORED || event->text.at[0] == '\\', "only commands are ignored");
        return;
    }
    demand(event->kind != CHAT_WELCOME || event->version <= CHAT_VERSION,
           "a welcome to a version that was not asked for does not count [JOIN-6]");
    next = chat_transition(before->state, CHAT_FROM_SERVER, heard_act(event));
    demand(next != CHAT_STATE_NONE || event->kind == CHAT_TEXT,
           "a command out of place is ignored [CMD-5]");
    demand(now == (next == CHAT_STATE_NONE ? before->state : next),
           "what is heard does what the table says");
}

static void hear_piece(struct conversation *talk, struct chat_span octets)
{
    char *const lent = lend(octets);
    struct chat_event event;

    chat_session_feed(&talk->session, lent, octets.len);
    for (;;) {
        const struct chat_session before = talk->session;
        if (chat_session_next(&talk->session, &event) == CHAT_NEED_DATA)
            break;
        check_heard(talk, &before, &event);
        record_event(&talk->record, &event);
    }
    free(lent);
}

static void hear(struct conversation *talk, struct chat_span octets, bool by_octets)
{
    if (!by_octets || octets.len == 0)
        hear_piece(talk, octets);
    else
        while (octets.len > 0)
            hear_piece(talk, take_octets(&octets, 1));
}

/* ---- saying ---- */

/* A line that a session has written is for any server a line of that kind. */
static void check_said(struct conversation *talk, enum chat_kind kind, struct chat_span line)
{
    struct chat_event event;

    demand(line.len <= CHAT_LINE_MAX, "a line has the length of one");
    chat_decoder_feed(&talk->server, line.at, line.len);
    demand(chat_decoder_next(&talk->server, &event) == kind, "a server reads what was said");
    record_event(&talk->record, &event);
    demand(chat_decoder_next(&talk->server, &event) == CHAT_NEED_DATA, "it was one line");
}

/* Of an act that may be refused: it was carried out, as the table says, or
 * nothing has happened at all. */
static void check_done(struct conversation *talk, const struct chat_session *before,
                       enum chat_act act, bool done)
{
    const enum chat_state next = chat_transition(before->state, CHAT_FROM_CLIENT, act);

    record_number(&talk->record, done);
    if (done)
        demand(next != CHAT_STATE_NONE && talk->session.state == next,
               "what was done is in the table, and did what is there");
    else
        demand(same_session(&talk->session, before), "what was refused has changed nothing");
}

static void do_act(struct conversation *talk, enum act act, struct chat_span octets, bool by_octets)
{
    static const enum chat_act said_as[] = {
        [JOIN] = CHAT_ACT_JOIN, [SAY] = CHAT_ACT_TEXT, [QUIT] = CHAT_ACT_QUIT,
        [UNANSWERED] = CHAT_ACT_UNANSWERED, [END] = CHAT_ACT_END,
    };
    static const enum chat_kind heard_as[] = {
        [JOIN] = CHAT_JOIN, [SAY] = CHAT_TEXT, [QUIT] = CHAT_QUIT,
    };
    struct chat_session *const session = &talk->session;
    const struct chat_session before = *session;
    const bool may_say = chat_session_may_say(session);
    char line[CHAT_LINE_MAX];
    bool done = false;
    size_t n = 0;

    memset(line, '~', sizeof line);
    switch (act) {
    case HEAR:
        hear(talk, octets, by_octets);
        return;
    case NAME:
        done = chat_session_name(session, octets);
        record_number(&talk->record, done);
        demand(done == (before.state == CHAT_STATE_START && chat_check_handle(octets) == CHAT_OK),
               "a session is given a client's handle, at its start");
        demand(done || same_session(session, &before), "a refused handle changes nothing");
        return;
    case JOIN:
        n = chat_session_join(session, line);
        break;
    case SAY:
        n = chat_session_say(session, octets, line);
        demand(n == 0 || may_say, "a text is said only if it may be");
        demand(n > 0 || !may_say || before.handle_len == 0 || chat_check_text(octets) != CHAT_OK
               || chat_client_kind(octets, before.state == CHAT_STATE_START) != CHAT_TEXT,
               "a legal text that may be said is said");
        break;
    case QUIT:
        n = chat_session_quit(session, line);
        demand(n == 0 || before.welcomed, "without a welcome no \\quit is said [JOIN-9]");
        break;
    case UNANSWERED:
        done = chat_session_unanswered(session);
        break;
    default:
        done = chat_session_end(session);
        break;
    }
    check_done(talk, &before, said_as[act], done || n > 0);
    if (n > 0)
        check_said(talk, heard_as[act], (struct chat_span){line, n});
    for (size_t i = n; i < sizeof line; i++)
        demand(line[i] == '~', "behind the line nothing is written");
}

static void act_out(struct chat_span input, bool by_octets, struct conversation *talk)
{
    memset(&talk->session, 0, sizeof talk->session);
    talk->record.len = 0;
    talk->dismissed = talk->ended = false;
    chat_session_init(&talk->session, take_octets(&input, take_octet(&input)));
    chat_decoder_init(&talk->server, CHAT_FROM_CLIENT);
    while (input.len > 0) {
        const enum act act = (enum act)(take_octet(&input) % ACTS);
        struct chat_span octets = {"", 0};
        if (act == HEAR || act == NAME || act == SAY) {
            size_t length = take_octet(&input);
            if (length == 255)
                length += take_octet(&input) + take_octet(&input);
            octets = take_octets(&input, length);
        }
        do_act(talk, act, octets, by_octets);
        record_number(&talk->record, talk->session.state);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conversation whole, by_octets;
    const struct chat_span input = {(const char *)data, size};

    act_out(input, false, &whole);
    act_out(input, true, &by_octets);
    demand(same_record(&whole.record, &by_octets.record),
           "the same octets, cut anywhere, make the same conversation");
    return 0;
}
