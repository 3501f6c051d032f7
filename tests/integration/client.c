/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/client.h"

#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"
#include "tests/integration/pattern.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STILL_MS = 200, /* nothing moved for this long: a test considers it stuck */
};

/* ---- SSL objects ---- */

static int own_index(void)
{
    static int index = -1;
    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

static void note_alert(const SSL *ssl, int where, int value)
{
    struct client *c = SSL_get_ex_data(ssl, own_index());
    if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
        c->alert = value & 0xff;
}

static int note_session(SSL *ssl, SSL_SESSION *session)
{
    struct client *c = SSL_get_ex_data(ssl, own_index());
    SSL_SESSION_free(c->ticket);
    c->ticket = session;
    c->tickets++;
    return 1;
}

static void set_suite(SSL_CTX *ctx, const char *suite)
{
    if (suite && strncmp(suite, "TLS_", 4) == 0)
        assert_int_equal(SSL_CTX_set_ciphersuites(ctx, suite), 1);
    else if (suite)
        assert_int_equal(SSL_CTX_set_cipher_list(ctx, suite), 1);
}

SSL_CTX *client_context(const struct client_options *o)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, o->version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, o->version), 1);
    set_suite(ctx, o->suite);
    if (!o->any_server) {
        assert_int_equal(SSL_CTX_load_verify_file(ctx, world_cert(o->trust)), 1);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }
    if (o->with_cert) {
        const char *cert = world_cert(o->identity);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, cert), 1);
        const char *key = world_key(o->identity);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM), 1);
    }
    if (o->fragment)
        assert_int_equal(SSL_CTX_set_max_send_fragment(ctx, (long)o->fragment), 1);
    if (o->padding)
        assert_int_equal(SSL_CTX_set_block_padding(ctx, o->padding), 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, note_session);
    SSL_CTX_set_info_callback(ctx, note_alert);
    return ctx;
}

static void set_names(SSL *ssl, const struct client_options *o)
{
    const char *sni = o->sni ? o->sni : "localhost";
    unsigned char alpn[64];
    assert_int_equal(SSL_set_tlsext_host_name(ssl, (void *)(uintptr_t)sni), 1);
    if (!o->sni && !o->any_server)
        assert_int_equal(SSL_set1_host(ssl, sni), 1);
    if (!o->alpn)
        return;
    size_t len = strlen(o->alpn);
    alpn[0] = (unsigned char)len;
    memcpy(alpn + 1, o->alpn, len);
    assert_int_equal(SSL_set_alpn_protos(ssl, alpn, (unsigned)len + 1), 0);
}

void client_begin(struct client *c, SSL_CTX *ctx, const struct client_options *o)
{
    *c = (struct client){.options = *o, .alert = -1, .fd = net_connect_begin(o->port)};
    if (c->fd < 0)
        fail_msg("connect: %s", strerror(-c->fd));
    c->wire = (struct wire){.fd = c->fd, .chop = o->chop};
    SSL_CTX_up_ref(ctx);
    c->ctx = ctx;
    c->ssl = SSL_new(ctx);
    assert_non_null(c->ssl);
    BIO *bio = wire_bio(&c->wire);
    SSL_set_bio(c->ssl, bio, bio);
    assert_int_equal(SSL_set_ex_data(c->ssl, own_index(), c), 1);
    set_names(c->ssl, o);
    if (o->session)
        assert_int_equal(SSL_set_session(c->ssl, o->session), 1);
    SSL_set_connect_state(c->ssl);
}

void client_open(struct client *c, const struct client_options *options)
{
    SSL_CTX *ctx = client_context(options);
    client_begin(c, ctx, options);
    SSL_CTX_free(ctx);
    if (!net_await(c->fd, POLLOUT, net_now_ms() + DEADLINE_MS))
        fail_msg("connect: no answer");
}

void client_close(struct client *c)
{
    if (!c->ssl)
        return;
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    SSL_SESSION_free(c->ticket);
    wire_done(&c->wire);
    if (c->fd >= 0)
        (void)close(c->fd);
    c->ssl = NULL;
    c->ctx = NULL;
    c->ticket = NULL;
    c->fd = -1;
}

/* ---- steps that do not wait ---- */

static enum client_end why_failed(struct client *c, int saved_errno)
{
    unsigned long error = ERR_peek_error();
    if (c->alert >= 0)
        return CLIENT_ALERTED;
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return CLIENT_TRUNCATED;
    if (error == 0 && (saved_errno == ECONNRESET || saved_errno == EPIPE))
        return CLIENT_WAS_RESET;
    if (error == 0)
        (void)snprintf(c->error, sizeof(c->error), "%s", strerror(saved_errno));
    else
        ERR_error_string_n(error, c->error, sizeof(c->error));
    return CLIENT_FAILED;
}

/* What the failed call that returned `result` wants: a poll event, or 0 when c->end is set. */
static short wanted(struct client *c, int result)
{
    int saved_errno = errno;
    switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    case SSL_ERROR_ZERO_RETURN:
        c->end = CLIENT_CLOSE_NOTIFY;
        return 0;
    default:
        c->end = why_failed(c, saved_errno);
        return 0;
    }
}

short client_step_handshake(struct client *c)
{
    ERR_clear_error();
    int result = SSL_do_handshake(c->ssl);
    return result == 1 ? 0 : wanted(c, result);
}

short client_step_send(struct client *c, uint64_t until)
{
    uint8_t data[SEND_CHUNK];
    while (c->sent < until) {
        uint64_t left = until - c->sent;
        size_t len = left < sizeof(data) ? (size_t)left : sizeof(data);
        pattern_fill(data, len, c->work.up_seed, c->sent);
        ERR_clear_error();
        int n = SSL_write(c->ssl, data, (int)len);
        if (n <= 0)
            return wanted(c, n);
        c->sent += (uint64_t)n;
    }
    return 0;
}

static void check_received(struct client *c, const uint8_t *data, size_t len)
{
    size_t good = pattern_match(data, len, c->work.down_seed, c->received);
    c->received += good;
    c->wrong |= good < len;
}

short client_step_receive(struct client *c, uint64_t until)
{
    uint8_t data[SEND_CHUNK];
    while (c->received < until && !c->wrong) {
        uint64_t left = until - c->received;
        ERR_clear_error();
        int n = SSL_read(c->ssl, data, left < sizeof(data) ? (int)left : (int)sizeof(data));
        if (n <= 0)
            return wanted(c, n);
        check_received(c, data, (size_t)n);
    }
    return 0;
}

/* ---- one at a time ---- */

/* Waits for what a step needs; false (and an end) when it cannot continue. */
static bool wait_for(struct client *c, short events)
{
    if (events == 0)
        return false;
    if (net_await(c->fd, events, net_now_ms() + DEADLINE_MS))
        return true;
    c->end = CLIENT_STUCK;
    return false;
}

static const char *end_words(const struct client *c)
{
    static const char *const words[] = {
        [CLIENT_OPEN] = "nothing",       [CLIENT_CLOSE_NOTIFY] = "close_notify",
        [CLIENT_TRUNCATED] = "FIN",      [CLIENT_ALERTED] = "fatal alert",
        [CLIENT_WAS_RESET] = "RST",      [CLIENT_STUCK] = "no answer",
        [CLIENT_FAILED] = "local error",
    };
    return words[c->end];
}

void client_describe(const struct client *c, char out[160])
{
    (void)snprintf(out, 160, "%s (alert %d) %.60s; sent %llu, received %llu%s", end_words(c),
                   c->alert, c->error, (unsigned long long)c->sent, (unsigned long long)c->received,
                   c->wrong ? ", then a wrong byte" : "");
}

static void fail_client(const struct client *c, const char *doing)
{
    char text[160];
    client_describe(c, text);
    fail_msg("%s: %s", doing, text);
}

enum client_end client_handshake(struct client *c)
{
    short events;
    /* The last flight is what is written after the server's hello: hold from the beginning would
     * hold the ClientHello as well. */
    do {
        events = client_step_handshake(c);
        c->wire.hold = c->options.hold;
    } while (wait_for(c, events));
    return c->end;
}

void client_connect(struct client *c, const struct client_options *options)
{
    client_open(c, options);
    if (client_handshake(c) != CLIENT_OPEN)
        fail_client(c, "handshake");
}

void client_release(struct client *c)
{
    assert_true(wire_release(&c->wire));
}

void client_send(struct client *c, uint64_t bytes)
{
    uint64_t until = c->sent + bytes;
    while (wait_for(c, client_step_send(c, until)))
        ;
    if (c->sent != until)
        fail_client(c, "send");
}

void client_send_until_stuck(struct client *c)
{
    short events;
    do {
        events = client_step_send(c, UINT64_MAX);
        assert_int_equal(c->end, CLIENT_OPEN);
    } while (net_await(c->fd, events, net_now_ms() + STILL_MS));
}

void client_receive(struct client *c, uint64_t bytes)
{
    uint64_t until = c->received + bytes;
    while (wait_for(c, client_step_receive(c, until)))
        ;
    if (c->received != until || c->wrong)
        fail_client(c, "receive");
}

enum client_end client_read_end(struct client *c)
{
    while (wait_for(c, client_step_receive(c, UINT64_MAX)))
        ;
    return c->end;
}

void client_send_text(struct client *c, const char *text)
{
    assert_int_equal(SSL_write(c->ssl, text, (int)strlen(text)), (int)strlen(text));
}

size_t client_receive_some(struct client *c, void *data, size_t size)
{
    int n;
    do {
        ERR_clear_error();
        n = SSL_read(c->ssl, data, (int)size);
    } while (n <= 0 && wait_for(c, wanted(c, n)));
    return n > 0 ? (size_t)n : 0;
}

void client_close_notify(struct client *c)
{
    int n;
    do {
        ERR_clear_error();
        n = SSL_shutdown(c->ssl);
    } while (n < 0 && wait_for(c, wanted(c, n)));
    if (n < 0)
        fail_client(c, "close_notify");
}

void client_truncate(struct client *c)
{
    assert_return_code(shutdown(c->fd, SHUT_WR), 0);
}

void client_reset(struct client *c)
{
    net_reset(c->fd);
    c->fd = -1;
}

void client_update_keys(struct client *c, bool request)
{
    int kind = request ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
    assert_int_equal(SSL_key_update(c->ssl, kind), 1);
}

bool client_resumed(const struct client *c)
{
    return SSL_session_reused(c->ssl);
}

SSL_SESSION *client_take_session(struct client *c)
{
    SSL_SESSION *session = c->ticket;
    c->ticket = NULL;
    return session;
}

void client_transfer(const struct client_options *options, const struct client_work *work)
{
    char error[160];
    if (clients_run(options, work, 1, 1, NULL, NULL, error) != 1)
        fail_msg("transfer: %s", error);
}
