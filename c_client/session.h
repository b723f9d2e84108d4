/* session.h - one conversation of chat/1: whose turn it is, who has left.
 *
 * Pure, like wire.h. First the table of section 12 of the spec, which does not
 * know which end it is at; then a client's session, which applies it to what it
 * says and to what it hears.
 */
#ifndef CHAT_SESSION_H
#define CHAT_SESSION_H

#include "wire.h"

enum chat_state {
    CHAT_STATE_NONE,            /* no state: the table has no entry */
    CHAT_STATE_START,
    CHAT_STATE_ASKED_CLIENT,
    CHAT_STATE_ASKED_SERVER,
    CHAT_STATE_ASKED_FREE,
    CHAT_STATE_WELCOMED_CLIENT,
    CHAT_STATE_WELCOMED_SERVER,
    CHAT_STATE_WELCOMED_FREE,
    CHAT_STATE_PLAIN_CLIENT,
    CHAT_STATE_PLAIN_SERVER,
    CHAT_STATE_LEAVING,
    CHAT_STATE_DISMISSED,
    CHAT_STATE_CLOSED,
    CHAT_STATES                 /* how many there are, CHAT_STATE_NONE with them */
};

/* What either side does. The spec calls these the events of its tables; here
 * an event is what a decoder yields. */
enum chat_act {
    CHAT_ACT_JOIN,
    CHAT_ACT_WELCOME_TURNS,
    CHAT_ACT_WELCOME_RELAY,
    CHAT_ACT_TEXT,
    CHAT_ACT_RELAYED,
    CHAT_ACT_PRESENCE,
    CHAT_ACT_QUIT,
    CHAT_ACT_ERROR,
    CHAT_ACT_UNANSWERED,
    CHAT_ACT_END,
    CHAT_ACTS                   /* how many there are */
};

/* The state after `actor` has done `act`; CHAT_STATE_NONE if the table has no
 * entry: who is about to say it must not [STATE-1], and to who hears it
 * nothing changes [STATE-2]. */
enum chat_state chat_transition(enum chat_state state, enum chat_from actor, enum chat_act act);

/* The names of the spec: "ASKED-CLIENT", "client", "WELCOME-TURNS". */
const char *chat_state_name(enum chat_state state);
const char *chat_actor_name(enum chat_from actor);
const char *chat_act_name(enum chat_act act);

/* A client's end of a conversation. To be read at any time, written only by
 * the functions below. */
struct chat_session {
    enum chat_state state;
    bool welcomed;                      /* a \welcome has counted [JOIN-9] */
    size_t handle_len;
    char handle[CHAT_HANDLE_MAX];
    struct chat_decoder decoder;
};

/* A conversation in START. An empty handle means that it is not known yet; to
 * give it, chat_session_name before chat_session_join. */
void chat_session_init(struct chat_session *session, struct chat_span handle);

/* Gives a session in START its handle; false, and nothing changed, if it is no
 * client's handle [LINE-3, LINE-12] or if the state is another. */
bool chat_session_name(struct chat_session *session, struct chat_span handle);

/* What the server sends; to be used like chat_decoder_feed and _next. Besides
 * their events there is CHAT_IGNORED, a command out of place, of which only the
 * text is given [CMD-5, JOIN-6, STATE-2]. Once the server has said \quit or
 * \error, only CHAT_END follows, whatever else comes, and whatever we do. */
void chat_session_feed(struct chat_session *session, const char *data, size_t n);
enum chat_kind chat_session_next(struct chat_session *session, struct chat_event *event);

/* What we say. Each writes a line for the server and returns its length; or 0,
 * with nothing written and nothing changed, if it may not be said now or ever. */
size_t chat_session_join(struct chat_session *session, char out[CHAT_LINE_MAX]);
size_t chat_session_say(struct chat_session *session, struct chat_span text,
                        char out[CHAT_LINE_MAX]);
/* Not welcomed: 0, for then one just ends one's stream [JOIN-9]. */
size_t chat_session_quit(struct chat_session *session, char out[CHAT_LINE_MAX]);

/* Whether a text may be said now: nobody's turn, or ours [CLIENT-7]. */
bool chat_session_may_say(const struct chat_session *session);

/* Our decision to wait for no more replies [CLIENT-11]; our end of the stream.
 * False, and nothing changed, if the table has no entry. */
bool chat_session_unanswered(struct chat_session *session);
bool chat_session_end(struct chat_session *session);

#endif
