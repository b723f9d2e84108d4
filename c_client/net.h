/* net.h - one TCP connection, non-blocking, over IPv4 or IPv6. */
#ifndef CHAT_NET_H
#define CHAT_NET_H

#include <stddef.h>

#include <netdb.h>
#include <sys/types.h>

enum {
    NET_CONNECT_SECONDS = 20,           /* patience with one address */
    NET_ADDRESS_MAX     = 64            /* octets of an address as text */
};

/* The addresses of a host, in the order in which to try them; to be freed with
 * freeaddrinfo. NULL: there are none, and *why says why, in words. */
struct addrinfo *net_find(const char *host, const char *port, const char **why);

/* An address as people write it: "127.0.0.1", "::1". */
void net_address(const struct addrinfo *address, char out[NET_ADDRESS_MAX]);

/* Connects to one address. Returns a socket; or -1 with errno set, ETIMEDOUT
 * after NET_CONNECT_SECONDS and EINTR as soon as the descriptor `stop` has
 * something to read. A server that vanishes without a word makes the socket
 * fail with ETIMEDOUT within CHAT_VANISHED_SECONDS where the system can do
 * that [CLOSE-8]. */
int net_connect(const struct addrinfo *address, int stop);

/* Sends and receives as much as goes without waiting. The number of octets, 0 of
 * net_receive being the end of the stream; or -1 with errno set, EAGAIN if
 * nothing goes at present. */
ssize_t net_send(int fd, const char *data, size_t n);
ssize_t net_receive(int fd, char *data, size_t n);

/* Ends our sending side; what the system has taken is still delivered. */
void net_end_sending(int fd);

#endif
