/* tls_none.c - no TLS, for want of a library; see tls.h. Nothing begins, so nothing else happens. */
#include "tls.h"

#include <errno.h>
#include <stdio.h>

const char *tls_name(void)
{
    return "nothing; this program was built without OpenSSL";
}

bool tls_open(const struct tls_files *files, char why[TLS_WHY_MAX])
{
    (void)files;
    snprintf(why, TLS_WHY_MAX,
             "There is no TLS in this program, for OpenSSL was not found when it was built. "
             "Install its headers (libssl-dev, openssl-devel or openssl) and build it again; "
             "make says what it finds.");
    return false;
}

void tls_close(void)
{
}

bool tls_begin(struct tls *tls, int fd, const char *host)
{
    (void)fd;
    tls->session = NULL;
    tls->host = host;
    errno = EPROTONOSUPPORT;
    return false;
}

void tls_end(struct tls *tls)
{
    tls->session = NULL;
}

bool tls_handshake(struct tls *tls)
{
    return tls->session != NULL;
}

ssize_t tls_send(struct tls *tls, const char *data, size_t n)
{
    (void)data;
    return tls->session ? (ssize_t)n : -1;
}

ssize_t tls_receive(struct tls *tls, char *data, size_t n)
{
    (void)data;
    (void)n;
    return tls->session ? 0 : -1;
}

bool tls_holds(const struct tls *tls)
{
    return tls->session != NULL;
}

bool tls_end_sending(struct tls *tls)
{
    return tls->session == NULL;
}
