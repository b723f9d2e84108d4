/* tls.h - TLS over a connected socket, never waiting for it.
 *
 * There are variants, tls_openssl.c and tls_none.c; the Makefile chooses one.
 * What this program trusts and shows is the same for all its connections.
 */
#ifndef CHAT_TLS_H
#define CHAT_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

enum { TLS_WHY_MAX = 512 };             /* octets of a reason */

struct tls_files {                      /* PEM; NULL: not given */
    const char *authorities;            /* the only ones to be trusted, instead of the system's */
    const char *certificate;            /* ours, and those that lead to its authority */
    const char *key;                    /* its key, if that is in a file of its own */
};

struct tls {
    void *session;                      /* the library's; NULL: there is no TLS */
    const char *host;
    enum { TLS_BEGUN, TLS_TRUSTED, TLS_FAILED } state;
    short wants;                        /* the event of poll after which to try once more */
    char why[TLS_WHY_MAX];              /* what failed, in words */
};

/* What speaks TLS here, in words. */
const char *tls_name(void);

/* To be called before anything else. False: `why` is a sentence about it. */
bool tls_open(const struct tls_files *files, char why[TLS_WHY_MAX]);
void tls_close(void);

/* Becomes the client's end of a connection to that host, a name or an address;
 * what there was is forgotten. The socket is closed by none of these functions. */
bool tls_begin(struct tls *tls, int fd, const char *host);
void tls_end(struct tls *tls);

/* These do what they can at once. Not successful they return false or -1 with
 * errno set: to EAGAIN, and then `wants` says what to wait for, to EPROTO, and
 * then `why` says why, or as the system does. */

/* Comes to trust the server, or fails [TLS-1, TLS-6]. */
bool tls_handshake(struct tls *tls);

/* What could not be sent at once must be sent once more, the same octets. 0 of
 * tls_receive is the server's goodbye; without it an end of the stream is a
 * failure [TLS-8]. */
ssize_t tls_send(struct tls *tls, const char *data, size_t n);
ssize_t tls_receive(struct tls *tls, char *data, size_t n);

/* Octets were received that tls_receive has not told of. */
bool tls_holds(const struct tls *tls);

/* Says goodbye, once and unless there was a failure; what the server sends can
 * still be received [TLS-7]. */
bool tls_end_sending(struct tls *tls);

#endif
