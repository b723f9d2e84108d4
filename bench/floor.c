/* floor.c - what the system itself takes: relays in C that do nothing but relay.
 *
 *     floor gathered    what all said in a turn of the loop: one send() to each receiver
 *     floor chunks      what one read brought: one send() to each receiver at once
 *     floor lines       each line: one send() to each receiver
 *
 * They know line ends and nothing else: no handles, no rules, no screen. What a receiver
 * does not take is kept for it, up to a bound; past that it is cut off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    BACKLOG    = 1024,
    EVENTS     = 1024,
    READ       = 65536,
    HELD_MAX   = 4096,              /* of an unfinished line */
    GATHER_MAX = 262144,
    QUEUE_MAX  = 1048576
};

struct connection {
    int fd;                         /* -1: ended, and freed after the turn */
    size_t place;                   /* in the list of all */
    size_t said_from, said_size;    /* its own octets of what is gathered */
    char *held;
    size_t held_size;
    char *unsent;
    size_t unsent_size, unsent_room;
    struct connection *next_ended;
};

enum { GATHERED, CHUNKS, LINES };

static int mode;
static int poller, listener;
static struct connection **all;
static size_t count, room;
static struct connection *ended;
static char *gathered;
static size_t gathered_size;

static void *or_die(void *memory)
{
    if (!memory) {
        perror("floor");
        exit(1);
    }
    return memory;
}

static void watch(struct connection *c, bool writable, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data = {.ptr = c}};

    epoll_ctl(poller, operation, c->fd, &event);
}

static void end(struct connection *c)
{
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    all[c->place] = all[--count];
    all[c->place]->place = c->place;
    c->next_ended = ended;
    ended = c;
}

static void free_ended(void)
{
    while (ended) {
        struct connection *c = ended;

        ended = c->next_ended;
        free(c->held);
        free(c->unsent);
        free(c);
    }
}

static void keep(struct connection *c, const char *octets, size_t size)
{
    if (c->unsent_size + size > QUEUE_MAX) {
        end(c);
        return;
    }
    if (!c->unsent_size)
        watch(c, true, EPOLL_CTL_MOD);
    if (c->unsent_size + size > c->unsent_room) {
        c->unsent_room = 2 * (c->unsent_size + size);
        c->unsent = or_die(realloc(c->unsent, c->unsent_room));
    }
    memcpy(c->unsent + c->unsent_size, octets, size);
    c->unsent_size += size;
}

/* Send up to two pieces with one call. */
static void send_pieces(struct connection *c, struct iovec pieces[2])
{
    const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    size_t sent = 0;

    if (!c->unsent_size) {
        const ssize_t taken =
            pieces[1].iov_len ? sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
                              : send(c->fd, pieces[0].iov_base, pieces[0].iov_len,
                                     MSG_NOSIGNAL | MSG_DONTWAIT);

        if (taken < 0 && errno != EAGAIN) {
            end(c);
            return;
        }
        sent = taken < 0 ? 0 : (size_t)taken;
    }
    for (int index = 0; index < 2 && c->fd >= 0; index++) {
        const size_t done = sent < pieces[index].iov_len ? sent : pieces[index].iov_len;

        sent -= done;
        if (done < pieces[index].iov_len)
            keep(c, (char *)pieces[index].iov_base + done, pieces[index].iov_len - done);
    }
}

static void send_unsent(struct connection *c)
{
    const ssize_t sent = send(c->fd, c->unsent, c->unsent_size, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && errno != EAGAIN) {
        end(c);
    } else if (sent > 0) {
        c->unsent_size -= (size_t)sent;
        memmove(c->unsent, c->unsent + sent, c->unsent_size);
        if (!c->unsent_size)
            watch(c, false, EPOLL_CTL_MOD);
    }
}

/* Send these of the gathered octets to everyone, but to nobody his own. */
static void distribute(size_t from, size_t size)
{
    for (size_t place = count; place-- > 0;) {      /* downwards: end() fills the gap from above */
        struct connection *c = all[place];
        const size_t own_from = c->said_size ? c->said_from : from + size;
        const size_t own_end = own_from + c->said_size;
        struct iovec pieces[2] = {{gathered + from, size}, {NULL, 0}};

        if (own_from < from + size && own_end > from) {
            pieces[0].iov_len = own_from > from ? own_from - from : 0;
            pieces[1] = (struct iovec){gathered + own_end,
                                       own_end < from + size ? from + size - own_end : 0};
        }
        if (!pieces[0].iov_len) {
            pieces[0] = pieces[1];
            pieces[1].iov_len = 0;
        }
        if (pieces[0].iov_len)
            send_pieces(c, pieces);
    }
}

static void distribute_lines(void)
{
    const char *at = gathered, *stop = gathered + gathered_size, *line_feed;

    for (; at < stop; at = line_feed + 1) {
        line_feed = or_die(memchr(at, '\n', (size_t)(stop - at)));
        distribute((size_t)(at - gathered), (size_t)(line_feed + 1 - at));
    }
}

static void flush(void)
{
    if (!gathered_size)
        return;
    if (mode == LINES)
        distribute_lines();
    else
        distribute(0, gathered_size);
    gathered_size = 0;
    for (size_t place = 0; place < count; place++)
        all[place]->said_size = 0;
}

static void receive(struct connection *c)
{
    char *at = gathered + gathered_size;
    const char *line_feed;
    size_t size;
    ssize_t got;

    if (c->held_size)
        memcpy(at, c->held, c->held_size);
    got = recv(c->fd, at + c->held_size, READ, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        end(c);
        return;
    }
    size = c->held_size + (size_t)got;
    line_feed = memrchr(at, '\n', size);
    c->said_from = gathered_size;
    c->said_size = line_feed ? (size_t)(line_feed + 1 - at) : 0;
    c->held_size = size - c->said_size;
    if (c->held_size > HELD_MAX) {
        c->said_size = 0;
        end(c);
        return;
    }
    if (c->held_size) {
        c->held = or_die(realloc(c->held, HELD_MAX));
        memcpy(c->held, at + c->said_size, c->held_size);
    }
    gathered_size += c->said_size;
    if (mode != GATHERED || gathered_size >= GATHER_MAX)
        flush();
}

static void accept_all(void)
{
    const int yes = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = or_die(calloc(1, sizeof *c));

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (count == room)
            all = or_die(realloc(all, (room = 2 * room + 64) * sizeof *all));
        c->fd = fd;
        c->place = count;
        all[count++] = c;
        watch(c, false, EPOLL_CTL_ADD);
    }
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    socklen_t size = sizeof address;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, BACKLOG) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("floor");
        exit(1);
    }
    return ntohs(address.sin_port);
}

static int mode_named(const char *name)
{
    static const char *const names[] = {"gathered", "chunks", "lines"};

    for (int index = 0; index < 3; index++)
        if (strcmp(name, names[index]) == 0)
            return index;
    fputs("usage: floor gathered|chunks|lines\n", stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS];
    struct epoll_event incoming = {.events = EPOLLIN, .data = {.ptr = NULL}};
    struct rlimit files;

    mode = mode_named(argc == 2 ? argv[1] : "");
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    gathered = or_die(malloc(GATHER_MAX + HELD_MAX + READ));
    printf("Listening on port %d\n", listen_anywhere());
    fflush(stdout);
    poller = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &incoming);
    for (;;) {
        const int ready = epoll_wait(poller, events, EVENTS, -1);

        for (int index = 0; index < ready; index++) {
            struct connection *c = events[index].data.ptr;

            if (!c) {
                accept_all();
                continue;
            }
            if (c->fd >= 0 && events[index].events & EPOLLOUT)
                send_unsent(c);
            if (c->fd >= 0 && events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(c);
        }
        flush();
        free_ended();
    }
}
