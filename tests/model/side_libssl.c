/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/model.h"

#include <openssl/err.h>

static void note_alert(const SSL *ssl, int where, int value)
{
    struct peer *p = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        p->alert = value & 0xff;
}

static void take_certificate(struct model *m, struct peer *p)
{
    const struct test_cert *cert = p->plan == PLAN_NOT_ALLOWED ? m->stranger : m->allowed;
    if (p->service != SERVICE_MUTUAL || p->plan == PLAN_NO_CERT)
        return;
    assert_int_equal(SSL_use_certificate(p->ssl, cert->x509), 1);
    assert_int_equal(SSL_use_PrivateKey(p->ssl, cert->key), 1);
}

static void begin(struct model *m, struct peer *p)
{
    bool server = role_of(p) == GW_ROLE_CLIENT;
    p->ssl = SSL_new(server ? m->server_ctx : m->client_ctx);
    assert_non_null(p->ssl);
    assert_int_equal(SSL_set_app_data(p->ssl, p), 1);
    SSL_set_info_callback(p->ssl, note_alert);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (below(m, 3) == 0)
        SSL_set_max_proto_version(p->ssl, TLS1_2_VERSION);
    if (server) {
        SSL_set_accept_state(p->ssl);
        return;
    }
    SSL_set_connect_state(p->ssl);
    take_certificate(m, p);
    bool trusted = p->plan != PLAN_NOT_ALLOWED && p->plan != PLAN_NO_CERT;
    if (trusted && m->sessions[p->service] && below(m, 2))
        (void)SSL_set_session(p->ssl, m->sessions[p->service]);
}

static void done(struct peer *p)
{
    SSL_free(p->ssl);
}

static enum ktls_version version(const struct peer *p)
{
    return (enum ktls_version)SSL_version(p->ssl);
}

static void take(struct peer *p, const void *data, size_t len)
{
    (void)BIO_write(SSL_get_rbio(p->ssl), data, (int)len);
}

static bool handshake(struct peer *p)
{
    ERR_clear_error(); /* what another connection left would be taken for ours */
    return SSL_is_init_finished(p->ssl) || SSL_do_handshake(p->ssl) == 1;
}

static size_t read(struct peer *p, uint8_t *data, size_t cap)
{
    ERR_clear_error();
    int n = SSL_read(p->ssl, data, (int)cap);
    if (n <= 0 && SSL_get_error(p->ssl, n) == SSL_ERROR_ZERO_RETURN)
        p->close_seen = p->alert == GW_ALERT_CLOSE_NOTIFY; /* else it was a fatal alert */
    return n > 0 ? (size_t)n : 0;
}

static bool write(struct peer *p, const uint8_t *data, size_t len)
{
    return SSL_write(p->ssl, data, (int)len) == (int)len;
}

static void update(struct peer *p, bool request)
{
    (void)SSL_key_update(p->ssl, request ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
}

/* A KeyUpdate that still waits for a write would keep it from sending close_notify for ever. */
static bool close(struct peer *p)
{
    if (SSL_get_key_update_type(p->ssl) != SSL_KEY_UPDATE_NONE)
        (void)SSL_do_handshake(p->ssl);
    return SSL_shutdown(p->ssl) >= 0;
}

static size_t waiting(const struct peer *p)
{
    return BIO_ctrl_pending(SSL_get_wbio(p->ssl));
}

static size_t give(struct peer *p, void *data, size_t cap)
{
    int n = BIO_read(SSL_get_wbio(p->ssl), data, (int)cap);
    return n > 0 ? (size_t)n : 0;
}

const struct side_kind side_libssl = {
    .begin = begin,
    .done = done,
    .version = version,
    .take = take,
    .handshake = handshake,
    .read = read,
    .write = write,
    .update = update,
    .close = close,
    .waiting = waiting,
    .give = give,
};
