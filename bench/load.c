/* load.c - one client program for all the servers that are measured.
 *
 *     load --protocol NAME --port PORT --server PID [options]      (load --help)
 *
 * A single thread on epoll holds all the connections. Every payload is 64 printable
 * octets: a mark, its sender, its number, and a filler that follows from these two. So one
 * scanner finds deliveries in the stream of any protocol and knows each that is missing,
 * doubled, out of order or damaged. What was done, and what it cost the server, is
 * printed as one JSON object. Every wait is bounded.
 *
 * All times are nanoseconds of the monotonic clock unless a name says otherwise.
 */
#define _GNU_SOURCE
#include "protocols.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum {
    PAYLOAD       = 64,
    MARK          = '`',            /* stands in no greeting, name or frame of the protocols */
    SENDER_AT     = 1,              /* four hexadecimal digits */
    NUMBER_AT     = 5,              /* eight of them */
    FILLER_AT     = 13,
    FILLER        = PAYLOAD - FILLER_AT,
    FILLERS       = 64,
    CARRY         = 2 * PAYLOAD,    /* octets of an unfinished payload or reply */
    READ          = 262144,
    EVENTS        = 1024,
    RING_OPEN     = 8192,           /* messages under way for each sender in an open loop */
    FILL_WINDOW   = 64,
    MISSING_MAX   = 4096,
    STALLED_BUFFER = 4096,
    SUB_BUCKETS   = 64,             /* of each power of two: 1.6 % wide at most */
    BUCKETS       = 64 * SUB_BUCKETS,
    HELLO_MAX     = 256
};

static const uint64_t SECOND = 1000000000;
static const uint64_t SETTLE = 20000000;    /* for what a server does behind its deliveries */

enum state { CLOSED, CONNECTING, ENTERING, READY };
enum role { SENDER, RECEIVER, BOTH, IDLE, STALLED };

struct connection {
    int fd;
    int number;
    enum state state;
    enum role role;
    const struct step *todo[2];
    int todos;
    size_t carried;
    char carry[CARRY];
    uint32_t *next;                 /* for each sender: the number that comes next; or NULL */
    char *out;                      /* what the system has not taken yet */
    size_t out_size, out_room;
    bool out_waits;
};

struct slot {
    uint64_t sent;
    uint32_t left;                  /* receivers that do not have it yet */
};

struct sender {
    struct connection *connection;
    char message[HELLO_MAX];        /* a whole message, with the payload's places to fill */
    size_t size, payload_at;
    struct slot *ring;
    uint32_t sent;                  /* messages; the number of the next one */
    uint32_t under_way;
    bool listed;                    /* among the free windows */
};

static struct {
    const struct protocol *protocol;
    int port;
    pid_t server;
    char scenario;
    int clients, idle, stalled, together;
    uint32_t window, fill;
    double rate, seconds, warmup, patience;
    uint64_t count;
} asked = {
    .scenario = 'A', .clients = 10, .window = 1, .seconds = 1, .warmup = 0.2,
    .patience = 20, .together = 8,
};

static struct connection *connections;
static int connection_count;
static struct sender *senders;
static int sender_count;
static int *free_windows;           /* senders that may send again */
static int free_window_count;
static uint32_t ring_mask;
static int poller, timer = -1;
static char fillers[FILLERS + FILLER];
static unsigned char unhex[256];
static char buffer[CARRY + READ];

static uint64_t under_way;          /* messages not yet at all of their receivers */
static bool measuring;
static uint64_t latencies[BUCKETS];

static struct {
    uint64_t sent, delivered, lost, duplicated, reordered, damaged;
} counted;

static struct missing {
    int connection, sender;
    uint32_t number;
} missing[MISSING_MAX];
static int missing_count;

static struct {
    double get_in_seconds, idle_seconds, stalled_seconds, seconds;
    uint64_t server_cpu, load_cpu, messages, deliveries;
    long idle_kib_before, idle_kib_after;
} measured;

/* ---- time, and what the server costs ---- */

static uint64_t clock_of(clockid_t clock)
{
    struct timespec time = {0, 0};

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static uint64_t now(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

static uint64_t nanoseconds(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

static void settle(void)
{
    const struct timespec time = {0, (long)SETTLE};

    nanosleep(&time, NULL);
}

/* One number of a file of /proc/PID: the fields are counted from 0 behind `skip_to`. */
static long proc_field(const char *file, char skip_to, int field)
{
    char path[64], text[1024];
    const char *at;
    FILE *stream;
    size_t size;

    snprintf(path, sizeof path, "/proc/%ld/%s", (long)asked.server, file);
    if (!(stream = fopen(path, "r")))
        return 0;
    size = fread(text, 1, sizeof text - 1, stream);
    fclose(stream);
    text[size] = '\0';
    at = skip_to && strrchr(text, skip_to) ? strrchr(text, skip_to) + 2 : text;
    for (; field > 0 && (at = strchr(at, ' ')); field--)
        at++;
    return at ? strtol(at, NULL, 10) : 0;
}

/* User and system time of all the server's threads, also of those that have ended. The
 * process's clock counts nanoseconds; the ticks of /proc are the fallback. */
static uint64_t server_cpu(void)
{
    clockid_t clock;

    if (clock_getcpuclockid(asked.server, &clock) == 0)
        return clock_of(clock);
    return (uint64_t)(proc_field("stat", ')', 11) + proc_field("stat", ')', 12)) *
           (SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

static long server_kib(void)
{
    return proc_field("statm", 0, 1) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- the report ---- */

static size_t bucket(uint64_t value)
{
    int shift;

    if (value < SUB_BUCKETS)
        return (size_t)value;
    shift = 57 - __builtin_clzll(value);    /* leaves the seven highest bits */
    return (size_t)(shift + 1) * SUB_BUCKETS + (size_t)(value >> shift) - SUB_BUCKETS;
}

static double bucket_microseconds(size_t index)
{
    const size_t row = index / SUB_BUCKETS, column = index % SUB_BUCKETS;

    if (row == 0)
        return (double)column / 1e3;
    return ((double)(SUB_BUCKETS + column) + 0.5) * (double)(UINT64_C(1) << (row - 1)) / 1e3;
}

static double percentile(double share)
{
    uint64_t total = 0, seen = 0;
    size_t index;

    for (index = 0; index < BUCKETS; index++)
        total += latencies[index];
    for (index = 0; index < BUCKETS; index++) {
        seen += latencies[index];
        if (seen && (double)seen >= share * (double)total)
            return bucket_microseconds(index);
    }
    return 0;
}

static double each(double total, double parts)
{
    return parts > 0 ? total / parts : 0;
}

/* Print everything and end the program. `reason` is why the run does not count. */
__attribute__((noreturn, format(printf, 1, 2)))
static void finish(const char *reason, ...)
{
    const double deliveries = (double)measured.deliveries;
    char why[256];
    va_list arguments;

    va_start(arguments, reason);
    vsnprintf(why, sizeof why, reason, arguments);
    va_end(arguments);
    printf("{\"void\": \"%s\", \"protocol\": \"%s\", \"scenario\": \"%c\", \"clients\": %d, "
           "\"window\": %" PRIu32 ", \"rate\": %.0f, ",
           why, asked.protocol->name, asked.scenario, asked.clients, asked.window, asked.rate);
    printf("\"messages\": %" PRIu64 ", \"deliveries\": %" PRIu64 ", \"lost\": %" PRIu64
           ", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"damaged\": %" PRIu64 ", ",
           measured.messages, measured.deliveries, counted.lost, counted.duplicated,
           counted.reordered, counted.damaged);
    printf("\"seconds\": %.6f, \"server_cpu_ns\": %" PRIu64 ", \"load_cpu_ns\": %" PRIu64
           ", \"cpu_ns\": %.2f, \"wall_ns\": %.2f, \"p50_us\": %.2f, \"p99_us\": %.2f, ",
           measured.seconds, measured.server_cpu, measured.load_cpu,
           each((double)measured.server_cpu, deliveries), each(measured.seconds * 1e9, deliveries),
           percentile(0.50), percentile(0.99));
    printf("\"get_in_seconds\": %.4f, \"idle\": %d, \"idle_seconds\": %.4f, \"idle_kib\": %.3f, "
           "\"stalled\": %d, \"stalled_seconds\": %.4f}\n",
           measured.get_in_seconds, asked.idle, measured.idle_seconds,
           each((double)(measured.idle_kib_after - measured.idle_kib_before), asked.idle),
           asked.stalled, measured.stalled_seconds);
    fflush(stdout);
    _exit(*why != '\0');
}

/* ---- sending ---- */

static void watch(struct connection *c, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data = {.ptr = c}};

    if (epoll_ctl(poller, operation, c->fd, &event) < 0)
        finish("epoll_ctl: %s", strerror(errno));
}

static void send_out(struct connection *c)
{
    const ssize_t sent = send(c->fd, c->out, c->out_size, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && errno != EAGAIN)
        finish("connection %d: %s", c->number, strerror(errno));
    if (sent > 0) {
        c->out_size -= (size_t)sent;
        memmove(c->out, c->out + sent, c->out_size);
    }
    if (c->out_waits != (c->out_size > 0)) {
        c->out_waits = c->out_size > 0;
        watch(c, EPOLLIN | (c->out_waits ? EPOLLOUT : 0), EPOLL_CTL_MOD);
    }
}

/* Room for so many more octets behind what waits to be sent. */
static char *out_end(struct connection *c, size_t more)
{
    if (c->out_size + more > c->out_room) {
        c->out_room = 2 * (c->out_size + more);
        if (!(c->out = realloc(c->out, c->out_room)))
            finish("no memory");
    }
    return c->out + c->out_size;
}

static void expand(struct octets octets, int number, char out[HELLO_MAX], size_t *size)
{
    *size = 0;
    for (size_t index = 0; index < octets.size; index++)
        if (octets.at[index] == '?')
            *size += (size_t)sprintf(out + *size, "%03d", number);
        else
            out[(*size)++] = octets.at[index];
}

static void say(struct connection *c, struct octets octets)
{
    char expanded[HELLO_MAX];
    size_t size;

    expand(octets, c->number, expanded, &size);
    memcpy(out_end(c, size), expanded, size);
    c->out_size += size;
    send_out(c);
}

static void put_hex(char *at, uint32_t value, int digits)
{
    while (digits--) {
        at[digits] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static const char *filler(uint32_t sender, uint32_t number)
{
    return fillers + ((sender * 31 + number * 7) % FILLERS);
}

/* Everybody who listens has to get it: an idle connection, too, where there is one room. */
static uint32_t receivers_of(const struct sender *s)
{
    uint32_t receivers = (uint32_t)(asked.scenario == 'A' ? asked.clients : sender_count);

    if (asked.protocol->one_room)
        receivers += (uint32_t)asked.idle;
    if (s->connection->next && !asked.protocol->echo)
        receivers--;
    return receivers;
}

/* Put messages behind what waits to be sent; they count as sent now. */
static void put_messages(struct sender *s, uint32_t count, uint64_t time)
{
    const uint32_t number = (uint32_t)(s - senders), receivers = receivers_of(s);

    if (s->under_way + count > ring_mask)
        finish("the server is too far behind the rate");
    for (uint32_t end = s->sent + count; s->sent < end; s->sent++) {
        char *at = out_end(s->connection, s->size);
        char *payload = at + s->payload_at;

        memcpy(at, s->message, s->size);
        put_hex(payload + NUMBER_AT, s->sent, 8);
        memcpy(payload + FILLER_AT, filler(number, s->sent), FILLER);
        s->connection->out_size += s->size;
        s->ring[s->sent & ring_mask] = (struct slot){time, receivers};
    }
    s->under_way += count;
    under_way += count;
    counted.sent += count;
}

/* ---- receiving ---- */

static void arrived(struct sender *s, uint32_t number, uint64_t time)
{
    struct slot *slot = &s->ring[number & ring_mask];

    counted.delivered++;
    if (measuring)
        latencies[bucket(time - slot->sent)]++;
    if (--slot->left)
        return;
    s->under_way--;
    under_way--;
    if (!s->listed) {
        s->listed = true;
        free_windows[free_window_count++] = (int)(s - senders);
    }
}

/* A number that is not the one expected: later ones are missing so far, an earlier one was
 * missing or comes again. */
static void out_of_line(struct connection *c, int sender, uint32_t number, uint64_t time)
{
    for (uint32_t *next = &c->next[sender]; *next < number; ++*next) {
        counted.lost++;
        if (missing_count < MISSING_MAX)
            missing[missing_count++] = (struct missing){c->number, sender, *next};
    }
    if (c->next[sender] == number) {
        c->next[sender]++;
        arrived(&senders[sender], number, time);
        return;
    }
    for (int index = 0; index < missing_count; index++)
        if (missing[index].connection == c->number && missing[index].sender == sender &&
            missing[index].number == number) {
            missing[index] = missing[--missing_count];
            counted.lost--;
            counted.reordered++;
            arrived(&senders[sender], number, time);
            return;
        }
    counted.duplicated++;
}

static bool read_hex(const char *at, int digits, uint32_t *value)
{
    unsigned char wrong = 0;

    *value = 0;
    for (int index = 0; index < digits; index++) {
        const unsigned char digit = unhex[(unsigned char)at[index]];

        wrong |= digit;
        *value = *value << 4 | (digit & 15);
    }
    return wrong < 16;
}

/* One whole payload, with an octet before it and, where the protocol has it, one behind. */
static void take_payload(struct connection *c, const char *payload, uint64_t time)
{
    const struct protocol *protocol = asked.protocol;
    uint32_t sender, number;

    if (!read_hex(payload + SENDER_AT, 4, &sender) || !read_hex(payload + NUMBER_AT, 8, &number) ||
        sender >= (uint32_t)sender_count || number >= senders[sender].sent || !c->next ||
        payload[-1] != protocol->before ||
        (protocol->after && payload[PAYLOAD] != protocol->after) ||
        memcmp(payload + FILLER_AT, filler(sender, number), FILLER) != 0)
        counted.damaged++;
    else if (senders[sender].connection == c && !protocol->echo)
        counted.duplicated++;
    else if (c->next[sender] == number) {
        c->next[sender]++;
        arrived(&senders[sender], number, time);
    } else
        out_of_line(c, (int)sender, number, time);
}

/* All payloads up to `end`; returns from where on octets are still needed. */
static const char *take_payloads(struct connection *c, const char *at, const char *end)
{
    const ptrdiff_t needed = PAYLOAD + (asked.protocol->after != 0);
    const uint64_t time = now();

    /* The first octet was looked at before, as the one behind a payload. */
    for (at++; (at = memchr(at, MARK, (size_t)(end - at))); at += PAYLOAD) {
        if (end - at < needed)
            return at - 1;
        take_payload(c, at, time);
    }
    return end - 1;
}

/* ---- getting in ---- */

static void next_step(struct connection *c)
{
    const struct step *step;

    while (c->todos) {
        step = c->todo[0];
        c->state = ENTERING;
        if (step->say.size)
            say(c, step->say);
        if (step->hear.size)
            return;
        c->todo[0] = c->todo[--c->todos];
    }
    c->state = READY;
    if (c->role == STALLED)
        watch(c, 0, EPOLL_CTL_DEL);
}

/* Octets that come while a reply is waited for; returns from where on they are kept. */
static const char *take_reply(struct connection *c, const char *at, const char *end)
{
    const struct octets reply = c->todo[0]->hear;

    if (memmem(at, (size_t)(end - at), reply.at, reply.size)) {
        c->todo[0] = c->todo[1];
        c->todos--;
        next_step(c);
        return end - 1;
    }
    return end - at > PAYLOAD ? end - PAYLOAD : at;
}

static void receive(struct connection *c)
{
    ssize_t size;
    const char *rest, *end;

    memcpy(buffer, c->carry, c->carried);
    size = recv(c->fd, buffer + c->carried, READ, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0)
        finish("connection %d was ended by the server: %s", c->number,
               size ? strerror(errno) : "end of stream");
    end = buffer + c->carried + size;
    rest = c->state == READY ? take_payloads(c, buffer, end) : take_reply(c, buffer, end);
    c->carried = (size_t)(end - rest);
    memcpy(c->carry, rest, c->carried);
}

static void connect_now(struct connection *c)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)asked.port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    const struct linger reset = {1, 0};     /* leaves no port behind in TIME_WAIT */
    const int yes = 1, small = STALLED_BUFFER;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        finish("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (c->role == STALLED)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    c->state = CONNECTING;
    if (connect(c->fd, (const struct sockaddr *)&address, sizeof address) < 0 &&
        errno != EINPROGRESS)
        finish("connect: %s", strerror(errno));
    watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void connected(struct connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;

    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        finish("connection %d: %s", c->number, strerror(error));
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
    next_step(c);
}

/* Wait for events, so long at most, and do what they ask for. */
static void turn(uint64_t nanoseconds_at_most)
{
    static struct epoll_event events[EVENTS];
    const uint64_t milliseconds = nanoseconds_at_most ? nanoseconds_at_most / 1000000 + 1 : 0;
    const int count = epoll_wait(poller, events, EVENTS, (int)milliseconds);

    for (int index = 0; index < count; index++) {
        struct connection *c = events[index].data.ptr;

        if (!c)
            continue;                       /* the timer of an open loop */
        if (c->state == CONNECTING) {
            connected(c);
            continue;
        }
        if (events[index].events & EPOLLOUT)
            send_out(c);
        if (events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(c);
    }
}

static void wait_until_ready(struct connection *c, uint64_t deadline)
{
    while (c->state != READY) {
        if (now() > deadline)
            finish("connection %d did not get in within %.0f s", c->number, asked.patience);
        turn(SECOND / 100);
    }
}

/* A connection that the server answers nothing is known to be accepted, and with it all
 * before it, when the first connection hears what it says. */
static void prove(struct connection *last, uint64_t deadline)
{
    static const struct octets hello = OCTETS("h?>hello\n");
    static const struct step heard = {NOTHING, OCTETS(">hello\n")};
    struct connection *first = connections;

    first->state = ENTERING;
    first->todo[0] = &heard;
    first->todos = 1;
    say(last, hello);
    wait_until_ready(first, deadline);
}

/* Get so many more connections in; returns how many seconds that took. */
static double get_in(int count, enum role first_role, enum role role, int together)
{
    const struct protocol *protocol = asked.protocol;
    const bool silent = role == IDLE || role == STALLED;
    const uint64_t begun = now(), deadline = begun + nanoseconds(asked.patience);
    const int end = connection_count + count;
    int oldest = connection_count;
    struct connection *last;

    if (!count)
        return 0;
    while (connection_count < end) {
        struct connection *c = &connections[connection_count];

        while (connections[oldest].state == READY && oldest < connection_count)
            oldest++;
        if (connection_count - oldest >= together) {
            if (now() > deadline)
                finish("only %d of %d connections got in within %.0f s", oldest, end,
                       asked.patience);
            turn(SECOND / 100);
            continue;
        }
        c->number = connection_count++;
        c->role = connection_count == end - count + 1 ? first_role : role;
        c->carry[c->carried++] = '\n';
        if (protocol->enter.say.size && !(silent && protocol->one_room))
            c->todo[c->todos++] = &protocol->enter;
        if (protocol->listen.say.size && c->role != IDLE &&
            (c->role != SENDER || protocol->sender_listens))
            c->todo[c->todos++] = &protocol->listen;
        connect_now(c);
    }
    last = &connections[end - 1];
    for (; oldest < end; oldest++)
        wait_until_ready(&connections[oldest], deadline);
    if (protocol->one_room && (silent || !protocol->enter.say.size))
        prove(last, deadline);
    return (double)(now() - begun) / 1e9;
}

/* ---- the scenarios ---- */

/* The end of a run: whatever is not exactly what was sent voids it. */
__attribute__((noreturn))
static void judge(void)
{
    for (int index = 0; index < connection_count; index++)
        for (int sender = 0; connections[index].next && sender < sender_count; sender++)
            if (senders[sender].connection != &connections[index] || asked.protocol->echo)
                counted.lost += senders[sender].sent - connections[index].next[sender];
    if (counted.lost || counted.duplicated || counted.reordered || counted.damaged)
        finish("lost %" PRIu64 ", duplicated %" PRIu64 ", reordered %" PRIu64
               ", damaged %" PRIu64, counted.lost, counted.duplicated, counted.reordered,
               counted.damaged);
    finish("%s", measured.deliveries ? "" : "nothing was delivered");
}

static void fill_window(struct sender *s, uint32_t window, uint64_t time)
{
    put_messages(s, window - s->under_way, time);
    send_out(s->connection);
}

static void top_up(uint32_t window)
{
    const uint64_t time = now();

    for (int index = 0; index < free_window_count; index++) {
        struct sender *s = &senders[free_windows[index]];

        s->listed = false;
        if (s->under_way < window)
            fill_window(s, window, time);
    }
    free_window_count = 0;
}

static void deliver_what_is_under_way(void)
{
    const uint64_t deadline = now() + nanoseconds(asked.patience);

    while (under_way && now() < deadline)
        turn(SECOND / 10);
    if (under_way)
        judge();
}

/* So many messages under way for each sender, for so long or until so many are sent. */
static void closed_loop(uint32_t window, double seconds, uint64_t count)
{
    const uint64_t end = now() + nanoseconds(seconds), sent_before = counted.sent;

    free_window_count = 0;
    for (int index = 0; index < sender_count; index++) {
        senders[index].listed = true;
        free_windows[free_window_count++] = index;
    }
    while (now() < end && (!count || counted.sent - sent_before < count)) {
        top_up(window);
        turn(SECOND / 10);
    }
    deliver_what_is_under_way();
}

/* So many messages a second in all, whether or not those before have arrived. */
static void open_loop(double rate, double seconds)
{
    const uint64_t begun = now(), total = (uint64_t)(rate * seconds);
    const double gap = 1e9 / rate;

    for (uint64_t put = 0; put < total;) {
        const uint64_t due = begun + (uint64_t)((double)put * gap), time = now();

        if (time < due) {
            const struct itimerspec wake = {
                .it_value = {(time_t)(due / SECOND), (long)(due % SECOND)},
            };

            timerfd_settime(timer, TFD_TIMER_ABSTIME, &wake, NULL);
            turn(SECOND / 10);
            continue;
        }
        put_messages(&senders[put % (uint64_t)sender_count], 1, time);
        send_out(senders[put++ % (uint64_t)sender_count].connection);
        if (time - begun > nanoseconds(seconds + asked.patience))
            finish("the load generator cannot keep this rate");
        turn(0);
    }
    free_window_count = 0;
    for (int index = 0; index < sender_count; index++)
        senders[index].listed = true;  /* so the list is left alone */
    deliver_what_is_under_way();
}

static void run(double seconds, uint64_t count)
{
    if (asked.rate > 0)
        open_loop(asked.rate, seconds);
    else
        closed_loop(asked.window, seconds, count);
}

static void measure(void)
{
    uint64_t cpu, own_cpu, begun;
    const uint64_t delivered = counted.delivered, sent = counted.sent;

    measuring = true;
    settle();
    cpu = server_cpu();
    own_cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    begun = now();
    run(asked.seconds, asked.count);
    measured.seconds = (double)(now() - begun) / 1e9;
    measured.load_cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - own_cpu;
    settle();
    measured.server_cpu = server_cpu() - cpu;
    measured.messages = counted.sent - sent;
    measured.deliveries = counted.delivered - delivered;
}

/* ---- setting up ---- */

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);

    if (!memory)
        finish("no memory");
    return memory;
}

static void make_sender(struct sender *s, int number)
{
    const struct protocol *protocol = asked.protocol;
    char tail[HELLO_MAX];
    size_t tail_size;

    s->connection = &connections[number];
    expand(protocol->head, number, s->message, &s->payload_at);
    expand(protocol->tail, number, tail, &tail_size);
    s->message[s->payload_at] = MARK;
    put_hex(s->message + s->payload_at + SENDER_AT, (uint32_t)number, 4);
    memcpy(s->message + s->payload_at + PAYLOAD, tail, tail_size);
    s->size = s->payload_at + PAYLOAD + tail_size;
    s->ring = zeroed(ring_mask + 1, sizeof *s->ring);
}

static void set_up(void)
{
    const bool one_sender = asked.scenario == 'A';
    const int active = asked.clients + one_sender, all = active + asked.idle + asked.stalled;
    const uint32_t window = asked.window > FILL_WINDOW ? asked.window : FILL_WINDOW;
    const uint32_t needed = asked.rate > 0 ? RING_OPEN : 2 * window;
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    for (int index = 0; index < FILLERS + FILLER; index++)
        fillers[index] = (char)('A' + (index % FILLERS) * 11 % 26);
    memset(unhex, 0xFF, sizeof unhex);
    for (int index = 0; index < 16; index++)
        unhex[(unsigned char)"0123456789abcdef"[index]] = (unsigned char)index;
    for (ring_mask = 1; ring_mask < needed; ring_mask *= 2)
        ;
    ring_mask--;

    sender_count = one_sender ? 1 : active;
    connections = zeroed((size_t)all, sizeof *connections);
    senders = zeroed((size_t)sender_count, sizeof *senders);
    free_windows = zeroed((size_t)sender_count, sizeof *free_windows);
    for (int index = 0; index < sender_count; index++)
        make_sender(&senders[index], index);
    for (int index = one_sender; index < active + (asked.protocol->one_room ? asked.idle : 0);
         index++)
        connections[index].next = zeroed((size_t)sender_count, sizeof(uint32_t));

    poller = epoll_create1(EPOLL_CLOEXEC);
    if (asked.rate > 0) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};

        timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    }
}

static const char help[] =
    "load: put load on a server at 127.0.0.1 and print what it cost, as JSON\n"
    "  --protocol NAME   chat, plain (chat without \\join), irc, redis, nats, mqtt\n"
    "  --port PORT\n"
    "  --server PID      the server's process, whose CPU time and memory are read\n"
    "  --scenario A|B    A: one sender, the clients receive; B: all send and receive (A)\n"
    "  --clients N       (10)\n"
    "  --window N        messages under way for each sender (1)\n"
    "  --rate N          instead of a window: messages a second in all\n"
    "  --seconds S       how long (1)\n"
    "  --count N         end after so many messages, if that is sooner\n"
    "  --warmup S        as long before that is not counted (0.2)\n"
    "  --idle N          connections that say nothing, beside the scenario (0)\n"
    "  --stalled N       receivers that never read, beside the scenario (0)\n"
    "  --fill N          messages sent first, until the stalled ones are full (0)\n"
    "  --together N      connections that may be getting in at a time (8)\n"
    "  --patience S      the longest of any wait (20)\n";

static double number(const char *option, double least, double most)
{
    char *end;
    const double value = strtod(optarg, &end);

    if (*end || !*optarg || !(value >= least && value <= most)) {
        fprintf(stderr, "load: --%s is a number from %.0f to %.0f, not %s\n", option, least, most,
                optarg);
        exit(2);
    }
    return value;
}

static const struct protocol *protocol_named(const char *name)
{
    for (size_t index = 0; index < sizeof protocols / sizeof *protocols; index++)
        if (strcmp(protocols[index].name, name) == 0)
            return &protocols[index];
    fprintf(stderr, "load: no protocol %s\n", name);
    exit(2);
}

static void read_arguments(int argc, char **argv)
{
    enum { PROTOCOL, PORT, SERVER, SCENARIO, CLIENTS, WINDOW, RATE, SECONDS, COUNT, WARMUP,
           IDLES, STALLEDS, FILL, TOGETHER, PATIENCE, HELP };
    static const struct option options[] = {
        [PROTOCOL] = {"protocol", required_argument, NULL, 0},
        [PORT]     = {"port",     required_argument, NULL, 0},
        [SERVER]   = {"server",   required_argument, NULL, 0},
        [SCENARIO] = {"scenario", required_argument, NULL, 0},
        [CLIENTS]  = {"clients",  required_argument, NULL, 0},
        [WINDOW]   = {"window",   required_argument, NULL, 0},
        [RATE]     = {"rate",     required_argument, NULL, 0},
        [SECONDS]  = {"seconds",  required_argument, NULL, 0},
        [COUNT]    = {"count",    required_argument, NULL, 0},
        [WARMUP]   = {"warmup",   required_argument, NULL, 0},
        [IDLES]    = {"idle",     required_argument, NULL, 0},
        [STALLEDS] = {"stalled",  required_argument, NULL, 0},
        [FILL]     = {"fill",     required_argument, NULL, 0},
        [TOGETHER] = {"together", required_argument, NULL, 0},
        [PATIENCE] = {"patience", required_argument, NULL, 0},
        [HELP]     = {"help",     no_argument,       NULL, 0},
        [HELP + 1] = {NULL, 0, NULL, 0},
    };
    int which, kind;

    while ((kind = getopt_long(argc, argv, "", options, &which)) != -1) {
        const char *name = options[which].name;

        if (kind != 0)
            exit(2);
        switch (which) {
        case PROTOCOL: asked.protocol = protocol_named(optarg); break;
        case PORT: asked.port = (int)number(name, 1, 65535); break;
        case SERVER: asked.server = (pid_t)number(name, 1, 1 << 30); break;
        case SCENARIO: asked.scenario = *optarg == 'B' ? 'B' : 'A'; break;
        case CLIENTS: asked.clients = (int)number(name, 1, 5000); break;
        case WINDOW: asked.window = (uint32_t)number(name, 1, 65536); break;
        case RATE: asked.rate = number(name, 1, 1e6); break;
        case SECONDS: asked.seconds = number(name, 0.01, 60); break;
        case COUNT: asked.count = (uint64_t)number(name, 1, 1e9); break;
        case WARMUP: asked.warmup = number(name, 0, 60); break;
        case IDLES: asked.idle = (int)number(name, 0, 50000); break;
        case STALLEDS: asked.stalled = (int)number(name, 0, 5000); break;
        case FILL: asked.fill = (uint32_t)number(name, 0, 1e6); break;
        case TOGETHER: asked.together = (int)number(name, 1, 65536); break;
        case PATIENCE: asked.patience = number(name, 1, 60); break;
        default: fputs(help, stdout); exit(0);
        }
    }
    if (!asked.protocol || !asked.port || !asked.server || optind < argc) {
        fputs(help, stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    /* The last resort, past every bound on a wait: the signal ends the program. */
    alarm((unsigned)(asked.warmup + asked.seconds + 8 * asked.patience) + 1);
    set_up();
    if (asked.scenario == 'A')
        measured.get_in_seconds = get_in(asked.clients + 1, SENDER, RECEIVER, asked.together);
    else
        measured.get_in_seconds = get_in(asked.clients, BOTH, BOTH, asked.together);
    settle();
    measured.idle_kib_before = server_kib();
    measured.idle_seconds = get_in(asked.idle, IDLE, IDLE, asked.together);
    measured.idle_kib_after = server_kib();
    measured.stalled_seconds = get_in(asked.stalled, STALLED, STALLED, asked.together);
    if (asked.fill)
        closed_loop(FILL_WINDOW, asked.patience, asked.fill);
    run(asked.warmup, 0);
    measure();
    judge();
}
