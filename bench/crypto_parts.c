/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each part of gateway/crypto gains: the server's share of handshakes in memory with all
 * parts, with each left out, and with --crypto library. Every variant is a process of its own; they
 * take turns, so that what else the machine does meets all alike, and a figure is the ratio of two
 * that were measured in the same turn. Run it by build/bench/crypto_parts [TURNS]; at most some
 * minutes.
 */
#include "bench/handshakes.h"
#include "gateway/base/attr.h"
#include "gateway/base/wipe.h"
#include "gateway/crypto/x25519_lanes.h"
#include "gateway/tls/library.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    TURNS = 301,
    TURNS_MAX = 1001,
    ROWS_MAX = 256
};

/* ---- variants ---- */

enum part {
    NOTHING, /* is left out */
    SCHEDULE,
    PRF,
    MAC,
    KEM,
    KEYS,
    SECRETS,
    LANES,
    ALL,
    VARIANTS
};

static const char *const names[VARIANTS] = {
    [NOTHING] = "all parts of our own",
    [SCHEDULE] = "without key schedule and tickets of TLS 1.3",
    [PRF] = "without PRF of TLS 1.2",
    [MAC] = "without HMAC",
    [KEM] = "without X25519 as a key encapsulation",
    [KEYS] = "without X25519 keys, eight at once",
    [SECRETS] = "without X25519 secrets in lanes",
    [LANES] = "without either of the two",
    [ALL] = "--crypto library",
};

static enum part left_out;

/* ---- how a part is left out: by the linker, in front of what the gateway calls ---- */

#define WRAP(type, name, ...)                                                                      \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

WRAP(bool, gw_x25519_lanes_work, void)
{
    return left_out != KEYS && left_out != LANES && __real_gw_x25519_lanes_work();
}

WRAP(bool, gw_x25519_ladder_works, void)
{
    return left_out != SECRETS && left_out != LANES && __real_gw_x25519_ladder_works();
}

WRAP(int, gw_x25519_capability, const OSSL_PARAM params[], OSSL_CALLBACK *callback, void *arg)
{
    return left_out == KEM ? callback(params, arg)
                           : __real_gw_x25519_capability(params, callback, arg);
}

/* Then the secrets come from the key log, and libssl makes the tickets. */
WRAP(bool, gw_tls_library_is_ours, void)
{
    return left_out != SCHEDULE && __real_gw_tls_library_is_ours();
}

static const OSSL_PROVIDER *whole; /* the default provider, that ours asks */

WRAP(const OSSL_ALGORITHM *, OSSL_PROVIDER_query_operation, const OSSL_PROVIDER *provider,
     int operation, int *no_cache)
{
    whole = provider;
    return __real_OSSL_PROVIDER_query_operation(provider, operation, no_cache);
}

static bool is_left_out(const char *algorithm)
{
    static const char *const algorithms[VARIANTS] = {
        [SCHEDULE] = "TLS13-KDF",
        [PRF] = "TLS1-PRF",
        [MAC] = "HMAC",
    };
    const char *name = algorithms[left_out];
    return name && !strncmp(algorithm, name, strlen(name)) &&
           strchr(":", algorithm[strlen(name)]) != NULL;
}

/* Ours, with the default provider's functions in the rows that are left out. */
static OSSL_FUNC_provider_query_operation_fn *query_ours;

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
    static OSSL_ALGORITHM rows[OSSL_OP__HIGHEST + 1][ROWS_MAX + 1];
    const OSSL_ALGORITHM *ours = query_ours(ctx, operation, no_cache);
    const OSSL_ALGORITHM *theirs = __real_OSSL_PROVIDER_query_operation(whole, operation, no_cache);
    size_t count = 0;
    for (; ours && ours->algorithm_names && count < ROWS_MAX; ours++) {
        OSSL_ALGORITHM *row = &rows[operation][count++];
        *row = *ours;
        for (const OSSL_ALGORITHM *a = theirs;
             is_left_out(row->algorithm_names) && a->algorithm_names; a++)
            if (!strcmp(a->algorithm_names, row->algorithm_names))
                row->implementation = a->implementation;
    }
    rows[operation][count] = (OSSL_ALGORITHM){NULL};
    return count ? rows[operation] : NULL;
}

static OSSL_provider_init_fn *init_ours;

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                void **ctx)
{
    static OSSL_DISPATCH functions[8];
    const OSSL_DISPATCH *f;
    size_t count = 0;
    int ok = init_ours(handle, in, &f, ctx);
    for (; ok && f->function_id && count < GW_ARRAY_SIZE(functions) - 1; f++) {
        functions[count] = *f;
        if (f->function_id == OSSL_FUNC_PROVIDER_QUERY_OPERATION) {
            query_ours = OSSL_FUNC_provider_query_operation(f);
            functions[count].function = (void (*)(void))query;
        }
        count++;
    }
    *out = functions;
    return ok;
}

WRAP(int, OSSL_PROVIDER_add_builtin, OSSL_LIB_CTX *library, const char *name,
     OSSL_provider_init_fn *by)
{
    init_ours = by;
    return __real_OSSL_PROVIDER_add_builtin(library, name, init);
}

/* ---- one variant: it measures a way when it is asked to ---- */

enum {
    WAYS = 3
};

static const char *const way_names[WAYS] = {"TLS 1.3, full", "TLS 1.3, resumed", "TLS 1.2, full"};

static void set_ways(struct way ways[WAYS], struct gw_tls_context *tls)
{
    for (size_t i = 0; i < WAYS; i++) {
        ways[i] = (struct way){
            .version = i == 2 ? TLS1_2_VERSION : TLS1_3_VERSION,
            .resumed = i == 1,
            .tls = tls,
        };
        ways[i].client = bench_client(ways[i].version);
        (void)bench_handshakes(&ways[i], 1);
        (void)bench_handshakes(&ways[i], BENCH_AT_A_TIME);
    }
}

static void free_ways(struct way ways[WAYS])
{
    for (size_t i = 0; i < WAYS; i++) {
        SSL_SESSION_free(ways[i].session);
        SSL_CTX_free(ways[i].client);
    }
}

static void serve(const struct tlsworld *world, enum part without, int fd)
{
    struct way ways[WAYS];
    struct gw_tls_side side;
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    uint8_t at;
    left_out = without;
    gw_tls_library_use(without == ALL ? GW_CRYPTO_LIBRARY : GW_CRYPTO_AUTO);
    tlsworld_side(world, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
    set_ways(ways, tls);
    while (read(fd, &at, 1) == 1) {
        double us = bench_handshakes(&ways[at % WAYS], BENCH_AT_A_TIME);
        if (write(fd, &us, sizeof(us)) != sizeof(us))
            break;
    }
    free_ways(ways);
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

/* ---- all of them ---- */

struct variant {
    pid_t pid;
    int fd;
    double us[WAYS][TURNS_MAX];
};

static struct variant variants[VARIANTS];

static bool begin(struct variant *v, const struct tlsworld *world)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return false;
    v->pid = fork();
    if (v->pid == 0) {
        for (const struct variant *before = variants; before < v; before++)
            (void)close(before->fd);
        (void)close(ends[0]);
        serve(world, (enum part)(v - variants), ends[1]);
        _exit(0);
    }
    (void)close(ends[1]);
    v->fd = ends[0];
    return v->pid > 0;
}

static bool ask(struct variant *v, unsigned way, unsigned turn)
{
    uint8_t at = (uint8_t)way;
    return write(v->fd, &at, 1) == 1 &&
           read(v->fd, &v->us[way][turn], sizeof(double)) == sizeof(double);
}

static bool measure_all(unsigned turns)
{
    for (unsigned turn = 0; turn < turns; turn++)
        for (unsigned way = 0; way < WAYS; way++)
            for (unsigned i = 0; i < VARIANTS; i++) /* beginning with another one each time */
                if (!ask(&variants[(i + turn) % VARIANTS], way, turn))
                    return false;
    return true;
}

static int in_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the quick turns, which less else was in the way of. */
static double lower_quartile(const struct variant *v, unsigned way, unsigned turns)
{
    double us[TURNS_MAX];
    memcpy(us, v->us[way], turns * sizeof(*us));
    qsort(us, turns, sizeof(*us), in_order);
    return us[turns / 4];
}

static void print_ratio(const struct variant *v, unsigned way, unsigned turns)
{
    const struct variant *all = &variants[NOTHING];
    double ratios[TURNS_MAX];
    for (unsigned turn = 0; turn < turns; turn++)
        ratios[turn] = v->us[way][turn] / all->us[way][turn];
    qsort(ratios, turns, sizeof(*ratios), in_order);
    printf("  %5.3f  %5.3f (%5.3f to %5.3f)",
           lower_quartile(v, way, turns) / lower_quartile(all, way, turns), ratios[turns / 2],
           ratios[turns / 4], ratios[3 * turns / 4]);
}

static void print_all(unsigned turns)
{
    printf("%s; %u turns; CPU time of the server relative to that with all parts: in the fastest\n"
           "quarter of the turns, and the median (quartiles) of the ratios in each turn\n",
           OpenSSL_version(OPENSSL_VERSION), turns);
    printf("%-44s", "");
    for (unsigned way = 0; way < WAYS; way++)
        printf("  %-29s", way_names[way]);
    for (unsigned i = 0; i < VARIANTS; i++) {
        printf("\n%-44s", names[i]);
        for (unsigned way = 0; way < WAYS; way++)
            print_ratio(&variants[i], way, turns);
    }
    printf("\n%-44s", "all parts, lower quartile, us");
    for (unsigned way = 0; way < WAYS; way++)
        printf("  %-29.1f", lower_quartile(&variants[NOTHING], way, turns));
    printf("\n");
}

int main(int argc, char **argv)
{
    unsigned long asked = argc > 1 ? strtoul(argv[1], NULL, 10) : TURNS;
    unsigned turns = (unsigned)GW_MIN(GW_MAX(asked, 1UL), (unsigned long)TURNS_MAX);
    void *state = NULL;
    bool ok = true;
    (void)tlsworld_setup(&state);
    for (unsigned i = 0; i < VARIANTS; i++)
        ok = ok && begin(&variants[i], state);
    ok = ok && measure_all(turns);
    for (unsigned i = 0; i < VARIANTS && variants[i].pid > 0; i++) {
        (void)close(variants[i].fd);
        (void)waitpid(variants[i].pid, NULL, 0);
    }
    if (ok)
        print_all(turns);
    else
        fprintf(stderr, "crypto_parts: one of its processes ended\n");
    (void)tlsworld_teardown(&state);
    return ok ? 0 : 1;
}
