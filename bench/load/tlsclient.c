/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/tlsclient.h"

#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/recordscan.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct bench_tls_client {
    SSL_CTX *ctx;
    char *server_name;
    unsigned char *session; /* in DER; NULL: none is offered */
    int session_len;
    SSL_SESSION *offered; /* made of it */
    SSL_SESSION *newest;  /* of the connection that fetches one */
};

struct bench_tls_handshake {
    struct bench_tls_client *client;
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    size_t scanned;
    struct gw_recordscan sent;
    bool done;
    char secrets[2][2 * KTLS_HASH_MAX + 1]; /* of the client, of the server, in hex */
    char why[160];
};

static const struct {
    const char *tls13;
    const char *tls12;
} ciphers[] = {
    [BENCH_AES_128_GCM] = {"TLS_AES_128_GCM_SHA256",
                           "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
    [BENCH_AES_256_GCM] = {"TLS_AES_256_GCM_SHA384",
                           "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"},
    [BENCH_CHACHA20_POLY1305] = {"TLS_CHACHA20_POLY1305_SHA256",
                                 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"},
};

/* What libssl says of its last failure, and forgets it. */
static const char *library_error(char *out, size_t size)
{
    unsigned long code = ERR_get_error();
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    (void)snprintf(out, size, "%s", reason ? reason : "libssl gives no reason");
    ERR_clear_error();
    return out;
}

/* The same of a connection, with what is wrong with the server's certificate. */
static const char *handshake_error(const SSL *ssl, char *out, size_t size)
{
    long verdict =
        SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? X509_V_OK : SSL_get_verify_result(ssl);
    (void)library_error(out, size);
    size_t len = strlen(out);
    if (verdict != X509_V_OK)
        (void)snprintf(out + len, size - len, " (%s)", X509_verify_cert_error_string(verdict));
    return out;
}

/* ---- what connections share ---- */

static void on_secret(const SSL *ssl, const char *line)
{
    static const char *const labels[] = {"CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "};
    struct bench_tls_handshake *hs = SSL_get_app_data(ssl);
    const char *hex = strrchr(line, ' ');
    for (size_t i = 0; hs && hex && i < GW_ARRAY_SIZE(labels); i++)
        if (!strncmp(line, labels[i], strlen(labels[i])))
            (void)snprintf(hs->secrets[i], sizeof(hs->secrets[i]), "%s", hex + 1);
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct bench_tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(client->newest);
    client->newest = session;
    return 1; /* the reference is ours */
}

static int refuse(const char *flag, const char *value, struct gw_error *err)
{
    char why[128];
    return gw_error_set(err, GW_EXIT_USAGE, "--%s '%.80s': %s", flag, value,
                        library_error(why, sizeof(why)));
}

static int set_policy(SSL_CTX *ctx, const struct bench_config *config, struct gw_error *err)
{
    int version = config->tls == BENCH_TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    const char *tls13 = ciphers[config->cipher].tls13;
    const char *tls12 = ciphers[config->cipher].tls12;
    if (!SSL_CTX_set_min_proto_version(ctx, version) ||
        !SSL_CTX_set_max_proto_version(ctx, version) || !SSL_CTX_set_ciphersuites(ctx, tls13) ||
        !SSL_CTX_set_cipher_list(ctx, tls12))
        return refuse("cipher", tls13, err);
    /* libssl's macro casts the list's const away. */
    if (config->groups && !SSL_CTX_set1_groups_list(ctx, (void *)(uintptr_t)config->groups))
        return refuse("groups", config->groups, err);
    return 0;
}

static int set_files(SSL_CTX *ctx, const struct bench_config *config, struct gw_error *err)
{
    const char *key = config->key ? config->key : config->cert;
    if (config->cert && !SSL_CTX_use_certificate_chain_file(ctx, config->cert))
        return refuse("cert", config->cert, err);
    if (config->cert && !SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM))
        return refuse("key", key, err);
    if (config->cacert && !SSL_CTX_load_verify_locations(ctx, config->cacert, NULL))
        return refuse("cacert", config->cacert, err);
    SSL_CTX_set_verify(ctx, config->cacert ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    return 0;
}

static int set_up(struct bench_tls_client *client, const struct bench_config *config,
                  struct gw_error *err)
{
    client->ctx = SSL_CTX_new(TLS_client_method());
    if (config->server_name)
        client->server_name = strdup(config->server_name);
    if (!client->ctx || (config->server_name && !client->server_name))
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    SSL_CTX_set_app_data(client->ctx, client);
    SSL_CTX_set_keylog_callback(client->ctx, on_secret);
    SSL_CTX_set_session_cache_mode(client->ctx,
                                   config->resume == BENCH_RESUMED
                                       ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                       : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_new_cb(client->ctx, on_session);
    SSL_CTX_set_options(client->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    int r = set_policy(client->ctx, config, err);
    return r ? r : set_files(client->ctx, config, err);
}

int bench_tls_client_new(struct bench_tls_client **ret, const struct bench_config *config,
                         struct gw_error *err)
{
    struct bench_tls_client *client = calloc(1, sizeof(*client));
    if (!client)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int r = set_up(client, config, err);
    if (r)
        bench_tls_client_free(client);
    else
        *ret = client;
    return r;
}

void bench_tls_client_free(struct bench_tls_client *client)
{
    if (!client)
        return;
    SSL_SESSION_free(client->newest);
    SSL_SESSION_free(client->offered);
    SSL_CTX_free(client->ctx);
    free(client->session);
    free(client->server_name);
    free(client);
}

static bool name_server(const struct bench_tls_client *client, SSL *ssl)
{
    return !client->server_name || (SSL_set_tlsext_host_name(ssl, client->server_name) &&
                                    SSL_set1_host(ssl, client->server_name));
}

/* ---- a session to resume ---- */

/* A connection that fetches it, not blocking. */
struct fetch {
    int fd;
    SSL *ssl;
    int64_t until_ns;
};

static bool await(const struct fetch *f, short events)
{
    struct pollfd p = {.fd = f->fd, .events = events};
    int64_t left_ns = f->until_ns - gw_clock_ns();
    return left_ns > 0 && poll(&p, 1, (int)(left_ns / GW_NS_PER_MS) + 1) > 0;
}

/* Whether to call libssl again after it returned r. */
static bool goes_on(const struct fetch *f, int r)
{
    int want = SSL_get_error(f->ssl, r);
    return (want == SSL_ERROR_WANT_READ && await(f, POLLIN)) ||
           (want == SSL_ERROR_WANT_WRITE && await(f, POLLOUT));
}

static int connect_within(const struct fetch *f, const struct gw_address *to)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (!connect(f->fd, (const struct sockaddr *)&to->addr, to->len))
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    if (!await(f, POLLOUT))
        return -ETIMEDOUT;
    return getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len) ? -errno : -error;
}

/* Reads until there is a session: in TLS 1.3 tickets follow the handshake, at the latest with the
 * server's reaction to our close. */
static void wait_for_session(struct bench_tls_client *client, const struct fetch *f)
{
    char bytes[4096];
    int r;
    (void)SSL_shutdown(f->ssl);
    do
        r = SSL_read(f->ssl, bytes, sizeof(bytes));
    while (!client->newest && gw_clock_ns() < f->until_ns && (r > 0 || goes_on(f, r)));
}

static int keep_session(struct bench_tls_client *client, struct gw_error *err)
{
    if (!client->newest || !SSL_SESSION_is_resumable(client->newest))
        return gw_error_set(err, GW_EXIT_OTHER,
                            "the server sent no session to resume: are its tickets on?");
    client->session_len = i2d_SSL_SESSION(client->newest, &client->session);
    /* Else libssl would mark a session of TLS 1.3 as used up after each handshake. */
    (void)SSL_CTX_set_session_cache_mode(client->ctx, SSL_SESS_CACHE_OFF);
    return client->session_len > 0 ? 0 : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
}

static int first_handshake(const struct fetch *f, struct gw_error *err)
{
    char why[160];
    int r;
    do
        r = SSL_connect(f->ssl);
    while (r != 1 && goes_on(f, r));
    if (r == 1)
        return 0;
    if (gw_clock_ns() >= f->until_ns)
        return gw_error_set(err, GW_EXIT_OTHER,
                            "the server did not finish the first handshake in time (--timeout)");
    return gw_error_set(err, GW_EXIT_OTHER, "the first handshake failed: %s",
                        handshake_error(f->ssl, why, sizeof(why)));
}

static int fetch_over(struct bench_tls_client *client, struct fetch *f, struct gw_error *err)
{
    int r;
    f->ssl = SSL_new(client->ctx);
    if (!f->ssl || !SSL_set_fd(f->ssl, f->fd) || !name_server(client, f->ssl)) {
        r = gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    } else {
        r = first_handshake(f, err);
        if (!r) {
            wait_for_session(client, f);
            r = keep_session(client, err);
        }
    }
    SSL_free(f->ssl);
    ERR_clear_error();
    return r;
}

int bench_tls_client_get_session(struct bench_tls_client *client, const struct bench_config *config,
                                 struct gw_error *err)
{
    const struct gw_address *to = &config->target;
    gw_auto_fd fd = socket(to->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct fetch f = {.fd = fd, .until_ns = gw_clock_ns() + config->timeout_ns};
    int r = fd < 0 ? -errno : connect_within(&f, to);
    if (r)
        return gw_error_set(err, GW_EXIT_OTHER, "--target %s: %s", to->text, strerror(-r));
    return fetch_over(client, &f, err);
}

/* libssl marks a session as used up after an error; then the next comes from what was kept. Just
 * before it is sent, as until then another handshake may have had one. */
static bool offer_session(struct bench_tls_client *client, SSL *ssl)
{
    if (!client->session)
        return true;
    if (!client->offered || !SSL_SESSION_is_resumable(client->offered)) {
        const unsigned char *at = client->session;
        SSL_SESSION_free(client->offered);
        client->offered = d2i_SSL_SESSION(NULL, &at, client->session_len);
    }
    return client->offered && SSL_set_session(ssl, client->offered);
}

/* ---- a handshake ---- */

struct bench_tls_handshake *bench_tls_handshake_new(struct bench_tls_client *client)
{
    struct bench_tls_handshake *hs = calloc(1, sizeof(*hs));
    if (!hs)
        return NULL;
    hs->ssl = SSL_new(client->ctx);
    hs->in = BIO_new(BIO_s_mem());
    hs->out = BIO_new(BIO_s_mem());
    if (!hs->ssl || !hs->in || !hs->out || !name_server(client, hs->ssl)) {
        BIO_free(hs->in);
        BIO_free(hs->out);
        SSL_free(hs->ssl);
        free(hs);
        return NULL;
    }
    SSL_set_bio(hs->ssl, hs->in, hs->out);
    hs->client = client;
    SSL_set_app_data(hs->ssl, hs);
    SSL_set_connect_state(hs->ssl);
    return hs;
}

void bench_tls_handshake_free(struct bench_tls_handshake *hs)
{
    if (!hs)
        return;
    if (hs->done) /* else the session would not be resumed again */
        SSL_set_shutdown(hs->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(hs->ssl);
    gw_wipe_object(hs);
    free(hs);
}

static void scan_output(struct bench_tls_handshake *hs)
{
    char *data;
    size_t len = (size_t)BIO_get_mem_data(hs->out, &data);
    gw_recordscan_add(&hs->sent, (const uint8_t *)data + hs->scanned, len - hs->scanned);
    hs->scanned = len;
}

bool bench_tls_handshake_input(struct bench_tls_handshake *hs, const void *data, size_t len)
{
    if (len > 0 ? BIO_write(hs->in, data, (int)len) != (int)len
                : !offer_session(hs->client, hs->ssl)) {
        (void)snprintf(hs->why, sizeof(hs->why), "out of memory");
        return false;
    }
    int r = SSL_do_handshake(hs->ssl);
    scan_output(hs);
    hs->done = r == 1;
    if (hs->done || SSL_get_error(hs->ssl, r) == SSL_ERROR_WANT_READ)
        return true;
    (void)handshake_error(hs->ssl, hs->why, sizeof(hs->why));
    return false;
}

bool bench_tls_handshake_done(const struct bench_tls_handshake *hs)
{
    return hs->done;
}

size_t bench_tls_handshake_output(struct bench_tls_handshake *hs, const uint8_t **ret)
{
    char *data;
    size_t len = (size_t)BIO_get_mem_data(hs->out, &data);
    *ret = (const uint8_t *)data;
    return len;
}

void bench_tls_handshake_sent(struct bench_tls_handshake *hs, size_t len)
{
    char sink[4096];
    hs->scanned -= len;
    while (len > 0) {
        int n = BIO_read(hs->out, sink, (int)GW_MIN(len, sizeof(sink)));
        gw_require(n > 0);
        len -= (size_t)n;
    }
}

const char *bench_tls_handshake_why(const struct bench_tls_handshake *hs)
{
    return hs->why;
}

/* ---- what comes of it ---- */

bool bench_tls_handshake_resumed(const struct bench_tls_handshake *hs)
{
    return SSL_session_reused(hs->ssl);
}

const char *bench_tls_handshake_group(const struct bench_tls_handshake *hs)
{
    int group = SSL_get_negotiated_group(hs->ssl);
    const char *name = group ? SSL_group_to_name(hs->ssl, group) : NULL;
    return name ? name : "";
}

static int derive_tls13(const struct bench_tls_handshake *hs, const struct ktls_suite *suite,
                        struct gw_handover_keys *keys)
{
    struct ktls_keys *of[] = {&keys->tx, &keys->rx};
    int r = 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(of) && r == 0; i++) {
        uint8_t secret[KTLS_HASH_MAX];
        size_t len = 0;
        if (!OPENSSL_hexstr2buf_ex(secret, sizeof(secret), &len, hs->secrets[i], '\0'))
            return -EINVAL;
        r = ktls_derive_tls13(suite, secret, len, of[i]);
        gw_wipe(secret, sizeof(secret));
    }
    return r;
}

static int derive_tls12(const struct bench_tls_handshake *hs, const struct ktls_suite *suite,
                        struct gw_handover_keys *keys)
{
    uint8_t master[KTLS_MASTER_LEN] = {0};
    uint8_t client[KTLS_RANDOM_LEN];
    uint8_t server[KTLS_RANDOM_LEN];
    (void)SSL_SESSION_get_master_key(SSL_get_session(hs->ssl), master, sizeof(master));
    (void)SSL_get_client_random(hs->ssl, client, sizeof(client));
    (void)SSL_get_server_random(hs->ssl, server, sizeof(server));
    int r = ktls_derive_tls12(suite, master, client, server, &keys->tx, &keys->rx);
    gw_wipe(master, sizeof(master));
    if (suite->explicit_nonce_len)
        keys->tx.explicit_nonce = hs->sent.explicit_nonce + 1;
    return r;
}

int bench_tls_handshake_keys(struct bench_tls_handshake *hs, struct gw_handover_keys *ret)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(hs->ssl);
    const struct ktls_suite *suite =
        cipher ? ktls_suite_find(SSL_CIPHER_get_protocol_id(cipher)) : NULL;
    *ret = (struct gw_handover_keys){.role = GW_ROLE_CLIENT};
    if (!suite)
        return -EINVAL;
    return suite->version == KTLS_TLS_1_3 ? derive_tls13(hs, suite, ret)
                                          : derive_tls12(hs, suite, ret);
}

size_t bench_tls_handshake_unread(struct bench_tls_handshake *hs, void *data, size_t cap)
{
    int n = BIO_read(hs->in, data, (int)cap);
    return n > 0 ? (size_t)n : 0;
}
