/* net.h - one connection, non-blocking: TCP over IPv4 or IPv6, and over it TLS if wanted. */
#ifndef CHAT_NET_H
#define CHAT_NET_H

#include "tls.h"

#include <netdb.h>

enum {
    NET_CONNECT_SECONDS   = 20,         /* patience with one address */
    NET_HANDSHAKE_SECONDS = 10,         /* and with its handshake of TLS */
    NET_ADDRESS_MAX       = 64          /* octets of an address as text */
};

struct net {
    int fd;                             /* -1: there is no connection */
    short receives_on;                  /* the event of poll to receive after */
    short sends_on;                     /* to send, or end, once more after; 0: nothing is waiting to */
    struct tls tls;
};

/* The addresses of a host, in the order in which to try them; to be freed with
 * freeaddrinfo. NULL: there are none, and *why says why, in words. */
struct addrinfo *net_find(const char *host, const char *port, const char **why);

/* An address as people write it: "127.0.0.1", "::1". */
void net_address(const struct addrinfo *address, char out[NET_ADDRESS_MAX]);

/* Connects to one address, with TLS if there is a host for which the server
 * must have a certificate. False: errno says why not, ETIMEDOUT meaning that it
 * took more than NET_CONNECT_SECONDS, EINTR that the descriptor `stop` has
 * something to read, and EPROTO that there is a connection but no TLS. A server
 * that vanishes without a word makes sending and receiving fail with ETIMEDOUT
 * within CHAT_VANISHED_SECONDS where the system can do that [CLOSE-8]. */
bool net_connect(struct net *net, const struct addrinfo *address, const char *tls_host, int stop);

/* Sends and receives as much as goes without waiting. The number of octets, 0 of
 * net_receive being the end of the stream; or -1 with errno set, EAGAIN if
 * nothing goes at present. */
ssize_t net_send(struct net *net, const char *data, size_t n);
ssize_t net_receive(struct net *net, char *data, size_t n);

/* A part of what could not be sent at present is on its way nevertheless: the
 * same octets must follow. */
bool net_has_begun(const struct net *net);

/* There is something to receive for which poll would wait in vain. */
bool net_holds(const struct net *net);

/* Ends our sending side, once; what the system has taken is still delivered.
 * False: that does not go at present. */
bool net_end_sending(struct net *net);

/* An errno that one of these functions left, in words. */
const char *net_why(const struct net *net, int error);

/* Closes the connection, if there is one. */
void net_close(struct net *net);

#endif
