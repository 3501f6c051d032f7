/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/step.h"

#include "bench/compare/child.h"
#include "bench/tool/cores.h"
#include "bench/tool/proc.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SETTLE_NS GW_NS_PER_SEC /* the flood comes, and does not count yet */
#define LOOK_NS (20 * GW_NS_PER_MS)
#define PATIENCE_NS (10 * GW_NS_PER_SEC)

/* Beyond what is measured, for a machine that is busy. */
enum {
    SPARE_SECS = 10
};

/* All that is read at the beginning and at the end of what counts. */
struct reading {
    int64_t ns;
    uint64_t sent;
    struct bench_space_traffic traffic;
    struct bench_proc gateway;
    struct bench_cores gateway_cores, load_cores, flood_cores;
};

static int read_all(struct reading *at, const struct bench_stage *s, struct gw_error *err)
{
    const struct bench_arena_end *end = &s->arena.links[s->assault.link].near;
    const struct bench_pids pids = {.list = {s->server.pid}, .count = 1};
    at->ns = gw_clock_ns();
    at->sent = atomic_load(&s->assault.counters->packets);
    bench_cores_read(&s->gateway_cpu, &at->gateway_cores);
    bench_cores_read(&s->load_cpu, &at->load_cores);
    bench_cores_read(&s->flood_cpu, &at->flood_cores);
    int r = bench_space_traffic(s->arena.spaces[end->space], end->name, &at->traffic, err);
    return r ? r : bench_proc_read(&pids, false, &at->gateway, err);
}

/* Whether flood and clients continue. The flood may end the transfer, which the row reports. */
static int check_all(struct bench_stage *s, struct gw_error *err)
{
    bench_haul_check(&s->haul);
    int r = bench_assault_check(&s->assault, err);
    return r ? r : bench_crowd_check(&s->crowd, err);
}

/* Waits while all of them run, for `ns` or until has_come() is true. */
static int last(struct bench_stage *s, int64_t ns,
                bool (*has_come)(const struct bench_stage *s, int64_t since_ns),
                struct gw_error *err)
{
    int64_t since_ns = gw_clock_ns();
    int r = 0;
    while (!r && gw_clock_ns() < since_ns + ns && !(has_come && has_come(s, since_ns))) {
        const struct timespec look = {.tv_nsec = LOOK_NS};
        (void)nanosleep(&look, NULL);
        r = check_all(s, err);
        if (!r && bench_child_interrupted())
            r = gw_error_set(err, GW_EXIT_OTHER, "interrupted");
    }
    return r;
}

static bool is_peaceful(const struct bench_stage *s, int64_t since_ns gw_unused)
{
    return s->haul.ended || atomic_load(&s->crowd.counters->greeted) > 0 ||
           s->crowd.counters->error.text[0];
}

static bool is_drained(const struct bench_stage *s, int64_t since_ns)
{
    return bench_crowd_is_drained(&s->crowd) && bench_haul_knows(&s->haul, since_ns);
}

/* Clients and the transfer are there before the flood. */
static int assemble(struct bench_stage *s, struct gw_error *err)
{
    int r = bench_haul_begin(&s->haul, err);
    if (!r)
        r = bench_crowd_begin(&s->crowd, err);
    if (!r)
        r = last(s, PATIENCE_NS, is_peaceful, err);
    if (!r && s->haul.ended)
        r = gw_error_set(err, GW_EXIT_OTHER, "before the flood the transfer ends: %.300s",
                         s->haul.log->error.text);
    if (!r && atomic_load(&s->crowd.counters->greeted) == 0)
        r = gw_error_set(err, GW_EXIT_OTHER, "before the flood no client gets through: %.300s",
                         s->crowd.counters->error.text);
    return r ? r : bench_assault_begin(&s->assault, err);
}

static void take_figures(struct bench_step *step, const struct bench_stage *s,
                         const struct reading *from, const struct reading *to)
{
    const struct bench_crowd_counters *c = s->crowd.counters;
    double seconds = (double)(to->ns - from->ns) / (double)GW_NS_PER_SEC;
    step->seconds = seconds;
    step->sent = (double)(to->sent - from->sent) / seconds;
    step->arrived = (double)(to->traffic.rx_packets - from->traffic.rx_packets) / seconds;
    step->begun = atomic_load(&c->begun);
    step->succeeded = atomic_load(&c->succeeded);
    step->failed = atomic_load(&c->failed);
    step->late = atomic_load(&c->late);
    step->times = c->times;
    (void)snprintf(step->first_error, sizeof(step->first_error), "%.127s", c->error.text);
    step->haul = bench_haul_speed(&s->haul, from->ns, to->ns);
    step->haul_ended = s->haul.ended;
    (void)snprintf(step->haul_error, sizeof(step->haul_error), "%.127s", s->haul.log->error.text);
    step->gateway_cpu =
        (double)(to->gateway.cpu_ns - from->gateway.cpu_ns) / (double)GW_NS_PER_SEC / seconds;
    step->busy =
        bench_cores_busy(&s->gateway_cpu, &from->gateway_cores, &to->gateway_cores, seconds);
    step->load_busy =
        GW_MAX(bench_cores_busy(&s->load_cpu, &from->load_cores, &to->load_cores, seconds),
               bench_cores_busy(&s->flood_cpu, &from->flood_cores, &to->flood_cores, seconds));
}

/* Handshakes that have begun when the time is over are waited for: the flood continues meanwhile.
 */
static int measure(struct bench_step *step, struct bench_stage *s, struct gw_error *err)
{
    struct reading from, to;
    int r = last(s, SETTLE_NS, NULL, err);
    if (!r)
        r = read_all(&from, s, err);
    atomic_store(&s->crowd.counters->phase, BENCH_CROWD_COUNT);
    if (!r)
        r = last(s, s->config->time_ns, NULL, err);
    if (!r)
        r = read_all(&to, s, err);
    atomic_store(&s->crowd.counters->phase, BENCH_CROWD_DRAIN);
    if (!r)
        r = last(s, s->config->timeout_ns + GW_NS_PER_SEC, is_drained, err);
    if (!r)
        take_figures(step, s, &from, &to);
    return r;
}

int bench_step_run(struct bench_step *step, struct bench_stage *s, struct gw_error *err)
{
    int64_t ns = SETTLE_NS + s->config->time_ns + s->config->timeout_ns;
    s->assault.sources = step->sources;
    s->assault.rate = step->rate;
    s->assault.secs = (unsigned)(ns / GW_NS_PER_SEC) + SPARE_SECS;
    int r = bench_stage_open(s, step->defence, err);
    if (!r)
        r = assemble(s, err);
    if (!r)
        r = measure(step, s, err);
    bench_stage_close(s);
    return r;
}

double bench_step_success(const struct bench_step *step)
{
    return step->begun ? (double)step->succeeded / (double)step->begun : 0;
}
