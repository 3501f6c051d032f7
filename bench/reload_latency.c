/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What live traffic feels of a reload: one gateway with a thousand certificates, one worker; a
 * connection sends 64 bytes back and forth while all certificates are replaced and HUP is sent
 * again and again. Printed are the round trips in quiet times and during reloads, and how long each
 * reload took from HUP to being in force in the worker. Run it by `meson test -C build
 * --benchmark`.
 */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"
#include "tests/unit/certs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CERTS = 1000,
    RELOADS = 5,
    QUIET_MS = 3000,
    PING = 64,
    SAMPLES_MAX = 1 << 20,
};

struct samples {
    unsigned count;
    uint32_t us[SAMPLES_MAX];
};

static struct samples quiet, busy;

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void ping(struct client *c, struct samples *s)
{
    int64_t before = now_us();
    stage_echo(c, PING);
    if (s->count < SAMPLES_MAX)
        s->us[s->count++] = (uint32_t)(now_us() - before);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void tell(const char *what, struct samples *s)
{
    qsort(s->us, s->count, sizeof(s->us[0]), by_size);
    printf("%-16s %7u round trips: median %5u us, 99 %% %6u us, 99.9 %% %6u us, worst %6u us\n",
           what, s->count, s->us[s->count / 2], s->us[s->count - 1 - s->count / 100],
           s->us[s->count - 1 - s->count / 1000], s->us[s->count - 1]);
}

/* Keys are made once; each round signs other certificates. */
static void make_certs(struct test_dir *dir, const struct test_cert *ca, int round)
{
    for (int i = 0; i < CERTS; i++) {
        char name[64], san[64];
        (void)snprintf(san, sizeof(san), "DNS:site-%d.test,DNS:round-%d.test", i, round);
        (void)snprintf(name, sizeof(name), "certs/%d.pem", i);
        struct test_cert *c =
            test_cert_new(&(struct test_cert_spec){.cn = "site", .san = san, .issuer = ca});
        (void)test_dir_bundle(dir, name, c, NULL);
        test_cert_free(c);
    }
}

static void reload(struct client *c)
{
    unsigned before = logbook_count(&gateway->log, "reload: new files are in force");
    assert_return_code(kill(gateway->pid, SIGHUP), errno);
    while (logbook_count(&gateway->log, "reload: new files are in force") == before)
        ping(c, &busy);
    int64_t until = net_now_ms() + 1500; /* including while the old ones are freed */
    while (net_now_ms() < until)
        ping(c, &busy);
}

static void round_trips_across_reloads(void **state)
{
    struct test_dir *dir = test_dir_new();
    struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "bench CA", .ca = true});
    const char *folder = test_dir_folder(dir, "certs");
    char line[LOG_LINE_MAX];
    struct client c;
    size_t cursor = 0;
    (void)state;
    make_certs(dir, ca, 0);
    stage_serve(&(struct gateway_options){.workers = 1, .flags = {"--cert-dir", folder}});
    stage_join(&c, &(struct client_options){.any_server = true});
    for (int64_t until = net_now_ms() + QUIET_MS; net_now_ms() < until;)
        ping(&c, &quiet);
    for (int round = 1; round <= RELOADS; round++) {
        make_certs(dir, ca, round);
        reload(&c);
    }
    tell("quiet", &quiet);
    tell("during reloads", &busy);
    for (int i = 0; i < RELOADS; i++)
        if (logbook_await(&gateway->log, &cursor, "reload: new files are in force", line))
            printf("%s\n", strstr(line, "reload:"));
    stage_leave(&c);
    gateway_stop(gateway);
    test_cert_free(ca);
    test_dir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STAGED(round_trips_across_reloads)};
    return run_world("reload_latency", tests);
}
