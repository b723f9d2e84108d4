/* net.c - one connection; see net.h. */
#include "net.h"

#include "now.h"
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

/* Waits for an event of a socket. 0, or an errno: ETIMEDOUT when the time has
 * come to give up, EINTR when only `stop` has something to read. */
static int wait_for(int fd, short event, int stop, int64_t give_up)
{
    struct pollfd polled[] = {{.fd = stop, .events = POLLIN}, {.fd = fd, .events = event}};
    int ready;

    do {
        const int64_t left = give_up - now();
        ready = poll(polled, 2, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return errno;
    if (ready == 0)
        return ETIMEDOUT;
    return polled[1].revents != 0 ? 0 : EINTR;
}

/* Waits until a connection that was begun has come about. 0, or an errno. */
static int wait_connected(int fd, int stop)
{
    int error = wait_for(fd, POLLOUT, stop, now() + INT64_C(1000) * NET_CONNECT_SECONDS);
    socklen_t size = sizeof error;

    if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    return error;
}

/* A socket that is connected; or -1, and errno says why. */
static int connect_socket(const struct addrinfo *address, int stop)
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

static bool shake_hands(struct net *net, const char *host, int stop)
{
    const int64_t give_up = now() + INT64_C(1000) * NET_HANDSHAKE_SECONDS;

    if (!tls_begin(&net->tls, net->fd, host))
        return false;
    while (!tls_handshake(&net->tls)) {
        if (errno != EAGAIN)
            return false;
        errno = wait_for(net->fd, net->tls.wants, stop, give_up);
        if (errno == ETIMEDOUT) {
            snprintf(net->tls.why, sizeof net->tls.why, "the handshake took more than %d seconds; "
                     "perhaps the server does not speak TLS", NET_HANDSHAKE_SECONDS);
            errno = EPROTO;
        }
        if (errno != 0)
            return false;
    }
    return true;
}

bool net_connect(struct net *net, const struct addrinfo *address, const char *tls_host, int stop)
{
    int error;

    *net = (struct net){.fd = connect_socket(address, stop), .receives_on = POLLIN};
    if (net->fd < 0)
        return false;
    if (!tls_host || shake_hands(net, tls_host, stop))
        return true;
    error = errno;
    net_close(net);
    errno = error;
    return false;
}

/* EINTR and EWOULDBLOCK are told as EAGAIN: come back when poll says so. */
static ssize_t told(ssize_t result)
{
    if (result < 0 && (errno == EINTR || errno == EWOULDBLOCK))
        errno = EAGAIN;
    return result;
}

ssize_t net_send(struct net *net, const char *data, size_t n)
{
    const ssize_t sent = net->tls.session ? tls_send(&net->tls, data, n)
                                          : told(send(net->fd, data, n, 0));

    net->sends_on = 0;
    if (sent < 0 && errno == EAGAIN) {
        net->sends_on = POLLOUT;
        if (net->tls.session)
            net->sends_on = net->tls.wants;
    }
    return sent;
}

ssize_t net_receive(struct net *net, char *data, size_t n)
{
    ssize_t received;

    if (!net->tls.session)
        return told(recv(net->fd, data, n, 0));
    received = tls_receive(&net->tls, data, n);
    net->receives_on = POLLIN;
    if (received < 0 && errno == EAGAIN)
        net->receives_on = net->tls.wants;
    return received;
}

bool net_has_begun(const struct net *net)
{
    return net->tls.session && net->sends_on != 0;
}

bool net_holds(const struct net *net)
{
    return net->tls.session && tls_holds(&net->tls);
}

bool net_end_sending(struct net *net)
{
    net->sends_on = 0;
    if (net->tls.session && !tls_end_sending(&net->tls) && errno == EAGAIN) {
        net->sends_on = net->tls.wants;
        return false;
    }
    (void)shutdown(net->fd, SHUT_WR);   /* fails only if there is no connection left to end */
    return true;
}

const char *net_why(const struct net *net, int error)
{
    return error == EPROTO && net->tls.why[0] != '\0' ? net->tls.why : strerror(error);
}

void net_close(struct net *net)
{
    if (net->fd < 0)
        return;
    tls_end(&net->tls);
    close(net->fd);
    net->fd = -1;
}
