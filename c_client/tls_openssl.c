/* tls_openssl.c - TLS by OpenSSL, 1.1.1 or later; see tls.h. */
#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>

enum { HOST_MAX = 256 };                /* octets of a name with its NUL */

static SSL_CTX *context;
static bool has_authorities, key_is_encrypted;

const char *tls_name(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

/* The first reason in the library's queue of errors. */
static const char *reason(void)
{
    const char *const words = ERR_reason_error_string(ERR_peek_error());

    return words ? words : "for an unknown reason";
}

/* ---- files ---- */

/* Nobody is asked for a passphrase: the terminal belongs to the line editor. */
static int note_encryption(char *passphrase, int size, int writing, void *data)
{
    (void)passphrase;
    (void)size;
    (void)writing;
    (void)data;
    key_is_encrypted = true;
    return -1;
}

/* Why a file cannot be opened, or else what else is wrong with it. */
static const char *fault_of(const char *file, const char *otherwise)
{
    FILE *const opened = fopen(file, "r");

    if (!opened)
        return strerror(errno);
    fclose(opened);
    return otherwise;
}

static bool read_authorities(const char *file, char why[TLS_WHY_MAX])
{
    if (file ? SSL_CTX_load_verify_locations(context, file, NULL) == 1
             : SSL_CTX_set_default_verify_paths(context) == 1)
        return true;
    snprintf(why, TLS_WHY_MAX, "The authorities cannot be read from %s: %s.",
             file ? file : "where the system has them",
             file ? fault_of(file, "there is no certificate in PEM in it")
                  : reason());
    return false;
}

static bool read_certificate(const char *file, const char *key, char why[TLS_WHY_MAX])
{
    bool read;

    if (SSL_CTX_use_certificate_chain_file(context, file) != 1) {
        snprintf(why, TLS_WHY_MAX, "Your certificate cannot be read from %s: %s.", file,
                 fault_of(file, "there is none in PEM in it"));
        return false;
    }
    ERR_clear_error();
    read = SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
    if (read && SSL_CTX_check_private_key(context) == 1)
        return true;
    if (key_is_encrypted)
        snprintf(why, TLS_WHY_MAX, "The key in %s is encrypted, and nobody is asked for a "
                 "passphrase here: openssl pkey -in %s -out FILE decrypts it.", key, key);
    else if (read || ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_X509)
        snprintf(why, TLS_WHY_MAX, "The key in %s is not that of the certificate in %s.",
                 key, file);
    else
        snprintf(why, TLS_WHY_MAX, "The key of your certificate cannot be read from %s: %s.", key,
                 fault_of(key, "there is none in PEM in it"));
    return false;
}

bool tls_open(const struct tls_files *files, char why[TLS_WHY_MAX])
{
    context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1) {
        snprintf(why, TLS_WHY_MAX, "OpenSSL cannot begin: %s.", reason());
        tls_close();
        return false;
    }
    /* Not AUTO_RETRY: records without data are to come back to who waits, one by one. */
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(context, note_encryption);
    has_authorities = files->authorities != NULL;
    if (read_authorities(files->authorities, why)
        && (!files->certificate
            || read_certificate(files->certificate, files->key ? files->key : files->certificate,
                                why)))
        return true;
    tls_close();
    return false;
}

void tls_close(void)
{
    SSL_CTX_free(context);
    context = NULL;
}

/* ---- what failed, in words ---- */

static bool fail(struct tls *tls, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(tls->why, sizeof tls->why, format, arguments);
    va_end(arguments);
    tls->state = TLS_FAILED;
    errno = EPROTO;
    return false;
}

static bool fail_by_cut(struct tls *tls)
{
    return fail(tls, tls->state == TLS_TRUSTED
                ? "it was cut off without a goodbye"
                : "the server ended the handshake; perhaps it does not speak TLS");
}

/* Adds a name to those of a certificate, which anybody may have made: only
 * characters that are harmless on a screen are. */
static void add_name(char *names, size_t size, const char *name, size_t len)
{
    static const char harmless[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*:";
    size_t used = strlen(names);

    if (used > 0 && used + 2 < size) {
        names[used++] = ',';
        names[used++] = ' ';
    }
    for (size_t i = 0; i < len && used + 1 < size; i++, used++) {
        names[used] = name[i];
        if (name[i] == '\0' || !strchr(harmless, name[i]))
            names[used] = '?';
    }
    names[used] = '\0';
}

/* The hosts that the server's certificate is for. */
static void find_names(const SSL *ssl, char *names, size_t size)
{
    X509 *const certificate = sk_X509_value(SSL_get0_verified_chain(ssl), 0);
    GENERAL_NAMES *const found =
        certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;

    names[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(found); i++) {
        const GENERAL_NAME *const name = sk_GENERAL_NAME_value(found, i);
        if (name->type == GEN_DNS) {
            add_name(names, size, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                     (size_t)ASN1_STRING_length(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            const int len = ASN1_STRING_length(name->d.iPAddress);
            char address[INET6_ADDRSTRLEN];
            if ((len == 4 || len == 16)
                && inet_ntop(len == 4 ? AF_INET : AF_INET6,
                             ASN1_STRING_get0_data(name->d.iPAddress), address, sizeof address))
                add_name(names, size, address, strlen(address));
        }
    }
    GENERAL_NAMES_free(found);
    if (names[0] == '\0')
        snprintf(names, size, "no host");
}

/* The server is not to be trusted [TLS-6]. */
static bool fail_to_trust(struct tls *tls, long result)
{
    const char *const fault = X509_verify_cert_error_string(result);
    char names[200];

    switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        find_names(tls->session, names, sizeof names);
        return fail(tls, "the certificate is for %s, not for %s", names, tls->host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return fail(tls, "the certificate of %s has expired", tls->host);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return fail(tls, "the certificate of %s is not valid yet; is the clock here right?",
                    tls->host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return fail(tls, has_authorities
                    ? "the certificate of %s is not from an authority in the file of --ca (%s)"
                    : "the certificate of %s is not from an authority that you trust (%s): "
                      "--ca FILE names one", tls->host, fault);
    default:
        return fail(tls, "the certificate of %s is not good (%s)", tls->host, fault);
    }
}

/* What the server says by an alert. */
static bool fail_by_alert(struct tls *tls, int alert)
{
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
        return fail(tls, "the server does not speak TLS 1.3");
    case SSL_AD_CERTIFICATE_REQUIRED:
        return fail(tls, "the server wants a certificate of yours: --cert FILE and --key FILE");
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
        return fail(tls, "the server does not accept your certificate (%s)", reason());
    default:
        return fail(tls, "the server says: %s", reason());
    }
}

/* What else the library says. */
static bool fail_by_library(struct tls *tls)
{
    const unsigned long error = ERR_peek_error();
    const int number = ERR_GET_REASON(error);

    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return fail(tls, "TLS failed: %s", reason());
    if (number > SSL_AD_REASON_OFFSET)
        return fail_by_alert(tls, number - SSL_AD_REASON_OFFSET);
    switch (number) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return fail_to_trust(tls, SSL_get_verify_result(tls->session));
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return fail(tls, "the server does not speak TLS 1.3");
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return fail_by_cut(tls);
#endif
    default:
        return fail(tls, tls->state == TLS_TRUSTED
                    ? "TLS failed: %s"
                    : "the server does not seem to speak TLS (%s)", reason());
    }
}

/* After a function of the library that returned what is no success. False or,
 * at a goodbye, true. */
static bool explain(struct tls *tls, int result)
{
    const int error = errno;

    switch (SSL_get_error(tls->session, result)) {
    case SSL_ERROR_WANT_READ:
        tls->wants = POLLIN;
        errno = EAGAIN;
        return false;
    case SSL_ERROR_WANT_WRITE:
        tls->wants = POLLOUT;
        errno = EAGAIN;
        return false;
    case SSL_ERROR_ZERO_RETURN:
        return true;
    case SSL_ERROR_SYSCALL:
        if (error == 0)                 /* so before OpenSSL 3 */
            return fail_by_cut(tls);
        if (tls->state == TLS_BEGUN)
            return fail(tls, "%s, in the handshake; perhaps the server does not speak TLS",
                        strerror(error));
        errno = error;
        return false;
    default:
        return fail_by_library(tls);
    }
}

/* ---- one connection ---- */

/* To be called before a function of the library: it tells by these what failed. */
static SSL *prepare(struct tls *tls)
{
    ERR_clear_error();
    errno = 0;
    return tls->session;
}

/* The host as a certificate names it: without the zone of an address, or the dot
 * at the end of a name. An address is checked as one, a name is told the server too. */
static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *const expected = SSL_get0_param(ssl);
    size_t len = strcspn(host, "%");
    char name[HOST_MAX];

    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len == 0 || len >= sizeof name)
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, name) == 1)
        return true;
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
                                              | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(expected, name, 0) == 1
        && SSL_set_tlsext_host_name(ssl, name) == 1;
}

bool tls_begin(struct tls *tls, int fd, const char *host)
{
    SSL *const ssl = SSL_new(context);

    *tls = (struct tls){.session = ssl, .host = host};
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || !expect_host(ssl, host))
        return fail(tls, "it cannot begin with the host %s", host);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return true;
}

void tls_end(struct tls *tls)
{
    SSL_free(tls->session);
    tls->session = NULL;
}

bool tls_handshake(struct tls *tls)
{
    const int result = SSL_connect(prepare(tls));

    if (result != 1)
        return explain(tls, result) && fail_by_cut(tls);
    tls->state = TLS_TRUSTED;
    return true;
}

ssize_t tls_send(struct tls *tls, const char *data, size_t n)
{
    size_t sent = 0;
    const int result = SSL_write_ex(prepare(tls), data, n, &sent);

    if (result == 1)
        return (ssize_t)sent;
    explain(tls, result);
    return -1;
}

ssize_t tls_receive(struct tls *tls, char *data, size_t n)
{
    size_t received = 0;
    const int result = SSL_read_ex(prepare(tls), data, n, &received);

    if (result == 1)
        return (ssize_t)received;
    return explain(tls, result) ? 0 : -1;
}

bool tls_holds(const struct tls *tls)
{
    return SSL_pending(tls->session) > 0;
}

bool tls_end_sending(struct tls *tls)
{
    int result;

    if (tls->state != TLS_TRUSTED)
        return true;                    /* after a failure nothing can be said */
    result = SSL_shutdown(prepare(tls));
    return result >= 0 || explain(tls, result);
}
