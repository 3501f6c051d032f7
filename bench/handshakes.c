/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/handshakes.h"

#include "gateway/base/wipe.h"
#include "gateway/crypto/x25519_stock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum {
    FLIGHTS = 4 /* of a client's, the most that TLS 1.2 needs and one for its tickets */
};

struct side {
    struct gw_handshake *hs;
    SSL *ssl;
    bool done;
};

struct pair {
    SSL *client;
    struct side server;
};

double bench_cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool allow(void *arg, const struct gw_identity *id)
{
    (void)arg, (void)id;
    return true;
}

/* As conn does: input, at the end tickets and keys, output, keys for the next. */
static __attribute__((noinline)) size_t gateway_step(struct side *s, const void *in, size_t len,
                                                     uint8_t *out)
{
    const uint8_t *data;
    if (gw_handshake_input(s->hs, in, len) == GW_HANDSHAKE_DONE && !s->done) {
        struct gw_identity id;
        struct gw_handover_keys keys;
        struct gw_handshake_info info;
        s->done = true;
        gw_handshake_get_info(s->hs, &info);
        assert_true(gw_handshake_identity(s->hs, &id));
        gw_identity_done(&id);
        (void)gw_handshake_tickets(s->hs);
        assert_int_equal(gw_handshake_keys(s->hs, &keys), 0);
        gw_wipe_object(&keys);
    }
    size_t n = gw_handshake_output(s->hs, &data);
    memcpy(out, data, n);
    gw_handshake_output_sent(s->hs, n);
    gw_x25519_stock_refill();
    return n;
}

static size_t libssl_step(struct side *s, const void *in, size_t len, uint8_t *out)
{
    assert_int_equal(BIO_write(SSL_get_rbio(s->ssl), in, (int)len), len);
    s->done = SSL_do_handshake(s->ssl) == 1;
    int n = BIO_read(SSL_get_wbio(s->ssl), out, 65536);
    return n > 0 ? (size_t)n : 0;
}

static SSL *side_new(SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    return ssl;
}

/* Microseconds of the server. */
static double begin(struct way *w, struct side *s)
{
    double before = bench_cpu_us();
    if (w->tls) {
        s->hs = gw_handshake_new(w->tls, allow, NULL);
    } else {
        s->ssl = side_new(w->server);
        SSL_set_accept_state(s->ssl);
    }
    return bench_cpu_us() - before;
}

static double finish(struct side *s)
{
    double before = bench_cpu_us();
    gw_handshake_free(s->hs);
    SSL_free(s->ssl);
    return bench_cpu_us() - before;
}

static void keep_session(struct way *w, SSL *client)
{
    char byte;
    (void)SSL_read(client, &byte, 1); /* tickets */
    if (!w->resumed || w->session)
        return;
    w->session = SSL_get1_session(client);
    assert_true(SSL_SESSION_is_resumable(w->session));
}

/* A flight of the client's and what the server answers. Microseconds of the server. */
static double exchange(struct way *w, struct pair *p)
{
    static uint8_t up[65536], down[65536];
    (void)SSL_do_handshake(p->client);
    int n = BIO_read(SSL_get_wbio(p->client), up, sizeof(up));
    if (n <= 0)
        return 0;
    double before = bench_cpu_us();
    size_t len = w->tls ? gateway_step(&p->server, up, (size_t)n, down)
                        : libssl_step(&p->server, up, (size_t)n, down);
    double us = bench_cpu_us() - before;
    if (len)
        assert_int_equal(BIO_write(SSL_get_rbio(p->client), down, (int)len), len);
    return us;
}

static void end_client(struct pair *p, bool resumed)
{
    assert_true(p->server.done && SSL_is_init_finished(p->client));
    assert_int_equal(SSL_session_reused(p->client), resumed);
    SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

/* Each finds the caches as the others left them. */
double bench_handshakes(struct way *w, unsigned count)
{
    struct pair pairs[BENCH_AT_A_TIME] = {0};
    bool resumed = w->session != NULL;
    double us = 0;
    for (unsigned i = 0; i < count; i++) {
        pairs[i].client = side_new(w->client);
        us += begin(w, &pairs[i].server);
        SSL_set_connect_state(pairs[i].client);
        if (resumed)
            assert_true(SSL_set_session(pairs[i].client, w->session));
    }
    for (unsigned flight = 0; flight < FLIGHTS; flight++)
        for (unsigned i = 0; i < count; i++)
            us += exchange(w, &pairs[i]);
    keep_session(w, pairs[0].client);
    for (unsigned i = 0; i < count; i++)
        end_client(&pairs[i], resumed);
    for (unsigned i = 0; i < count; i++) {
        SSL_free(pairs[i].client);
        us += finish(&pairs[i].server);
    }
    return us / count;
}

SSL_CTX *bench_plain_server(const struct tlsworld *world, unsigned tickets)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(
        SSL_CTX_use_cert_and_key(ctx, world->server_ec->x509, world->server_ec->key, NULL, 1), 1);
    (void)SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"bench", 5);
    (void)SSL_CTX_set_num_tickets(ctx, tickets);
    return ctx;
}

SSL_CTX *bench_client(int version)
{
    static char groups[] = "X25519:P-256"; /* not ML-KEM as later ones */
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    (void)SSL_CTX_set_min_proto_version(ctx, version);
    (void)SSL_CTX_set_max_proto_version(ctx, version);
    (void)SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
    (void)SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256");
    (void)SSL_CTX_set1_groups_list(ctx, groups);
    return ctx;
}
