/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/stage.h"

#include "bench/siege/defence.h"
#include "gateway/config/cpus.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    GATEWAY,
    CLIENTS,
    FLOOD, /* the namespaces */
    CLIENTS_LINK = 0,
    FLOOD_LINK = 1,
};

static const struct bench_arena_plan plan = {
    .spaces = 3,
    .links = 2,
    .link = {[CLIENTS_LINK] = {.name = "clients", .near = GATEWAY, .far = CLIENTS},
             [FLOOD_LINK] = {.name = "flood", .near = GATEWAY, .far = FLOOD, .rest = true}},
};

/* As in a comparison, but for all addresses. */
static const struct bench_peer gateway = {
    .name = "ktlsgate",
    .program = "ktlsgate",
    .version_flag = "--version",
    .version_after = "ktlsgate ",
    .ours = true,
    .args = {"server", "--listen", "0.0.0.0:@PORT@", "--target", "127.0.0.1:@BACKEND@", "--cert",
             "@FOLDER@/cert.pem", "--key", "@FOLDER@/key.pem", "--workers", "@WORKERS@",
             "--log-level", "error", "--shutdown-timeout", "1ms"},
};

/* ---- processors ---- */

/* The n-th that this process may use, the last one if there are fewer. */
static int nth_cpu(unsigned n)
{
    int last = 0;
    for (int cpu = 0; cpu < GW_MAX_CPU; cpu++) {
        if (!gw_cpus_allowed(cpu))
            continue;
        last = cpu;
        if (n-- == 0)
            break;
    }
    return last;
}

static void take_cpus(struct bench_cpus *to, const struct bench_cpus *asked, unsigned nth)
{
    *to = *asked;
    if (to->count == 0)
        *to = (struct bench_cpus){.list = {nth_cpu(nth)}, .count = 1};
}

/* ---- links ---- */

/* The work for a link's packets is done where they arrive, not where they were sent, as with a
 * network card and its interrupts (RPS). The file belongs to the namespace in which its sysfs was
 * mounted. */
static int receive_on(int space, const char *link, int cpu, struct gw_error *err)
{
    static const char script[] =
        "mount -t sysfs none /sys && echo \"$1\" >/sys/class/net/$0/queues/rx-0/rps_cpus";
    char mask[GW_MAX_CPU / 4 + GW_MAX_CPU / 32 + 1] = "";
    const char *const words[] = {"unshare", "-m", "sh", "-c", script, link, mask, NULL};
    size_t len = (size_t)snprintf(mask, sizeof(mask), "%x", 1U << cpu % 32);
    for (int i = 0; i < cpu / 32; i++)
        len += (size_t)snprintf(mask + len, sizeof(mask) - len, ",00000000");
    return bench_space_run(space, words, NULL, err);
}

static int spread_reception(const struct bench_stage *s, struct gw_error *err)
{
    int r = 0;
    for (unsigned i = 0; i < s->arena.link_count && !r; i++) {
        const struct bench_arena_link *link = &s->arena.links[i];
        const struct bench_cpus *far = i == FLOOD_LINK ? &s->flood_cpu : &s->load_cpu;
        r = receive_on(s->arena.spaces[link->near.space], link->near.name, s->gateway_cpu.list[0],
                       err);
        if (!r)
            r = receive_on(s->arena.spaces[link->far.space], link->far.name, far->list[0], err);
    }
    return r;
}

/* ---- all of it ---- */

static int find_gateway(struct bench_stage *s, struct gw_error *err)
{
    struct bench_comparison wish = s->config->compare;
    wish.systems = gateway.name;
    int r = bench_contenders_find(&s->contenders, &wish, err);
    if (!r)
        s->contenders.list[0].peer = &gateway;
    return r;
}

/* Sets the parts that do not depend on the step. */
static void cast(struct bench_stage *s)
{
    s->crowd = (struct bench_crowd){.arena = &s->arena,
                                    .link = CLIENTS_LINK,
                                    .rate = s->config->siege.handshakes,
                                    .timeout_ns = s->config->timeout_ns,
                                    .cpus = s->load_cpu};
    s->haul = (struct bench_haul){.arena = &s->arena,
                                  .link = CLIENTS_LINK,
                                  .mib = s->config->siege.transfer,
                                  .cpus = s->load_cpu};
    s->assault =
        (struct bench_assault){.arena = &s->arena, .link = FLOOD_LINK, .cpus = s->flood_cpu};
}

int bench_stage_init(struct bench_stage *s, const struct bench_config *config, struct gw_error *err)
{
    struct bench_comparison wish = config->compare;
    *s = (struct bench_stage){.config = config};
    take_cpus(&s->gateway_cpu, &config->compare.server_cpus, 0);
    take_cpus(&s->load_cpu, &config->compare.load_cpus, 1);
    take_cpus(&s->flood_cpu, &config->siege.flood_cpus, 2);
    wish.load_cpus = s->load_cpu;
    cast(s);
    int r = find_gateway(s, err);
    if (!r)
        r = bench_arena_init(&s->arena, &plan, err);
    if (!r)
        r = bench_crowd_settle(&s->crowd, err);
    if (!r && config->siege.reception == BENCH_RECEPTION_GATEWAY)
        r = spread_reception(s, err);
    if (!r)
        r = bench_arena_enter(&s->arena, GATEWAY, err);
    if (!r)
        r = bench_place_init(&s->place, &wish, err);
    return r;
}

void bench_stage_done(struct bench_stage *s)
{
    bench_stage_close(s);
    bench_place_done(&s->place);
    bench_arena_done(&s->arena);
    bench_contenders_done(&s->contenders);
}

int bench_stage_open(struct bench_stage *s, unsigned defence, struct gw_error *err)
{
    int r = bench_server_start(&s->server, &s->contenders.list[0], &s->place, &s->gateway_cpu, err);
    const struct bench_defence_place at = {.folder = s->config->siege.nftables,
                                           .arena = &s->arena,
                                           .space = GATEWAY,
                                           .port = s->server.port};
    if (!r)
        r = bench_defence_raise(bench_defence_at(defence), &at, err);
    s->crowd.port = s->haul.port = s->assault.port = s->server.port;
    return r;
}

void bench_stage_close(struct bench_stage *s)
{
    bench_assault_end(&s->assault);
    bench_crowd_end(&s->crowd);
    bench_haul_end(&s->haul);
    bench_server_stop(&s->server);
}
