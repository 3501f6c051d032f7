/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thousand certificates in a --cert-dir cost: to read and check them from disk, to load them
 * again from a copy (as a worker does), in memory, and for each handshake that one of them answers
 * instead of the first. Run it by `meson test -C build --benchmark`.
 */
#include "gateway/base/attr.h"
#include "gateway/tls/context.h"
#include "tests/unit/tlspair.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum {
    CERTS = 1000,
    HANDSHAKES = 50,
    ROUNDS = 30
};

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Half of them in bundles, half of them in folders; all with one intermediate, as usual. */
static const char *make_folder(const struct tlsworld *w, const struct test_cert *middle)
{
    const char *folder = test_dir_folder(w->dir, "certs");
    for (unsigned i = 0; i < CERTS; i++) {
        char name[64], san[64];
        (void)snprintf(san, sizeof(san), "DNS:site-%u.test,DNS:www.site-%u.test", i, i);
        struct test_cert *c =
            test_cert_new(&(struct test_cert_spec){.cn = "site", .san = san, .issuer = middle});
        (void)snprintf(name, sizeof(name), "certs/%u.pem", i);
        (void)test_dir_bundle(w->dir, name, c, middle);
        test_cert_free(c);
    }
    return folder;
}

static struct gw_tls_context *load(const struct gw_tls_side *side, struct gw_files *files,
                                   const char *what)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    double before = cpu_ms();
    size_t memory = mallinfo2().uordblks;
    if (gw_tls_context_new(&tls, side, NULL, files, &err))
        fail_msg("%s", err.text);
    printf("%-44s %8.1f ms %8zu KiB\n", what, cpu_ms() - before,
           (mallinfo2().uordblks - memory) / 1024);
    return tls;
}

/* Microseconds of one, client and server together. */
static double handshakes(const struct tlsworld *w, struct gw_tls_context *tls, const char *name)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
    double before = cpu_ms();
    for (unsigned i = 0; i < HANDSHAKES; i++) {
        struct tlspair p;
        tlspair_init(&p, tls, ctx, NULL);
        assert_true(tlspair_name(&p, name));
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        tlspair_done(&p);
    }
    SSL_CTX_free(ctx);
    return (cpu_ms() - before) * 1000 / HANDSHAKES;
}

/* The best of many short rounds, in turns: what disturbs one of them disturbs all alike. */
static void compare_handshakes(const struct tlsworld *w, struct gw_tls_context *tls)
{
    static char names[2][32] = {"site-0.test", "site-500.test"};
    double best[2] = {1e9, 1e9};
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2; i++)
            best[i] = GW_MIN(best[i], handshakes(w, tls, names[i]));
    for (int i = 0; i < 2; i++)
        printf("%s %-34s %8.1f us\n", i ? "another," : "first,  ", names[i], best[i]);
}

int main(void)
{
    void *state = NULL;
    (void)tlsworld_setup(&state);
    const struct tlsworld *w = state;
    struct test_cert *middle =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle CA", .ca = true, .issuer = w->ca});
    const char *folder = make_folder(w, middle);
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    gw_tls_context_free(load(&side, NULL, "2 certificates"));
    side.cert_count = 0;
    side.cert_dirs = &folder;
    side.cert_dir_count = 1;
    struct gw_files *files = gw_files_new();
    struct gw_files *copy = NULL;
    gw_tls_context_free(load(&side, files, "1,000 of a folder, from disk"));
    double before = cpu_ms();
    int fd = gw_files_seal(files);
    assert_int_equal(gw_files_open(&copy, fd), 0);
    printf("%-44s %8.1f ms\n", "their copy for a worker", cpu_ms() - before);
    struct gw_tls_context *tls = load(&side, copy, "loaded from that copy");
    printf("\na handshake, client and server together:\n");
    compare_handshakes(w, tls);
    gw_tls_context_free(tls);
    gw_files_free(copy);
    gw_files_free(files);
    test_cert_free(middle);
    return tlsworld_teardown(&state);
}
