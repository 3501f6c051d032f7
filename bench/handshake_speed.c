/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handshake costs the gateway's CPU, without sockets: the server's share alone of handshakes
 * in memory, full and resumed, TLS 1.3 and 1.2, compared with plain libssl with its own
 * defaults; and what a key of X25519 costs. Run it by `meson test -C build --benchmark`; the
 * instructions of the gateway's share: valgrind --tool=callgrind '--toggle-collect=gateway_step*'
 * build/bench/handshake_speed WAY ROUNDS where WAY is a number from 0 in the order of the table.
 */
#include "bench/handshakes.h"
#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/x25519_lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    ROUNDS = 80
};

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
        double before = bench_cpu_us();
        work();
        best = GW_MIN(best, bench_cpu_us() - before);
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
    struct gw_tls_side side;
    tlsworld_side(world, &side);
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
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
        w->client = bench_client(w->version);
        w->server = w->tls ? NULL : bench_plain_server(world, w->tickets);
        w->best_us = 1e9;
        if (w->resumed)
            (void)bench_handshakes(w, 1);
    }
    for (unsigned long round = 0; round < rounds; round++)
        for (size_t i = first; i < end; i++)
            ways[i].best_us = GW_MIN(ways[i].best_us, bench_handshakes(&ways[i], BENCH_AT_A_TIME));
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
