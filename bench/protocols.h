/* What the load generator says and hears in each protocol: data only. */
#ifndef PROTOCOLS_H
#define PROTOCOLS_H

#include <stdbool.h>
#include <stddef.h>

/* Octets, which may hold NUL. A '?' stands for the number of the connection. */
struct octets {
    const char *at;
    size_t size;
};

/* Say something, then wait until something is heard. */
struct step {
    struct octets say, hear;
};

struct protocol {
    const char *name;
    struct step enter;          /* how a connection becomes known to the server */
    struct step listen;         /* how it comes to hear the room; nothing where all do */
    struct octets head, tail;   /* what stands around a payload that is sent */
    char before, after;         /* octets straight before and after one that arrives; 0: any */
    bool one_room;              /* every connection hears everything, without asking */
    bool echo;                  /* who listens hears itself, too */
    bool sender_listens;        /* who may send must be in the room */
};

#define OCTETS(literal) {(literal), sizeof(literal) - 1}
#define NOTHING {NULL, 0}

static const struct protocol protocols[] = {
    {
        .name = "chat",
        .enter = {OCTETS("h?>\\join chat/1\n"), OCTETS("\\welcome chat/1 relay")},
        .head = OCTETS("h?>"), .tail = OCTETS("\n"),
        .before = '>', .after = '\n', .one_room = true,
    },
    {
        .name = "plain",
        .head = OCTETS("h?>"), .tail = OCTETS("\n"),
        .before = '>', .after = '\n', .one_room = true,
    },
    {
        .name = "irc",
        .enter = {OCTETS("NICK h?\r\nUSER h 0 * :h\r\n"), OCTETS(" 001 ")},
        .listen = {OCTETS("JOIN #room\r\n"), OCTETS(" 366 ")},
        .head = OCTETS("PRIVMSG #room :"), .tail = OCTETS("\r\n"),
        .before = ':', .after = '\r', .sender_listens = true,
    },
    {
        /* RESP3, in which a connection that has subscribed may still publish. */
        .name = "redis",
        .enter = {OCTETS("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"), OCTETS("modules\r\n*0\r\n")},
        .listen = {OCTETS("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nroom\r\n"), OCTETS(":1\r\n")},
        .head = OCTETS("*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$64\r\n"), .tail = OCTETS("\r\n"),
        .before = '\n', .after = '\r', .echo = true,
    },
    {
        .name = "nats",
        .enter = {OCTETS("CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\nPING\r\n"),
                  OCTETS("PONG\r\n")},
        .listen = {OCTETS("SUB room 1\r\nPING\r\n"), OCTETS("PONG\r\n")},
        .head = OCTETS("PUB room 64\r\n"), .tail = OCTETS("\r\n"),
        .before = '\n', .after = '\r',
    },
    {
        /* MQTT 3.1.1: CONNECT and CONNACK, SUBSCRIBE and SUBACK, PUBLISH of 70 octets. */
        .name = "mqtt",
        .enter = {OCTETS("\x10\x0c\0\4MQTT\4\2\0\0\0\0"), OCTETS("\x20\x02\0\0")},
        .listen = {OCTETS("\x82\x09\0\2\0\4room\0"), OCTETS("\x90\x03\0\2\0")},
        .head = OCTETS("\x30\x46\0\4room"), .tail = NOTHING,
        .before = 'm', .after = 0, .echo = true,
    },
};

#endif
