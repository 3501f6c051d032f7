/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/flood.h"

#include "bench/compare/child.h"
#include "bench/flood/pcap.h"
#include "bench/flood/result.h"
#include "bench/flood/sender.h"
#include "bench/flood/target.h"
#include "bench/tool/output.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TARGET,
    FLOOD, /* the namespace */
    LINK = 0,
};

#define LOOK_NS (250 * GW_NS_PER_MS)

static const struct bench_arena_plan plan = {
    .spaces = 2,
    .links = 1,
    .link = {[LINK] = {.name = "flood", .near = TARGET, .far = FLOOD, .rest = true}},
};

/* A flood on its way. */
struct scene {
    const struct bench_config *config;
    struct bench_flood flood;
    struct bench_arena arena;
    struct bench_flood_counters *sent;
    struct bench_target_counters *met;
    struct gw_error *error; /* the sender's, in shared memory */
    pid_t sender, target;   /* 0: none */
    struct bench_flood_result result;
};

static int tell(const struct bench_config *config, const struct bench_flood_result *r,
                struct gw_error *err)
{
    json_t *json = config->json || config->save ? bench_flood_json(config, r) : NULL;
    if (!config->json)
        bench_flood_table(stdout, config, r);
    int error = bench_output_give(config, json, err);
    json_decref(json);
    return error;
}

static int write_file(const struct bench_config *config, const struct bench_flood *flood,
                      struct bench_flood_result *r, struct gw_error *err)
{
    struct bench_arena_link link;
    bench_arena_foresee(&plan, LINK, &link);
    r->into_file = true;
    return bench_pcap_write(config->flood.pcap, flood, &link, &r->packets, err);
}

/* ---- what takes part ---- */

static int raise_target(struct scene *s, struct gw_error *err)
{
    int into = s->config->flood.into;
    bool answers = bench_flood_kind_answers((enum bench_flood_kind)s->flood.kind);
    s->result.listened = into == BENCH_INTO_LISTEN || (into == BENCH_INTO_AUTO && answers);
    if (!s->result.listened)
        return bench_target_drop(&s->arena, LINK, err);
    s->target = bench_target_listen(&s->arena, LINK, s->flood.sources.len == 16, s->flood.port,
                                    s->met, err);
    return GW_MIN(s->target, 0);
}

static int raise_sender(struct scene *s, struct gw_error *err)
{
    s->sender = bench_child_fork(&s->config->cpus);
    if (s->sender < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-s->sender));
    if (s->sender > 0)
        return 0;
    int r = bench_arena_enter(&s->arena, FLOOD, s->error);
    if (!r)
        r = bench_flood_send(&s->flood, &s->arena, LINK, s->sent, s->error);
    _exit(r ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int init(struct scene *s, struct gw_error *err)
{
    s->sent = bench_child_memory(sizeof(*s->sent));
    s->met = bench_child_memory(sizeof(*s->met));
    s->error = bench_child_memory(sizeof(*s->error));
    if (!s->sent || !s->met || !s->error)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int r = bench_arena_init(&s->arena, &plan, err);
    if (!r && s->flood.sources.len == 16 && !s->arena.has_v6)
        r = gw_error_set(err, GW_EXIT_START, "--sources: this kernel has no IPv6");
    if (!r)
        r = raise_target(s, err);
    return r;
}

static void done(struct scene *s)
{
    bench_child_stop(s->sender);
    bench_child_stop(s->target);
    bench_arena_done(&s->arena);
}

/* ---- while it runs ---- */

static void look(struct scene *s)
{
    struct bench_flood_result *r = &s->result;
    r->seconds = (double)atomic_load(&s->sent->ns) / (double)GW_NS_PER_SEC;
    r->paced_seconds = (double)atomic_load(&s->sent->paced_ns) / (double)GW_NS_PER_SEC;
    r->packets = atomic_load(&s->sent->packets);
    r->bytes = atomic_load(&s->sent->bytes);
    r->answers = atomic_load(&s->sent->answers);
    r->full = atomic_load(&s->sent->full);
    r->accepted = atomic_load(&s->met->accepted);
    r->read = atomic_load(&s->met->bytes);
}

/* The target ends only on request. */
static bool target_lives(struct scene *s)
{
    int status;
    if (s->target <= 0 || bench_child_wait(s->target, 0, &status))
        return true;
    s->target = 0;
    return false;
}

/* Waits until the sender has ended by itself or on request. */
static int watch(struct scene *s, struct gw_error *err)
{
    int status = 0, r;
    do {
        if (!target_lives(s))
            return gw_error_set(err, GW_EXIT_OTHER, "the listener ended before the flood");
        r = bench_child_wait(s->sender, LOOK_NS, &status);
        look(s);
        bench_flood_progress(s->config, &s->result);
    } while (r == -ETIMEDOUT);
    bench_flood_progress_end();
    if (r)
        return gw_error_set(err, GW_EXIT_OTHER, "interrupted");
    s->sender = 0;
    if (!WIFEXITED(status))
        return gw_error_set(err, GW_EXIT_OTHER, "the sender ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status))
        *err = *s->error;
    return WEXITSTATUS(status) ? -EIO : 0;
}

static int send_it(struct scene *s, struct gw_error *err)
{
    struct bench_space_traffic before, after;
    const struct bench_arena_end *end = &s->arena.links[LINK].near;
    int space = s->arena.spaces[TARGET];
    int r = bench_space_traffic(space, end->name, &before, err);
    if (!r)
        r = raise_sender(s, err);
    if (!r)
        r = watch(s, err);
    if (!r)
        r = bench_space_traffic(space, end->name, &after, err);
    if (!r)
        s->result.arrived = after.rx_packets - before.rx_packets;
    return r;
}

int bench_flood_run(const struct bench_config *config, struct gw_error *err)
{
    struct scene s = {.config = config, .flood = config->flood.flood};
    s.flood.port = BENCH_FLOOD_PORT;
    int r = bench_flood_check(&s.flood, err);
    if (!r && config->flood.pcap) {
        r = write_file(config, &s.flood, &s.result, err);
    } else if (!r) {
        bench_child_begin();
        r = init(&s, err);
        if (!r)
            r = send_it(&s, err);
        done(&s);
    }
    return r ? r : tell(config, &s.result, err);
}
