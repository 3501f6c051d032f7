/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/cases.h"

#include "bench/compare/namelist.h"
#include "bench/tool/options.h"
#include "gateway/base/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define GIB ((double)(UINT64_C(1) << 30))

enum {
    SMOKE_IDLE_CONNECTIONS = 500, /* fewer do not stand out of what a process has anyway */
    SMOKE_CONNECTIONS = 50
};

static const struct bench_case cases[] = {
    {.name = "bulk-down",
     .title = "download",
     .command = BENCH_BULK,
     .measure = BENCH_CPU_PER_GIB,
     .unit = "s/GiB",
     .rate_unit = "GiB/s",
     .direction = BENCH_DOWN,
     .connections = 4,
     .fixed = {.connections = 2, .units = 4, .size = 16 << 20},
     .plain = true,
     .quick = true},
    {.name = "bulk-up",
     .title = "upload",
     .command = BENCH_BULK,
     .measure = BENCH_CPU_PER_GIB,
     .unit = "s/GiB",
     .rate_unit = "GiB/s",
     .direction = BENCH_UP,
     .connections = 4,
     .fixed = {.connections = 2, .units = 4, .size = 16 << 20},
     .plain = true,
     .quick = true},
    {.name = "handshake-full",
     .title = "full handshakes with connect to the backend",
     .command = BENCH_HANDSHAKE,
     .measure = BENCH_CPU_PER_UNIT,
     .unit = "us/handshake",
     .rate_unit = "handshakes/s",
     .resume = BENCH_FULL,
     .connections = 16,
     .fixed = {.connections = 2, .units = 100},
     .quick = true},
    {.name = "handshake-resumed",
     .title = "resumed handshakes with connect to the backend",
     .command = BENCH_HANDSHAKE,
     .measure = BENCH_CPU_PER_UNIT,
     .unit = "us/handshake",
     .rate_unit = "handshakes/s",
     .resume = BENCH_RESUMED,
     .connections = 16,
     .fixed = {.connections = 2, .units = 200},
     .quick = true},
    {.name = "echo-128",
     .title = "128 bytes and their echo",
     .command = BENCH_LATENCY,
     .measure = BENCH_CPU_PER_UNIT,
     .unit = "us/request",
     .rate_unit = "requests/s",
     .connections = 16,
     .fixed = {.connections = 2, .units = 2000},
     .plain = true,
     .quick = true},
    {.name = "idle",
     .title = "connections that do nothing",
     .command = BENCH_IDLE,
     .measure = BENCH_MEMORY_PER_CONN,
     .unit = "ms/s",
     .rate_unit = "opened/s",
     .connections = 2000},
    {.name = "churn",
     .title = "connect, full handshake, 128 bytes and their echo, close",
     .command = BENCH_CHURN,
     .measure = BENCH_CPU_PER_UNIT,
     .unit = "us/connection",
     .rate_unit = "connections/s",
     .connections = 16},
};

_Static_assert(GW_ARRAY_SIZE(cases) <= BENCH_CASES_MAX, "they have to fit");

const struct bench_case *bench_case_at(unsigned i)
{
    return i < GW_ARRAY_SIZE(cases) ? &cases[i] : NULL;
}

/* With --fixed there are only those that have an amount of work. */
static bool is_offered(const struct bench_case *one, const struct bench_comparison *compare)
{
    return !compare->fixed || one->fixed.units;
}

static bool is_case(const char *name, const struct bench_comparison *compare)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(cases); i++)
        if (!strcmp(cases[i].name, name))
            return is_offered(&cases[i], compare);
    return false;
}

int bench_cases_check(const struct bench_comparison *compare, struct gw_error *err)
{
    char name[64], all[256] = "";
    const char *list = compare->cases;
    for (size_t i = 0; i < GW_ARRAY_SIZE(cases); i++)
        if (is_offered(&cases[i], compare))
            (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", all[0] ? ", " : "",
                           cases[i].name);
    while (bench_namelist_next(&list, name, sizeof(name)))
        if (!is_case(name, compare))
            return gw_error_set(err, GW_EXIT_USAGE,
                                "--cases '%.60s': there is no such case%s; choose from %s", name,
                                compare->fixed ? " with --fixed" : "", all);
    return 0;
}

bool bench_case_wanted(const struct bench_case *one, const struct bench_comparison *compare)
{
    if (!is_offered(one, compare))
        return false;
    if (compare->cases)
        return bench_namelist_has(compare->cases, one->name);
    return !compare->quick || one->quick;
}

static struct gw_address loopback(unsigned port)
{
    struct gw_address at = {.len = sizeof(struct sockaddr_in)};
    *(struct sockaddr_in *)&at.addr = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    (void)snprintf(at.text, sizeof(at.text), "127.0.0.1:%u", port);
    return at;
}

/* A second lets caches and congestion windows fill; short runs cannot spend that. */
static int64_t warmup_ns(int64_t time_ns)
{
    return GW_MIN(time_ns / 3, GW_NS_PER_SEC);
}

static void fix(const struct bench_fixed *fixed, struct bench_config *load)
{
    load->threads = 1;
    load->connections = fixed->connections;
    load->units = fixed->units;
    load->size = fixed->size ? fixed->size : load->size;
}

void bench_case_load(const struct bench_case *one, const struct bench_config *all, unsigned port,
                     bool plain, struct bench_config *ret)
{
    const struct bench_comparison *compare = &all->compare;
    bench_options_defaults(one->command, ret);
    ret->target = loopback(port);
    ret->plain = plain;
    ret->tls = all->tls;
    ret->cipher = all->cipher;
    ret->direction = one->direction;
    ret->resume = one->resume;
    ret->cpus = compare->load_cpus;
    ret->threads = GW_MIN(GW_MAX(compare->load_cpus.count, 1U), one->connections);
    /* As many of them for each thread, or one thread more would change little. */
    ret->connections =
        one->command == BENCH_IDLE ? one->connections : one->connections * ret->threads;
    if (compare->smoke)
        ret->connections =
            GW_MIN(ret->connections, one->command == BENCH_IDLE ? (uint64_t)SMOKE_IDLE_CONNECTIONS
                                                                : (uint64_t)SMOKE_CONNECTIONS);
    if (compare->fixed)
        fix(&one->fixed, ret);
    ret->time_ns = all->time_ns;
    ret->warmup_ns = one->command == BENCH_IDLE ? 0 : warmup_ns(all->time_ns);
}

double bench_case_cpu(const struct bench_case *one, const struct bench_config *load,
                      const struct bench_result *r)
{
    double cpu = bench_result_server_seconds(r);
    double amount = GW_MAX(bench_result_amount(load, r), 1.0);
    switch (one->measure) {
    case BENCH_CPU_PER_GIB:
        return cpu / amount * GIB;
    case BENCH_CPU_PER_UNIT:
        return cpu / amount * 1e6;
    case BENCH_MEMORY_PER_CONN:
        break;
    }
    return cpu / r->seconds * 1e3;
}

double bench_case_rate(const struct bench_case *one, const struct bench_config *load,
                       const struct bench_result *r)
{
    double amount = bench_result_amount(load, r);
    if (one->measure == BENCH_MEMORY_PER_CONN)
        return amount / GW_MAX(r->ramp_seconds, 1e-3);
    return amount / r->seconds / (one->measure == BENCH_CPU_PER_GIB ? GIB : 1);
}

double bench_case_memory(const struct bench_result *r)
{
    return ((double)r->server_after.pss_bytes - (double)r->server_before.pss_bytes) /
           (double)GW_MAX(r->connections, UINT64_C(1));
}
