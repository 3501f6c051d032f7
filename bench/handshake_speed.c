/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handshake costs the gateway's CPU, without sockets: the server's share alone of handshakes
 * in memory, full and resumed, TLS 1.3 and 1.2, beside plain libssl doing the same with its own
 * defaults; and what a key of X25519 costs. Run it by `meson test -C build --benchmark`; the
 * instructions of the gateway's share: valgrind --tool=callgrind '--toggle-collect=gateway_step*'
 * build/bench/handshake_speed WAY ROUNDS where WAY is a number from 0 in the order of the table.
 */
#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/x25519_stock.h"
#include "gateway/tls/context.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum {
    AT_A_TIME = 16,
    FLIGHTS = 4, /* of a client's, the most that TLS 1.2 needs and one for its tickets */
    ROUNDS = 80
};

/* One way of serving: how a step of it is made, and what it costs. */
struct way {
    const char *name;
    int version;
    bool resumed;
    unsigned tickets;           /* plain libssl: that it sends */
    struct gw_tls_context *tls; /* NULL: plain libssl … */
    SSL_CTX *server;            /* … by this */
    SSL_CTX *client;
    SSL_SESSION *session;
    double best_us;
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

static double cpu_us(void)
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
    double before = cpu_us();
    if (w->tls) {
        s->hs = gw_handshake_new(w->tls, allow, NULL);
    } else {
        s->ssl = side_new(w->server);
        SSL_set_accept_state(s->ssl);
    }
    return cpu_us() - before;
}

static double finish(struct side *s)
{
    double before = cpu_us();
    gw_handshake_free(s->hs);
    SSL_free(s->ssl);
    return cpu_us() - before;
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
    double before = cpu_us();
    size_t len = w->tls ? gateway_step(&p->server, up, (size_t)n, down)
                        : libssl_step(&p->server, up, (size_t)n, down);
    double us = cpu_us() - before;
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

/* So many at a time, as a server has them: each finds the caches as the others left them. */
static double handshakes(struct way *w, unsigned count)
{
    struct pair pairs[AT_A_TIME] = {0};
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

static SSL_CTX *plain_server(const struct tlsworld *world, unsigned tickets)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(
        SSL_CTX_use_cert_and_key(ctx, world->server_ec->x509, world->server_ec->key, NULL, 1), 1);
    (void)SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"bench", 5);
    (void)SSL_CTX_set_num_tickets(ctx, tickets);
    return ctx;
}

static SSL_CTX *client_of(int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    (void)SSL_CTX_set_min_proto_version(ctx, version);
    (void)SSL_CTX_set_max_proto_version(ctx, version);
    (void)SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
    (void)SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256");
    return ctx;
}

/* ---- X25519 ---- */

static uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN];
static uint8_t public[GW_X25519_LANES][GW_X25519_KEY_LEN];

static void lanes_keys(void)
{
    private[0][1]++;
    gw_x25519_lanes_keys(public, private);
}

static void libcrypto_keys(void)
{
    for (unsigned i = 0; i < GW_X25519_LANES; i++)
        EVP_PKEY_free(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
}

static void lanes_secret(void)
{
    uint8_t secret[GW_X25519_KEY_LEN];
    private[0][1]++;
    (void)gw_x25519_lanes_secret(secret, private[0], public[0]);
}

static EVP_PKEY_CTX *derivation; /* its key is its peer's, too */

static void libcrypto_secret(void)
{
    uint8_t secret[GW_X25519_KEY_LEN];
    size_t len = sizeof(secret);
    (void)EVP_PKEY_derive(derivation, secret, &len);
}

/* Microseconds. */
static double best_of(void (*work)(void))
{
    double best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double before = cpu_us();
        work();
        best = GW_MIN(best, cpu_us() - before);
    }
    return best;
}

static void print_x25519(void)
{
    const struct {
        const char *what;
        void (*work)(void);
        unsigned count;
    } rows[] = {
        {"libcrypto, key of X25519", libcrypto_keys, GW_X25519_LANES},
        {"libcrypto, secret of X25519", libcrypto_secret, 1},
        {"gateway, key of X25519, eight at once", lanes_keys, GW_X25519_LANES},
        {"gateway, secret of X25519", lanes_secret, 1},
    };
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    derivation = EVP_PKEY_CTX_new(key, NULL);
    (void)EVP_PKEY_derive_init(derivation);
    (void)EVP_PKEY_derive_set_peer(derivation, key);
    size_t count = gw_x25519_ladder_works() ? 4 : gw_x25519_lanes_work() ? 3 : 2;
    for (size_t i = 0; i < count; i++)
        printf("%-40s %8.1f us\n", rows[i].what, best_of(rows[i].work) / rows[i].count);
    EVP_PKEY_CTX_free(derivation);
    EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
    size_t first = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : ROUNDS;
    void *state = NULL;
    (void)tlsworld_setup(&state);
    const struct tlsworld *world = state;
    struct gw_service service;
    tlsworld_service(world, &service);
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&service, keys);
    struct way ways[] = {
        {.name = "gateway, TLS 1.3, full", .version = TLS1_3_VERSION, .tls = tls},
        {.name = "libssl,  TLS 1.3, full, no ticket", .version = TLS1_3_VERSION},
        {.name = "libssl,  TLS 1.3, full, 2 tickets", .version = TLS1_3_VERSION, .tickets = 2},
        {.name = "gateway, TLS 1.3, resumed",
         .version = TLS1_3_VERSION,
         .tls = tls,
         .resumed = true},
        {.name = "libssl,  TLS 1.3, resumed",
         .version = TLS1_3_VERSION,
         .tickets = 2,
         .resumed = true},
        {.name = "gateway, TLS 1.2, full", .version = TLS1_2_VERSION, .tls = tls},
        {.name = "libssl,  TLS 1.2, full", .version = TLS1_2_VERSION, .tickets = 2},
    };
    size_t end = argc > 1 ? GW_MIN(first + 1, GW_ARRAY_SIZE(ways)) : GW_ARRAY_SIZE(ways);
    for (size_t i = first; i < end; i++) {
        struct way *w = &ways[i];
        w->client = client_of(w->version);
        w->server = w->tls ? NULL : plain_server(world, w->tickets);
        w->best_us = 1e9;
        if (w->resumed)
            (void)handshakes(w, 1);
    }
    for (unsigned long round = 0; round < rounds; round++)
        for (size_t i = first; i < end; i++)
            ways[i].best_us = GW_MIN(ways[i].best_us, handshakes(&ways[i], AT_A_TIME));
    for (size_t i = first; i < end; i++)
        printf("%-40s %8.1f us\n", ways[i].name, ways[i].best_us);
    if (argc == 1)
        print_x25519();
    for (size_t i = 0; i < GW_ARRAY_SIZE(ways); i++) {
        SSL_SESSION_free(ways[i].session);
        SSL_CTX_free(ways[i].client);
        SSL_CTX_free(ways[i].server);
    }
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
    return tlsworld_teardown(&state);
}
