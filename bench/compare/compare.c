/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/compare.h"

#include "bench/compare/janitor.h"
#include "bench/compare/server.h"
#include "bench/compare/show.h"
#include "bench/tool/options.h"
#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/config/address.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct bench_case all_cases[] = {
    {.name = "bulk-down",
     .title = "relay, to the client",
     .unit = "CPU-s/GiB",
     .command = BENCH_BULK,
     .direction = BENCH_DOWN,
     .connections = 4,
     .plain = true,
     .quick = true},
    {.name = "bulk-up",
     .title = "relay, from the client",
     .unit = "CPU-s/GiB",
     .command = BENCH_BULK,
     .direction = BENCH_UP,
     .connections = 4,
     .plain = true,
     .quick = true},
    {.name = "handshake-full",
     .title = "full handshakes, backend connect included",
     .unit = "CPU-us",
     .command = BENCH_HANDSHAKE,
     .connections = 16,
     .quick = true},
    {.name = "handshake-resumed",
     .title = "resumed handshakes, backend connect included",
     .unit = "CPU-us",
     .command = BENCH_HANDSHAKE,
     .resume = BENCH_RESUMED,
     .connections = 16,
     .quick = true},
    {.name = "echo-128",
     .title = "128 bytes there and back, 16 connections",
     .unit = "CPU-us",
     .command = BENCH_LATENCY,
     .connections = 16,
     .size = 128,
     .plain = true,
     .quick = true},
    {.name = "churn",
     .title = "connections of one request of 128 bytes",
     .unit = "CPU-us",
     .command = BENCH_CHURN,
     .connections = 16,
     .size = 128,
     .plain = true},
    {.name = "idle",
     .title = "memory of an idle connection",
     .unit = "KiB",
     .command = BENCH_IDLE,
     .connections = 2000},
};

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(const double *values, unsigned count)
{
    double sorted[BENCH_ROUNDS_MAX];
    if (count == 0)
        return 0;
    memcpy(sorted, values, count * sizeof(values[0]));
    qsort(sorted, count, sizeof(sorted[0]), by_value);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double cost_of(const struct bench_comparison *c, unsigned case_at, unsigned system_at)
{
    const struct bench_cell *cell = &c->cells[case_at][system_at];
    return bench_median(cell->cost, cell->rounds);
}

double bench_best_peer(const struct bench_comparison *c, unsigned case_at)
{
    double best = 0;
    for (unsigned i = 0; i < c->system_count; i++) {
        double cost = cost_of(c, case_at, i);
        if (!c->systems[i].peer->ours && !c->systems[i].peer->plain && cost > 0)
            best = best > 0 ? GW_MIN(best, cost) : cost;
    }
    return best;
}

double bench_ratio(const struct bench_comparison *c, unsigned case_at, unsigned system_at)
{
    double best = bench_best_peer(c, case_at);
    return best > 0 ? cost_of(c, case_at, system_at) / best : 0;
}

static double cost_of_run(const struct bench_config *config, const struct bench_result *r)
{
    double amount = bench_result_amount(config, r);
    if (amount <= 0)
        return 0;
    if (config->command == BENCH_IDLE)
        return ((double)r->server_after.pss_bytes - (double)r->server_before.pss_bytes) / amount /
               1024;
    return bench_result_server_seconds(r) / amount *
           (config->command == BENCH_BULK ? (double)(UINT64_C(1) << 30) : 1e6);
}

/* ---- one run ---- */

static void prepare(const struct bench_comparison *c, const struct bench_case *what,
                    const struct bench_system *system, const struct bench_server *server,
                    struct bench_config *run)
{
    const struct bench_config *asked = c->config;
    const char *why;
    char target[32];
    struct gw_address_spec spec;
    bench_options_defaults(what->command, run);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%u", c->site.port);
    gw_require(!gw_address_read(target, GW_ADDRESS_TARGET, &spec, &why));
    gw_require(gw_address_resolve(&spec, GW_ADDRESS_TARGET, &run->target, 1, &why) == 1);
    run->plain = system->peer->plain;
    run->tls = asked->tls;
    run->cipher = asked->cipher;
    run->direction = what->direction;
    run->resume = what->resume;
    run->connections = what->connections;
    run->size = what->size ? what->size : run->size;
    run->time_ns = asked->time_ns;
    run->warmup_ns = what->command == BENCH_IDLE ? 0 : GW_MIN(asked->time_ns / 4, GW_NS_PER_SEC);
    run->cpus = (struct bench_cpus){.list = {(int)asked->load_cpu}, .count = 1};
    run->pids = (struct bench_pids){.list = {server->pid}, .count = 1};
}

static void keep(struct bench_cell *cell, const struct bench_config *run,
                 const struct bench_result *r)
{
    cell->config = *run;
    cell->cost[cell->rounds] = cost_of_run(run, r);
    cell->rate[cell->rounds] = bench_result_amount(run, r) / r->seconds;
    cell->results[cell->rounds++] = *r;
}

/* What fails is told in its cell: one system must not end the comparison of the others. */
static void run_cell(struct bench_comparison *c, unsigned case_at, unsigned system_at,
                     const struct bench_janitor *janitor)
{
    static struct bench_result result;
    const struct bench_system *system = &c->systems[system_at];
    struct bench_cell *cell = &c->cells[case_at][system_at];
    struct bench_server server = {.pid = 0};
    struct bench_config run;
    struct gw_error err = {.text = ""};
    int r = bench_server_start(&server, system->peer, system->path, &c->site,
                               (int)c->config->server_cpu, &err);
    if (!r) {
        bench_janitor_tell(janitor, server.pid);
        prepare(c, c->cases[case_at], system, &server, &run);
        r = bench_run(&run, NULL, NULL, &result, &err);
    }
    if (!r && result.errors)
        r = gw_error_set(&err, GW_EXIT_OTHER, "%llu connections failed: %s",
                         (unsigned long long)result.errors, result.first_error);
    if (!r && run.resume == BENCH_RESUMED && result.handshakes_resumed < result.units)
        r = gw_error_set(&err, GW_EXIT_OTHER, "it does not resume sessions");
    bench_server_stop(&server);
    if (!r)
        keep(cell, &run, &result);
    else
        (void)snprintf(cell->failed, sizeof(cell->failed), "%.255s", err.text);
}

/* ---- all of them ---- */

static bool applies(const struct bench_comparison *c, unsigned case_at, unsigned system_at)
{
    return c->cases[case_at]->plain || !c->systems[system_at].peer->plain;
}

/* The order turns with the rounds. */
static void run_round(struct bench_comparison *c, unsigned round,
                      const struct bench_janitor *janitor)
{
    for (unsigned i = 0; i < c->case_count; i++) {
        for (unsigned k = 0; k < c->system_count; k++) {
            unsigned at = (k + round) % c->system_count;
            if (!applies(c, i, at) || c->cells[i][at].failed[0])
                continue;
            bench_show_progress(c, round, i, at);
            run_cell(c, i, at, janitor);
        }
    }
}

static bool make_room(struct bench_comparison *c)
{
    bool ok = true;
    for (unsigned i = 0; i < c->case_count; i++)
        for (unsigned k = 0; k < c->system_count; k++) {
            struct bench_cell *cell = &c->cells[i][k];
            cell->results = calloc(c->config->rounds, sizeof(cell->results[0]));
            ok = ok && cell->results;
        }
    return ok;
}

static int run_rounds(struct bench_comparison *c, const struct bench_janitor *janitor,
                      struct gw_error *err)
{
    struct bench_server origin;
    if (!make_room(c))
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int r = bench_server_start_origin(&origin, &c->site, (int)c->config->load_cpu, err);
    if (r)
        return r;
    bench_janitor_tell(janitor, origin.pid);
    for (unsigned round = 0; round < c->config->rounds; round++)
        run_round(c, round, janitor);
    bench_show_progress_end();
    bench_server_stop(&origin);
    return bench_show_result(c, err);
}

/* ---- what was asked for ---- */

/* Whether the name stands in a list joined by ','; an empty list has all. */
static bool is_listed(const char *list, const char *name)
{
    size_t len = strlen(name);
    if (!list)
        return true;
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (!strncmp(at, name, len) && (at[len] == ',' || !at[len]))
            return true;
    return false;
}

static const char *case_name(unsigned i)
{
    return i < GW_ARRAY_SIZE(all_cases) ? all_cases[i].name : NULL;
}

static const char *peer_name(unsigned i)
{
    return bench_peer_at(i) ? bench_peer_at(i)->name : NULL;
}

/* Each name of the list must be one of them. */
static int check_list(const char *flag, const char *list, const char *(*name_at)(unsigned),
                      struct gw_error *err)
{
    char names[256] = "";
    size_t len = 0;
    for (unsigned i = 0; name_at(i); i++)
        len +=
            (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", name_at(i));
    for (const char *at = list; at && *at;) {
        char one[64];
        size_t n = strcspn(at, ",");
        bool known = false;
        (void)snprintf(one, sizeof(one), "%.*s", (int)n, at);
        for (unsigned i = 0; name_at(i); i++)
            known = known || !strcmp(one, name_at(i));
        if (!known)
            return gw_error_set(err, GW_EXIT_USAGE, "--%s: there is no '%s', but: %s", flag, one,
                                names);
        at += n + (at[n] == ',');
    }
    return 0;
}

static void choose_cases(struct bench_comparison *c)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(all_cases); i++)
        if (is_listed(c->config->cases, all_cases[i].name) &&
            (!c->config->quick || c->config->cases || all_cases[i].quick))
            c->cases[c->case_count++] = &all_cases[i];
}

static void choose_systems(struct bench_comparison *c)
{
    const struct bench_peer *peer;
    for (unsigned i = 0; (peer = bench_peer_at(i)); i++) {
        struct bench_system *s = &c->systems[c->system_count];
        if (!is_listed(c->config->systems, peer->name))
            continue;
        s->peer = peer;
        if (bench_peer_find(peer, &c->site, s->path)) {
            bench_peer_version(peer, s->path, s->version, sizeof(s->version));
            c->system_count++;
        } else {
            (void)fprintf(stderr, "%s is not installed, and is left out\n", peer->name);
        }
    }
}

/* Beside this program, as an installation or a build folder has it. */
static void find_ktlsgate(struct bench_comparison *c)
{
    static const char *const places[] = {"/ktlsgate", "/../../gateway/main/ktlsgate"};
    char self[PATH_MAX];
    char at[BENCH_PATH_MAX * 2];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (c->config->ktlsgate || n < 0) {
        (void)snprintf(c->site.ktlsgate, sizeof(c->site.ktlsgate), "%s",
                       c->config->ktlsgate ? c->config->ktlsgate : "ktlsgate");
        return;
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < GW_ARRAY_SIZE(places); i++) {
        (void)snprintf(at, sizeof(at), "%s%s", self, places[i]);
        if (!access(at, X_OK) && strlen(at) < sizeof(c->site.ktlsgate)) {
            memcpy(c->site.ktlsgate, at, strlen(at) + 1);
            return;
        }
    }
}

static int set_up(struct bench_comparison *c, struct gw_error *err)
{
    int r = check_list("cases", c->config->cases, case_name, err);
    if (!r)
        r = check_list("systems", c->config->systems, peer_name, err);
    if (r)
        return r;
    find_ktlsgate(c);
    choose_cases(c);
    choose_systems(c);
    if (c->system_count == 0)
        return gw_error_set(err, GW_EXIT_START, "none of the systems is installed");
    return bench_site_make(&c->site, c->config->rsa, err);
}

int bench_compare_run(const struct bench_config *config, struct gw_error *err)
{
    struct bench_comparison *c = calloc(1, sizeof(*c));
    struct bench_janitor janitor;
    if (!c)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    c->config = config;
    (void)gw_fd_raise_limit(); /* the systems inherit it */
    int r = set_up(c, err);
    if (!r) {
        r = bench_janitor_start(&janitor, c->site.folder, err);
        if (!r) {
            r = run_rounds(c, &janitor, err);
            bench_janitor_end(&janitor);
        } else {
            bench_site_remove(c->site.folder);
        }
    }
    for (unsigned i = 0; i < BENCH_CASES_MAX; i++)
        for (unsigned k = 0; k < BENCH_PEERS_MAX; k++)
            free(c->cells[i][k].results);
    free(c);
    return r;
}
