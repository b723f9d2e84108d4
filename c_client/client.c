/* client.c - a chat/1 client for a terminal: one connection, one loop.
 *
 * The loop waits for the server, the person and signals. What they bring goes
 * through here: octets of the server to session.c, and what it yields to
 * screen.c; typed lines to outbox.c, and from there, as soon as session.c lets
 * them, to net.c. See sections 9 and 10 of spec/chat-1.md.
 */
#include "net.h"
#include "now.h"
#include "options.h"
#include "outbox.h"
#include "screen.h"
#include "session.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_MAX = 65536 };              /* octets read of the server at once */

enum phase {
    PHASE_ASKING,       /* connected; the handle is not known yet */
    PHASE_TALKING,
    PHASE_LEAVING,      /* what waits is still sent, then \quit [CLIENT-10] */
    PHASE_DRAINING,     /* our stream has ended, the server's has not [CLOSE-1] */
    PHASE_OVER
};

struct client {
    struct options options;
    struct addrinfo *addresses;
    int signals;                        /* readable: a signal was noted */
    struct net net;
    enum phase phase;
    bool in_haste;                      /* leaving without what waits [CLIENT-12] */
    bool input_ended;
    int broken;                         /* why nothing can be sent any more, an errno; 0: it can */
    int status;
    struct chat_session session;
    struct outbox outbox;
    char line[CHAT_LINE_MAX];           /* the line on its way: the next follows when it is gone */
    size_t line_len, line_sent;
    bool line_is_text;
    size_t unsent;                      /* texts that were given up */
    size_t drained;                     /* octets */
    int64_t heard;                      /* when we began to leave, or heard a text after that */
    int64_t give_up;                    /* when to wait for the server no longer */
};

static const int64_t NEVER = INT64_MAX;

static const char question[] = "What would you like your chat handle to be>";

static void give_up_within(struct client *client, int seconds)
{
    const int64_t then = now() + 1000 * (int64_t)seconds;

    if (then < client->give_up)
        client->give_up = then;
}

/* ---- leaving ---- */

/* Ends our stream, as soon as that goes; then only the server's end is waited for. */
static void end_sending(struct client *client)
{
    chat_session_end(&client->session);
    if (!net_end_sending(&client->net))
        return;
    client->phase = PHASE_DRAINING;
    give_up_within(client, CHAT_DRAIN_MIN_SECONDS);
}

/* Closes without waiting for the server's end, as CLOSE-2 allows. */
static void hang_up(struct client *client)
{
    end_sending(client);
    client->phase = PHASE_OVER;
}

/* Gives up what waits. */
static void drop_texts(struct client *client)
{
    client->unsent += client->outbox.texts;
    outbox_free(&client->outbox);
}

static void leave(struct client *client)
{
    client->phase = PHASE_LEAVING;
    client->heard = now();
    if (client->session.state == CHAT_STATE_START)
        drop_texts(client);             /* typed for a connection before this one */
    if (client->outbox.texts > 0 && screen_is_interactive())
        screen_say("-- Leaving once what waits is sent; \\quit again or Ctrl-C leaves at once.");
}

/* Leaves at once: only a line that is partly sent is finished [STREAM-2]. */
static void leave_at_once(struct client *client)
{
    if (client->phase >= PHASE_DRAINING || client->in_haste) {
        client->phase = PHASE_OVER;
        return;
    }
    client->phase = PHASE_LEAVING;
    client->in_haste = true;
    drop_texts(client);
    if (client->line_len > 0 && client->line_sent == 0 && client->line_is_text
        && !net_has_begun(&client->net)) {
        client->unsent++;
        client->line_len = 0;
    }
    give_up_within(client, CHAT_DRAIN_MIN_SECONDS);
}

/* ---- what goes out ---- */

/* Sends on what is left of the line on its way. True: it is gone. */
static bool send_line(struct client *client)
{
    while (client->line_sent < client->line_len) {
        const ssize_t n = net_send(&client->net, client->line + client->line_sent,
                                   client->line_len - client->line_sent);
        if (n < 0) {
            /* The end is told by what is received: that may explain it [CLOSE-4]. */
            client->broken = errno == EAGAIN ? 0 : errno;
            return false;
        }
        client->line_sent += (size_t)n;
    }
    client->line_len = client->line_sent = 0;
    return true;
}

/* Puts the first waiting text on its way, if its turn has come. */
static bool say_next(struct client *client)
{
    struct chat_span text;

    if (!outbox_first(&client->outbox, &text))
        return false;
    client->line_len = chat_session_say(&client->session, text, client->line);
    if (client->line_len == 0)
        return false;
    client->line_is_text = true;
    outbox_drop(&client->outbox);
    return true;
}

static bool patience_is_over(const struct client *client)
{
    return client->phase == PHASE_LEAVING && now() >= client->heard + client->options.patience;
}

/* Sends what may be sent now, line by line, and then, when leaving, ends. */
static void pump(struct client *client)
{
    while (client->broken == 0 && send_line(client)
           && (client->phase == PHASE_TALKING || client->phase == PHASE_LEAVING)) {
        if (say_next(client))
            continue;
        if (client->outbox.texts > 0 && patience_is_over(client)
            && chat_session_unanswered(&client->session)) {
            screen_say("-- No answer came: what waits is sent without waiting any longer.");
            continue;
        }
        if (client->phase == PHASE_TALKING || client->outbox.texts > 0)
            return;
        client->line_len = chat_session_quit(&client->session, client->line);
        client->line_is_text = false;
        give_up_within(client, CHAT_DRAIN_MAX_SECONDS);
        if (client->line_len == 0) {
            end_sending(client);
            return;
        }
    }
}

/* ---- what is typed ---- */

static const char *fault_of_handle(struct chat_span handle)
{
    if (handle.len == 0)
        return "It cannot be empty.";
    if (handle.len > CHAT_HANDLE_MAX)
        return "It can have 10 characters at most.";
    if (chat_is_server(handle))
        return "SERVER is the server's own.";
    return "It can have letters A-Z, digits, '-', '_' and '.' only, "
           "the first a letter or a digit.";
}

static void refuse_handle(struct client *client, const char *why)
{
    screen_complain("-- That is no handle. %s", why);
    if (!screen_is_interactive()) {
        client->status = STATUS_WRONG;
        leave(client);
    }
}

static void take_handle(struct client *client, struct chat_span handle)
{
    if (!chat_session_name(&client->session, handle)) {
        refuse_handle(client, fault_of_handle(handle));
        return;
    }
    client->line_len = chat_session_join(&client->session, client->line);
    client->line_is_text = false;
    client->phase = PHASE_TALKING;
}

/* Whether each piece of a typed text may be sent. */
static bool is_sendable(struct chat_span text)
{
    do {
        const size_t cut = chat_cut(text);
        if (chat_check_text((struct chat_span){text.at, cut}) != CHAT_OK)
            return false;
        text.at += cut;
        text.len -= cut;
    } while (text.len > 0);
    return true;
}

static void take_text(struct client *client, struct chat_span text)
{
    if (!is_sendable(text)) {
        screen_complain("-- Not sent: a text must be UTF-8 without control characters.");
        return;
    }
    do {
        const size_t cut = chat_cut(text);
        if (!outbox_put(&client->outbox, (struct chat_span){text.at, cut})) {
            screen_complain("-- Not sent: there is no memory for it.");
            client->unsent++;
            return;
        }
        text.at += cut;
        text.len -= cut;
    } while (text.len > 0);
    pump(client);
    if (client->outbox.texts > 0 && screen_is_interactive())
        screen_say(chat_session_may_say(&client->session)
                   ? "-- The server takes nothing at present; %zu waiting."
                   : "-- It is the server's turn: what you type waits for yours; %zu waiting.",
                   client->outbox.texts);
}

static void take_line(struct client *client, struct chat_span line)
{
    const bool quit = chat_client_kind(line, false) == CHAT_QUIT;

    if (client->phase == PHASE_ASKING && !(quit && screen_is_interactive()))
        take_handle(client, line);
    else if (quit && client->phase == PHASE_LEAVING)
        leave_at_once(client);
    else if (quit)
        leave(client);
    else if (client->phase == PHASE_TALKING)
        take_text(client, line);
    else
        screen_complain("-- Not sent: you are leaving.");
}

/* A line that was thrown away before anybody saw it. */
static void take_lost_line(struct client *client, const char *why)
{
    if (client->phase == PHASE_ASKING) {
        refuse_handle(client, why);
        return;
    }
    screen_complain("-- Not sent: %s", why);
    client->unsent++;
}

static void take_end(struct client *client)
{
    client->input_ended = !screen_is_interactive();
    if (client->phase < PHASE_LEAVING)
        leave(client);
    else if (!client->input_ended)
        leave_at_once(client);          /* Ctrl-D a second time; behind a piped \quit it means nothing */
}

/* Whether a typed line would be taken now. */
static bool listens_to_person(const struct client *client)
{
    return client->phase < PHASE_DRAINING && !client->in_haste && !client->input_ended
        && outbox_has_room(&client->outbox);
}

static void take_typed(struct client *client)
{
    while (listens_to_person(client)) {
        struct chat_span line;

        switch (screen_next(&line)) {
        case TYPED_NOTHING:
            return;
        case TYPED_LINE:
            take_line(client, line);
            break;
        case TYPED_TOO_LONG:
            take_lost_line(client, "The line is longer than 1 MiB.");
            break;
        case TYPED_CUT:
            take_lost_line(client, "The line has 4095 characters; the terminal cuts there, "
                                   "so some may be missing.");
            break;
        case TYPED_END:
            take_end(client);
            break;
        }
    }
}

/* ---- connecting ---- */

static void take_signals(struct client *client)
{
    int number;

    while ((number = signals_next()) != 0) {
        if (signals_ends(number)) {
            leave_at_once(client);
        } else if (number == SIGTSTP) {
            screen_suspend();
            signals_stop();
            screen_resume();
        } else {
            screen_resize();
        }
    }
}

/* Connects to one address. False: errno says why not, EINTR meaning that the
 * program is to end. */
static bool connect_to(struct client *client, const struct addrinfo *address)
{
    while (!signals_ended()) {
        if (net_connect(&client->net, address, client->options.tls ? client->options.host : NULL,
                        client->signals))
            return true;
        if (errno != EINTR)
            return false;
        take_signals(client);           /* a change of size, say: once more */
    }
    errno = EINTR;
    return false;
}

/* Connects to the first address that answers, and asks for a handle there. Not
 * successful: says why, and the program is over. */
static void connect_to_server(struct client *client)
{
    const char *const host = client->options.host, *const port = client->options.port;
    const struct addrinfo *address = client->addresses;
    bool connected = false, refused = false;

    screen_settle(NULL);
    for (; address && !connected && !refused && !signals_ended(); address = address->ai_next) {
        char text[NET_ADDRESS_MAX];
        net_address(address, text);
        screen_say("Connecting to %s (%s) port %s", host, text, port);
        connected = connect_to(client, address);
        refused = !connected && errno == EPROTO;
    }
    if (!connected) {
        if (signals_ended())
            screen_complain("Interrupted before there was a connection.");
        else if (refused)
            screen_complain("No TLS with %s port %s: %s.", host, port,
                            net_why(&client->net, errno));
        else
            screen_complain("Could not connect to %s port %s: %s. "
                            "Is the server running there, and is that its port?",
                            host, port, strerror(errno));
        client->status = STATUS_LOST;
        client->phase = PHASE_OVER;
        return;
    }
    chat_session_init(&client->session, (struct chat_span){NULL, 0});
    client->phase = PHASE_ASKING;
    client->line_len = client->line_sent = 0;
    client->broken = 0;
    if (!screen_is_interactive() && isatty(STDIN_FILENO))
        screen_complain("%s", question);
}

/* ---- what comes in ---- */

static const struct {
    enum chat_code code;
    const char *meaning;
} errors[] = {
    {CHAT_OK,                   "for a reason that this program does not know"},
    {CHAT_CODE_TOO_LONG,        "a line from here was too long"},
    {CHAT_CODE_MALFORMED,       "a line from here had no proper handle"},
    {CHAT_CODE_ENCODING,        "a text from here was no UTF-8 or had control characters"},
    {CHAT_CODE_HANDLE_RESERVED, "the handle is the server's own"},
    {CHAT_CODE_HANDLE_CHANGED,  "the handle changed in the middle of the conversation"},
    {CHAT_CODE_HANDLE_TAKEN,    "somebody else there has that handle"},
    {CHAT_CODE_TOO_SLOW,        "this end reads too slowly"},
    {CHAT_CODE_FULL,            "there is no room for anybody else; try again later"},
    {CHAT_CODE_IDLE,            "it was your turn for minutes, and others wait"},
    {CHAT_CODE_REMOVED,         "the operator removed you"},
};

static void take_error(struct client *client, struct chat_span name)
{
    enum { SHOWN_MAX = 40 };            /* octets of a name */
    const enum chat_code code = chat_code_named(name);
    size_t row = 0;

    while (errors[row].code != code)
        row++;
    screen_complain("-- The server ended the connection: %s (%.*s).", errors[row].meaning,
                    name.len < SHOWN_MAX ? (int)name.len : SHOWN_MAX, name.at);
    if (code == CHAT_CODE_HANDLE_TAKEN && screen_is_interactive()
        && client->phase == PHASE_TALKING) {
        hang_up(client);
        net_close(&client->net);
        client->give_up = NEVER;
        connect_to_server(client);
        return;
    }
    client->status = STATUS_LOST;
    hang_up(client);
}

static void take_violation(struct client *client, enum chat_code code, size_t octets)
{
    screen_complain("-- A faulty line of %zu octets is not shown (%s).", octets,
                    chat_code_name(code));
    if (code != CHAT_CODE_TOO_LONG || client->phase == PHASE_DRAINING)
        return;
    screen_complain("-- There is no going on after that.");
    client->status = STATUS_LOST;
    hang_up(client);
}

static void take_end_of_stream(struct client *client, size_t unfinished)
{
    if (unfinished > 0)
        screen_complain("-- The stream ended within a line; its %zu octets are not shown.",
                        unfinished);
    if (client->phase == PHASE_DRAINING) {
        client->phase = PHASE_OVER;
        return;
    }
    if (client->broken != 0) {
        screen_complain("-- The connection is lost: %s.", net_why(&client->net, client->broken));
        client->status = STATUS_LOST;
    } else if (client->session.welcomed) {
        screen_complain("-- The connection is lost: the server ended it without a word.");
        client->status = STATUS_LOST;
    } else {
        screen_say("-- The server has ended the connection.");
    }
    hang_up(client);
}

static void take_event(struct client *client, const struct chat_event *event)
{
    const int words = (int)event->words.len;

    switch (event->kind) {
    case CHAT_TEXT:
        screen_text(event->handle, event->text);
        client->heard = now();
        break;
    case CHAT_WELCOME:
        screen_say(event->server == CHAT_RELAY
                   ? "-- Welcome. Here many talk, and all may talk at any time."
                   : "-- Welcome. Here you talk with one person, by turns; you begin.");
        break;
    case CHAT_JOINED:
        screen_say("-- Here: %.*s", words, event->words.at);
        break;
    case CHAT_LEFT:
        screen_say("-- Gone: %.*s", words, event->words.at);
        break;
    case CHAT_ERROR:
        take_error(client, event->name);
        break;
    case CHAT_QUIT:
        screen_say("-- The server has left.");
        hang_up(client);
        break;
    case CHAT_VIOLATION:
        take_violation(client, event->code, event->octets);
        break;
    case CHAT_END:
        take_end_of_stream(client, event->unfinished);
        break;
    case CHAT_NEED_DATA:
    case CHAT_JOIN:
    case CHAT_IGNORED:
        break;
    }
}

static void take_received(struct client *client)
{
    static char data[READ_MAX];
    struct chat_event event;
    ssize_t n = net_receive(&client->net, data, sizeof data);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0) {
        client->broken = errno;
        n = 0;                          /* a reset is an end of the stream [CLOSE-4] */
    }
    if (client->phase == PHASE_DRAINING)
        client->drained += (size_t)n;
    chat_session_feed(&client->session, data, (size_t)n);
    while (client->phase != PHASE_OVER
           && chat_session_next(&client->session, &event) != CHAT_NEED_DATA)
        take_event(client, &event);
    if (n == 0 || client->drained >= CHAT_DRAIN_MIN_OCTETS)
        client->phase = PHASE_OVER;
}

/* ---- the loop ---- */

/* The prompt says whether a text would go at once [CLIENT-8]. NULL: none. */
static const char *prompt_for(const struct client *client)
{
    static char prompt[64];
    const char *why = "";

    if (client->phase == PHASE_ASKING)
        return question;
    if (client->phase >= PHASE_DRAINING || client->in_haste)
        return NULL;
    if (client->phase == PHASE_LEAVING)
        why = "(leaving) ";
    else if (!chat_session_may_say(&client->session))
        why = "(SERVER's turn) ";
    else if (client->line_len > 0)
        why = "(waiting) ";
    snprintf(prompt, sizeof prompt, "%s%.*s>", why,
             (int)client->session.handle_len, client->session.handle);
    return prompt;
}

/* How long to wait for anything to happen, as poll wants it. */
static int patience_left(const struct client *client)
{
    int64_t then = client->give_up;
    int64_t left;

    if (client->phase == PHASE_LEAVING && !chat_session_may_say(&client->session)
        && client->outbox.texts > 0 && client->heard + client->options.patience < then)
        then = client->heard + client->options.patience;
    if (then == NEVER)
        return -1;
    left = then - now();
    return left < 0 ? 0 : left < 1000000 ? (int)left : 1000000;
}

static void wait_and_take(struct client *client)
{
    enum { SIGNALS, SERVER, PERSON };
    const struct net *const net = &client->net;
    const bool holds = net_holds(net);
    struct pollfd polled[] = {
        [SIGNALS] = {.fd = client->signals, .events = POLLIN},
        [SERVER]  = {.fd = net->fd, .events = (short)(net->receives_on | net->sends_on)},
        [PERSON]  = {.fd = listens_to_person(client) ? STDIN_FILENO : -1, .events = POLLIN},
    };
    const int ready = poll(polled, 3, holds ? 0 : patience_left(client));

    take_signals(client);               /* first: nothing is sent in between */
    if (ready < 0)
        return;
    if ((holds || polled[SERVER].revents != 0) && client->phase != PHASE_OVER)
        take_received(client);
    if (polled[PERSON].revents != 0 && listens_to_person(client))
        screen_read();
    if (now() >= client->give_up)
        client->phase = PHASE_OVER;
}

static void converse(struct client *client)
{
    bool output_failed = false;

    while (client->phase != PHASE_OVER) {
        pump(client);
        take_typed(client);
        pump(client);
        if (screen_error() != 0 && !output_failed) {
            output_failed = true;
            screen_complain("Cannot write to standard output: %s.", strerror(screen_error()));
            client->status = STATUS_LOST;
            leave_at_once(client);
            continue;
        }
        screen_settle(prompt_for(client));
        wait_and_take(client);
    }
}

/* Tells what was not sent, and gives everything back. */
static void finish(struct client *client)
{
    drop_texts(client);
    client->unsent += client->line_len > 0 && client->line_is_text;
    screen_settle(NULL);
    if (client->unsent > 0) {
        screen_complain(client->unsent == 1 ? "-- %zu text was not sent."
                                            : "-- %zu texts were not sent.", client->unsent);
        if (client->status == STATUS_GOOD)
            client->status = STATUS_LOST;
    }
    if (client->net.fd >= 0) {
        net_close(&client->net);
        screen_say("Disconnected from server");
    }
    if (screen_error() != 0)
        client->status = STATUS_LOST;
    screen_close();
    freeaddrinfo(client->addresses);
}

/* What was closed when the program began must not become the socket. Reading or
 * writing there then fails, as it should. */
static void occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char *argv[])
{
    static struct client client = {.net = {.fd = -1}, .give_up = INT64_MAX};
    const char *why = "";
    char fault[TLS_WHY_MAX];

    occupy_standard_descriptors();
    client.options = options_read(argc, argv);
    if (client.options.tls && !tls_open(&client.options.tls_files, fault))
        options_refuse("%s", fault);
    screen_open();
    client.addresses = net_find(client.options.host, client.options.port, &why);
    if (!client.addresses) {
        screen_complain("There is no way to the host '%s': %s. Is the name right?",
                        client.options.host, why);
        return STATUS_LOST;
    }
    client.signals = signals_open(screen_is_interactive());
    if (client.signals < 0) {
        screen_complain("Cannot begin: %s.", strerror(errno));
        freeaddrinfo(client.addresses);
        return STATUS_LOST;
    }
    connect_to_server(&client);
    converse(&client);
    finish(&client);
    tls_close();
    return client.status;
}
