/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/trial.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/trial.h"
#include "gateway/ktls/softrecord.h"
#include "gateway/tls/handshake.h"
#include "gateway/tls/library.h"
#include "gateway/tls/tickets.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
    ROUNDS_MAX = 16, /* round trips; a handshake needs three */
    TYPE_DATA = 23,
    PATH_MAX_HERE = 32,
    RECORD_MAX = 4096
};

static const char probe[] = "trial";

struct trial {
    OSSL_LIB_CTX *theirs; /* a context with libcrypto alone */
    OSSL_PROVIDER *default_provider;
    struct gw_ticket_keys tickets;
    int cert_fd, key_fd; /* anonymous files */
    struct gw_cert_pair pair;
    struct gw_tls_side side;
    struct gw_tls_context *server;
    SSL_CTX *client;
    SSL_SESSION *session; /* the client's session, to be resumed */
};

/* ---- a certificate for the server, in files ---- */

static X509 *make_cert(OSSL_LIB_CTX *from, EVP_PKEY *key)
{
    X509 *cert = X509_new_ex(from, NULL);
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (name && X509_set_version(cert, X509_VERSION_3) &&
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
        X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
        X509_gmtime_adj(X509_getm_notAfter(cert), 3600) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)probe, -1, -1,
                                   0) &&
        X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static int anonymous_file(void)
{
    int fd = memfd_create("ktlsgate-trial", MFD_CLOEXEC);
    if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR))
        gw_fd_close(&fd);
    return fd;
}

static bool write_files(struct trial *t, X509 *cert, EVP_PKEY *key)
{
    t->cert_fd = anonymous_file();
    t->key_fd = anonymous_file();
    BIO *certs = t->cert_fd >= 0 ? BIO_new_fd(t->cert_fd, BIO_NOCLOSE) : NULL;
    BIO *keys = t->key_fd >= 0 ? BIO_new_fd(t->key_fd, BIO_NOCLOSE) : NULL;
    bool ok = certs && keys && PEM_write_bio_X509(certs, cert) == 1 &&
              PEM_write_bio_PrivateKey(keys, key, NULL, NULL, 0, NULL, NULL) == 1;
    BIO_free(certs);
    BIO_free(keys);
    return ok;
}

static bool make_pair(struct trial *t)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(t->theirs, NULL, "EC", "P-256");
    X509 *cert = key ? make_cert(t->theirs, key) : NULL;
    bool ok = cert && write_files(t, cert, key);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

/* ---- both sides ---- */

static bool allow(void *arg, const struct gw_identity *identity)
{
    (void)arg, (void)identity;
    return true;
}

/* The reference becomes ours. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct trial *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1;
}

static bool set_up_client(struct trial *t)
{
    t->client = SSL_CTX_new_ex(t->theirs, NULL, TLS_client_method());
    if (!t->client || !SSL_CTX_set_app_data(t->client, t))
        return false;
    SSL_CTX_set_session_cache_mode(t->client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(t->client, keep_session);
    return true;
}

static bool set_up_server(struct trial *t)
{
    char cert_path[PATH_MAX_HERE], key_path[PATH_MAX_HERE];
    struct gw_error err = {.text = ""};
    (void)snprintf(cert_path, sizeof(cert_path), "/proc/self/fd/%d", t->cert_fd);
    (void)snprintf(key_path, sizeof(key_path), "/proc/self/fd/%d", t->key_fd);
    t->pair = (struct gw_cert_pair){.cert_file = cert_path, .key_file = key_path};
    t->side = (struct gw_tls_side){
        .session_scope = probe,
        .certs = &t->pair,
        .cert_count = 1,
        .tls_min = TLS1_2_VERSION,
        .tls_max = TLS1_3_VERSION,
        .verify_depth = GW_VERIFY_DEPTH_MAX,
        .groups = "X25519",
        .session_tickets = true,
        .session_age_ns = 3600 * GW_NS_PER_SEC,
    };
    return gw_tickets_init(&t->tickets) == 0 &&
           gw_tls_context_new(&t->server, &t->side, &t->tickets, NULL, &err) == 0;
}

static const char *set_up(struct trial *t)
{
    t->theirs = OSSL_LIB_CTX_new();
    t->default_provider = t->theirs ? OSSL_PROVIDER_load(t->theirs, "default") : NULL;
    if (!t->default_provider)
        return "libcrypto has no default provider to compare with";
    return make_pair(t) && set_up_server(t) && set_up_client(t)
               ? NULL
               : "its self-test could not run: no memory, no certificate or no /proc";
}

static void tear_down(struct trial *t)
{
    SSL_SESSION_free(t->session);
    SSL_CTX_free(t->client);
    gw_tls_context_free(t->server);
    gw_fd_close(&t->cert_fd);
    gw_fd_close(&t->key_fd);
    if (t->default_provider)
        (void)OSSL_PROVIDER_unload(t->default_provider);
    OSSL_LIB_CTX_free(t->theirs);
    gw_wipe_object(t);
    ERR_clear_error();
}

/* ---- one connection ---- */

struct pair {
    struct gw_handshake *server;
    SSL *client;
    BIO *to_client, *from_client; /* the client's ends */
    struct gw_handover_keys keys;
};

static bool begin(struct pair *p, const struct trial *t, int version)
{
    p->server = gw_handshake_new(t->server, allow, NULL);
    p->client = SSL_new(t->client);
    p->to_client = BIO_new(BIO_s_mem());
    p->from_client = BIO_new(BIO_s_mem());
    if (!p->server || !p->client || !p->to_client || !p->from_client) {
        BIO_free(p->to_client);
        BIO_free(p->from_client);
        return false;
    }
    BIO_set_mem_eof_return(p->to_client, -1);
    BIO_set_mem_eof_return(p->from_client, -1);
    SSL_set_bio(p->client, p->to_client, p->from_client);
    SSL_set_connect_state(p->client);
    return SSL_set_min_proto_version(p->client, version) &&
           SSL_set_max_proto_version(p->client, version) &&
           (!t->session || SSL_set_session(p->client, t->session));
}

static void end(struct pair *p)
{
    gw_handshake_free(p->server);
    if (p->client)
        SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->client);
    gw_wipe_object(p);
}

static bool to_client(struct pair *p)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(p->server, &data);
    bool ok = len == 0 || BIO_write(p->to_client, data, (int)len) == (int)len;
    gw_handshake_output_sent(p->server, len);
    return ok;
}

static enum gw_handshake_verdict to_server(struct pair *p)
{
    uint8_t data[RECORD_MAX];
    enum gw_handshake_verdict verdict = GW_HANDSHAKE_MORE;
    int n;
    while (verdict == GW_HANDSHAKE_MORE && (n = BIO_read(p->from_client, data, sizeof(data))) > 0)
        verdict = gw_handshake_input(p->server, data, (size_t)n);
    return verdict;
}

static bool shake(struct pair *p)
{
    enum gw_handshake_verdict verdict = GW_HANDSHAKE_MORE;
    for (int i = 0; i < ROUNDS_MAX && verdict == GW_HANDSHAKE_MORE; i++) {
        (void)SSL_do_handshake(p->client);
        verdict = to_server(p);
        if (verdict == GW_HANDSHAKE_FAILED || !to_client(p))
            return false;
    }
    if (verdict != GW_HANDSHAKE_DONE)
        return false;
    (void)gw_handshake_tickets(p->server); /* the resumption needs the session in it */
    return to_client(p) && SSL_do_handshake(p->client) == 1 &&
           gw_handshake_keys(p->server, &p->keys) == 0;
}

/* Sends one record each way, under the keys from the handshake. */
static bool exchange(struct pair *p)
{
    uint8_t record[RECORD_MAX], content[RECORD_MAX], type = 0;
    int len = ktls_soft_seal(&p->keys.tx, TYPE_DATA, probe, sizeof(probe), 0, record);
    if (len <= 0 || BIO_write(p->to_client, record, len) != len ||
        SSL_read(p->client, content, sizeof(content)) != (int)sizeof(probe) ||
        memcmp(content, probe, sizeof(probe)) != 0 ||
        SSL_write(p->client, probe, sizeof(probe)) != (int)sizeof(probe))
        return false;
    len = BIO_read(p->from_client, record, sizeof(record));
    return len > 0 &&
           ktls_soft_open(&p->keys.rx, record, (size_t)len, &type, content) == sizeof(probe) &&
           type == TYPE_DATA && !memcmp(content, probe, sizeof(probe));
}

static bool connect_once(const struct trial *t, int version, bool resumed)
{
    struct pair p = {0};
    bool ok = begin(&p, t, version) && shake(&p) && exchange(&p) &&
              (SSL_session_reused(p.client) != 0) == resumed && t->session;
    end(&p);
    return ok;
}

static const char *connect_all(struct trial *t)
{
    static const struct {
        int version;
        const char *full, *resumed;
    } rows[] = {
        {TLS1_2_VERSION, "a handshake of TLS 1.2 fails", "a session of TLS 1.2 is not resumed"},
        {TLS1_3_VERSION, "a handshake of TLS 1.3 fails", "a session of TLS 1.3 is not resumed"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        SSL_SESSION_free(t->session);
        t->session = NULL;
        if (!connect_once(t, rows[i].version, false))
            return rows[i].full;
        if (!connect_once(t, rows[i].version, true))
            return rows[i].resumed;
    }
    return NULL;
}

/* ---- all of it ---- */

static const char *try(struct trial *t, OSSL_LIB_CTX *ours)
{
    const char *what = set_up(t);
    if (!what && !gw_crypto_trial(ours, t->theirs, &what))
        return what;
    return what ? what : connect_all(t);
}

void gw_tls_trial(void)
{
    struct trial t = {.cert_fd = -1, .key_fd = -1};
    OSSL_LIB_CTX *ours = gw_tls_library_get();
    const char *what = NULL;
    if (!ours)
        return;
    if (gw_tls_library_is_ours()) {
        gw_log_mute(true); /* a failure here concerns no connection */
        what = try(&t, ours);
        tear_down(&t);
        gw_log_mute(false);
    }
    gw_tls_library_put();
    if (what)
        gw_tls_library_refuse(what);
}
