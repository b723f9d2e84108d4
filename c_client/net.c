/* net.c - one TCP connection; see net.h. */
#include "net.h"

#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* An idle connection is asked for a sign of life after a third of the time, and
 * then five times at intervals of a ninth; what was sent is waited for as long.
 * On Linux a server that lives but reads nothing at all for so long is given up
 * like one that vanished, once its system holds as much as it will. */
enum {
    PROBE_AFTER_SECONDS = CHAT_VANISHED_SECONDS / 3,
    PROBE_EACH_SECONDS  = CHAT_VANISHED_SECONDS / 9,
    PROBES              = 5,
    GONE_AFTER_MILLISECONDS = 1000 * (PROBE_AFTER_SECONDS + PROBES * PROBE_EACH_SECONDS)
};

static const struct {
    int level, name, value;
} options[] = {
    {IPPROTO_TCP, TCP_NODELAY, 1},
    {SOL_SOCKET, SO_KEEPALIVE, 1},
#ifdef TCP_KEEPIDLE
    {IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_SECONDS},
#endif
#ifdef TCP_KEEPALIVE                    /* the same, on macOS */
    {IPPROTO_TCP, TCP_KEEPALIVE, PROBE_AFTER_SECONDS},
#endif
#ifdef TCP_KEEPINTVL
    {IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EACH_SECONDS},
#endif
#ifdef TCP_KEEPCNT
    {IPPROTO_TCP, TCP_KEEPCNT, PROBES},
#endif
#ifdef TCP_USER_TIMEOUT
    {IPPROTO_TCP, TCP_USER_TIMEOUT, GONE_AFTER_MILLISECONDS},
#endif
};

struct addrinfo *net_find(const char *host, const char *port, const char **why)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    const int result = getaddrinfo(host, port, &hints, &addresses);

    if (result == 0)
        return addresses;
    *why = result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result);
    return NULL;
}

void net_address(const struct addrinfo *address, char out[NET_ADDRESS_MAX])
{
    if (getnameinfo(address->ai_addr, address->ai_addrlen, out, NET_ADDRESS_MAX,
                    NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(out, NET_ADDRESS_MAX, "unknown address");
}

/* Waits until a connection that was begun has come about. 0, or an errno. */
static int wait_connected(int fd, int stop)
{
    struct pollfd polled[] = {{.fd = stop, .events = POLLIN}, {.fd = fd, .events = POLLOUT}};
    int ready, error = 0;
    socklen_t size = sizeof error;

    do
        ready = poll(polled, 2, 1000 * NET_CONNECT_SECONDS);
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return errno;
    if (ready == 0)
        return ETIMEDOUT;
    if (polled[1].revents == 0)
        return EINTR;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

int net_connect(const struct addrinfo *address, int stop)
{
    const int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    int error = 0;

    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        error = errno;
    /* The options make things better; without one of them they are still good. */
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        (void)setsockopt(fd, options[i].level, options[i].name,
                         &options[i].value, sizeof options[i].value);
    if (error == 0 && connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        error = errno == EINPROGRESS || errno == EINTR ? wait_connected(fd, stop) : errno;
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* EINTR and EWOULDBLOCK are told as EAGAIN: come back when poll says so. */
static ssize_t told(ssize_t result)
{
    if (result < 0 && (errno == EINTR || errno == EWOULDBLOCK))
        errno = EAGAIN;
    return result;
}

ssize_t net_send(int fd, const char *data, size_t n)
{
    return told(send(fd, data, n, 0));
}

ssize_t net_receive(int fd, char *data, size_t n)
{
    return told(recv(fd, data, n, 0));
}

void net_end_sending(int fd)
{
    (void)shutdown(fd, SHUT_WR);        /* fails only if there is no connection left to end */
}
