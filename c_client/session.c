/* session.c - one conversation of chat/1; see session.h. */
#include "session.h"

#include <string.h>

/* ---- the table of section 12 ---- */

#define START           CHAT_STATE_START
#define ASKED_CLIENT    CHAT_STATE_ASKED_CLIENT
#define ASKED_SERVER    CHAT_STATE_ASKED_SERVER
#define ASKED_FREE      CHAT_STATE_ASKED_FREE
#define WELCOMED_CLIENT CHAT_STATE_WELCOMED_CLIENT
#define WELCOMED_SERVER CHAT_STATE_WELCOMED_SERVER
#define WELCOMED_FREE   CHAT_STATE_WELCOMED_FREE
#define PLAIN_CLIENT    CHAT_STATE_PLAIN_CLIENT
#define PLAIN_SERVER    CHAT_STATE_PLAIN_SERVER
#define LEAVING         CHAT_STATE_LEAVING
#define DISMISSED       CHAT_STATE_DISMISSED
#define CLOSED          CHAT_STATE_CLOSED

/* What is not named has no entry: it is 0, and that is CHAT_STATE_NONE. */
#define ON(act, next) [CHAT_ACT_##act] = (next)

/* The last three columns of the server, alike in every state before the end. */
#define DISMISSAL ON(QUIT, DISMISSED), ON(ERROR, DISMISSED), ON(END, DISMISSED)

static const enum chat_state client_table[CHAT_STATES][CHAT_ACTS] = {
    [START]           = {ON(JOIN, ASKED_CLIENT), ON(TEXT, PLAIN_SERVER),
                         ON(QUIT, LEAVING), ON(END, LEAVING)},
    [ASKED_CLIENT]    = {ON(TEXT, ASKED_SERVER), ON(QUIT, LEAVING), ON(END, LEAVING)},
    [ASKED_SERVER]    = {ON(UNANSWERED, ASKED_FREE), ON(QUIT, LEAVING), ON(END, LEAVING)},
    [ASKED_FREE]      = {ON(TEXT, ASKED_FREE), ON(QUIT, LEAVING), ON(END, LEAVING)},
    [WELCOMED_CLIENT] = {ON(TEXT, WELCOMED_SERVER), ON(QUIT, LEAVING), ON(END, LEAVING)},
    [WELCOMED_SERVER] = {ON(UNANSWERED, WELCOMED_FREE), ON(QUIT, LEAVING), ON(END, LEAVING)},
    [WELCOMED_FREE]   = {ON(TEXT, WELCOMED_FREE), ON(QUIT, LEAVING), ON(END, LEAVING)},
    [PLAIN_CLIENT]    = {ON(TEXT, PLAIN_SERVER), ON(QUIT, LEAVING), ON(END, LEAVING)},
    [PLAIN_SERVER]    = {ON(QUIT, LEAVING), ON(END, LEAVING)},
    [LEAVING]         = {ON(END, LEAVING)},
    [DISMISSED]       = {ON(END, CLOSED)},
    [CLOSED]          = {ON(END, CLOSED)},
};

static const enum chat_state server_table[CHAT_STATES][CHAT_ACTS] = {
    [START]           = {DISMISSAL},
    [ASKED_CLIENT]    = {ON(WELCOME_TURNS, WELCOMED_CLIENT), ON(WELCOME_RELAY, WELCOMED_FREE),
                         ON(RELAYED, ASKED_FREE), DISMISSAL},
    [ASKED_SERVER]    = {ON(WELCOME_TURNS, WELCOMED_SERVER), ON(WELCOME_RELAY, WELCOMED_FREE),
                         ON(TEXT, ASKED_CLIENT), ON(RELAYED, ASKED_FREE), DISMISSAL},
    [ASKED_FREE]      = {ON(WELCOME_TURNS, WELCOMED_FREE), ON(WELCOME_RELAY, WELCOMED_FREE),
                         ON(TEXT, ASKED_FREE), ON(RELAYED, ASKED_FREE), DISMISSAL},
    [WELCOMED_CLIENT] = {ON(RELAYED, WELCOMED_FREE), DISMISSAL},
    [WELCOMED_SERVER] = {ON(TEXT, WELCOMED_CLIENT), ON(RELAYED, WELCOMED_FREE), DISMISSAL},
    [WELCOMED_FREE]   = {ON(TEXT, WELCOMED_FREE), ON(RELAYED, WELCOMED_FREE),
                         ON(PRESENCE, WELCOMED_FREE), DISMISSAL},
    [PLAIN_CLIENT]    = {DISMISSAL},
    [PLAIN_SERVER]    = {ON(TEXT, PLAIN_CLIENT), DISMISSAL},
    [LEAVING]         = {ON(END, CLOSED)},
    [DISMISSED]       = {ON(END, DISMISSED)},
    [CLOSED]          = {ON(END, CLOSED)},
};

static const char *const state_names[CHAT_STATES] = {
    [CHAT_STATE_NONE] = "",
    [START]           = "START",
    [ASKED_CLIENT]    = "ASKED-CLIENT",
    [ASKED_SERVER]    = "ASKED-SERVER",
    [ASKED_FREE]      = "ASKED-FREE",
    [WELCOMED_CLIENT] = "WELCOMED-CLIENT",
    [WELCOMED_SERVER] = "WELCOMED-SERVER",
    [WELCOMED_FREE]   = "WELCOMED-FREE",
    [PLAIN_CLIENT]    = "PLAIN-CLIENT",
    [PLAIN_SERVER]    = "PLAIN-SERVER",
    [LEAVING]         = "LEAVING",
    [DISMISSED]       = "DISMISSED",
    [CLOSED]          = "CLOSED",
};

static const char *const act_names[CHAT_ACTS] = {
    [CHAT_ACT_JOIN]          = "JOIN",
    [CHAT_ACT_WELCOME_TURNS] = "WELCOME-TURNS",
    [CHAT_ACT_WELCOME_RELAY] = "WELCOME-RELAY",
    [CHAT_ACT_TEXT]          = "TEXT",
    [CHAT_ACT_RELAYED]       = "RELAYED",
    [CHAT_ACT_PRESENCE]      = "PRESENCE",
    [CHAT_ACT_QUIT]          = "QUIT",
    [CHAT_ACT_ERROR]         = "ERROR",
    [CHAT_ACT_UNANSWERED]    = "UNANSWERED",
    [CHAT_ACT_END]           = "END",
};

enum chat_state chat_transition(enum chat_state state, enum chat_from actor, enum chat_act act)
{
    return (actor == CHAT_FROM_CLIENT ? client_table : server_table)[state][act];
}

const char *chat_state_name(enum chat_state state)
{
    return state_names[state];
}

const char *chat_actor_name(enum chat_from actor)
{
    return actor == CHAT_FROM_CLIENT ? "client" : "server";
}

const char *chat_act_name(enum chat_act act)
{
    return act_names[act];
}

/* ---- a client's session ---- */

static struct chat_span handle_of(const struct chat_session *session)
{
    return (struct chat_span){session->handle, session->handle_len};
}

static bool may(const struct chat_session *session, enum chat_act act)
{
    return chat_transition(session->state, CHAT_FROM_CLIENT, act) != CHAT_STATE_NONE;
}

/* Applies the table; false, and nothing changed, if it has no entry. */
static bool apply(struct chat_session *session, enum chat_from actor, enum chat_act act)
{
    const enum chat_state next = chat_transition(session->state, actor, act);

    if (next != CHAT_STATE_NONE)
        session->state = next;
    return next != CHAT_STATE_NONE;
}

void chat_session_init(struct chat_session *session, struct chat_span handle)
{
    memset(session, 0, sizeof *session);
    session->state = START;
    chat_decoder_init(&session->decoder, CHAT_FROM_SERVER);
    chat_session_name(session, handle);
}

bool chat_session_name(struct chat_session *session, struct chat_span handle)
{
    if (session->state != START || chat_check_handle(handle) != CHAT_OK)
        return false;
    memcpy(session->handle, handle.at, handle.len);
    session->handle_len = handle.len;
    return true;
}

void chat_session_feed(struct chat_session *session, const char *data, size_t n)
{
    chat_decoder_feed(&session->decoder, data, n);
}

/* What the server has done with this event; CHAT_ACTS: nothing that is in the
 * table, or, of a \welcome of a version that we did not ask for, nothing that
 * counts [JOIN-6]. */
static enum chat_act act_of(const struct chat_event *event)
{
    switch (event->kind) {
    case CHAT_TEXT:
        return chat_is_server(event->handle) ? CHAT_ACT_TEXT : CHAT_ACT_RELAYED;
    case CHAT_WELCOME:
        if (event->version > CHAT_VERSION)
            return CHAT_ACTS;
        return event->server == CHAT_RELAY ? CHAT_ACT_WELCOME_RELAY : CHAT_ACT_WELCOME_TURNS;
    case CHAT_JOINED:
    case CHAT_LEFT:
        return CHAT_ACT_PRESENCE;
    case CHAT_QUIT:
        return CHAT_ACT_QUIT;
    case CHAT_ERROR:
        return CHAT_ACT_ERROR;
    case CHAT_END:
        return CHAT_ACT_END;
    default:
        return CHAT_ACTS;
    }
}

static bool is_command(enum chat_kind kind)
{
    return kind == CHAT_WELCOME || kind == CHAT_JOINED || kind == CHAT_LEFT
        || kind == CHAT_ERROR || kind == CHAT_QUIT;
}

enum chat_kind chat_session_next(struct chat_session *session, struct chat_event *event)
{
    enum chat_kind kind;
    enum chat_act act;
    bool applied;

    if (session->state == DISMISSED || session->state == CLOSED)
        chat_decoder_discard(&session->decoder);
    kind = chat_decoder_next(&session->decoder, event);
    act = act_of(event);
    applied = act != CHAT_ACTS && apply(session, CHAT_FROM_SERVER, act);
    if (kind == CHAT_WELCOME && applied)
        session->welcomed = true;
    if (is_command(kind) && !applied)
        *event = (struct chat_event){.kind = CHAT_IGNORED, .handle = event->handle,
                                     .text = event->text};
    return event->kind;
}

size_t chat_session_join(struct chat_session *session, char out[CHAT_LINE_MAX])
{
    size_t len = 0;

    if (may(session, CHAT_ACT_JOIN))
        len = chat_encode_join(out, handle_of(session));
    if (len > 0)
        apply(session, CHAT_FROM_CLIENT, CHAT_ACT_JOIN);
    return len;
}

bool chat_session_may_say(const struct chat_session *session)
{
    return may(session, CHAT_ACT_TEXT);
}

size_t chat_session_say(struct chat_session *session, struct chat_span text,
                        char out[CHAT_LINE_MAX])
{
    size_t len = 0;

    if (may(session, CHAT_ACT_TEXT)
        && chat_client_kind(text, session->state == START) == CHAT_TEXT)
        len = chat_encode_text(out, handle_of(session), text);
    if (len > 0)
        apply(session, CHAT_FROM_CLIENT, CHAT_ACT_TEXT);
    return len;
}

size_t chat_session_quit(struct chat_session *session, char out[CHAT_LINE_MAX])
{
    size_t len = 0;

    if (session->welcomed && may(session, CHAT_ACT_QUIT))
        len = chat_encode_quit(out, handle_of(session));
    if (len > 0)
        apply(session, CHAT_FROM_CLIENT, CHAT_ACT_QUIT);
    return len;
}

bool chat_session_unanswered(struct chat_session *session)
{
    return apply(session, CHAT_FROM_CLIENT, CHAT_ACT_UNANSWERED);
}

bool chat_session_end(struct chat_session *session)
{
    return apply(session, CHAT_FROM_CLIENT, CHAT_ACT_END);
}
