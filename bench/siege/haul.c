/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/haul.h"

#include "bench/compare/child.h"
#include "bench/load/run.h"
#include "bench/tool/options.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MIB = 1 << 20,
    PIECE = MIB / 4, /* that is due at a time */
};

#define PATIENCE_NS (15 * GW_NS_PER_SEC)
#define LOOK_NS (10 * GW_NS_PER_MS)
#define LONG_NS (3600 * GW_NS_PER_SEC) /* it is ended */

/* ---- in it ---- */

static void note(void *arg, const char *phase, double second, double of,
                 const struct bench_result *so_far)
{
    struct bench_haul_log *log = arg;
    unsigned count = atomic_load(&log->count);
    (void)phase, (void)second, (void)of;
    if (count == BENCH_HAUL_NOTES_MAX || so_far->bytes_down == 0)
        return;
    log->notes[count].ns = gw_clock_ns();
    log->notes[count].bytes = so_far->bytes_down;
    atomic_store(&log->count, count + 1);
}

static void set_target(struct bench_config *config, const struct bench_haul *haul)
{
    const struct bench_arena_end *end = &haul->arena->links[haul->link].near;
    config->target.addr =
        bench_arena_address(end, AF_INET, (uint16_t)haul->port, &config->target.len);
    (void)snprintf(config->target.text, sizeof(config->target.text), "%s:%u", end->v4_text,
                   haul->port);
}

static gw_noreturn void be_haul(const struct bench_haul *haul)
{
    static struct bench_result result; /* its histogram is large */
    struct bench_config config;
    struct gw_error *err = &haul->log->error;
    bench_options_defaults(BENCH_BULK, &config);
    set_target(&config, haul);
    config.connections = 1;
    if (haul->mib) {
        config.size = PIECE;
        config.rate = haul->mib * (MIB / PIECE);
    }
    config.warmup_ns = 0;
    config.time_ns = config.timeout_ns = LONG_NS;
    int r = bench_arena_enter(haul->arena, haul->arena->links[haul->link].far.space, err);
    if (!r)
        r = bench_run(&config, note, haul->log, &result, err);
    _exit(r ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* ---- seen from outside ---- */

static int share_memory(struct bench_haul *haul, struct gw_error *err)
{
    if (!haul->log)
        haul->log = bench_child_memory(sizeof(*haul->log));
    if (!haul->log)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    memset(haul->log, 0, sizeof(*haul->log));
    return 0;
}

static int await(struct bench_haul *haul, struct gw_error *err)
{
    int64_t until_ns = gw_clock_ns() + PATIENCE_NS;
    int status;
    while (atomic_load(&haul->log->count) == 0) {
        int r = bench_child_wait(haul->pid, LOOK_NS, &status);
        if (r == 0) {
            haul->pid = 0;
            return gw_error_set(err, GW_EXIT_OTHER, "the transfer: %.400s", haul->log->error.text);
        }
        if (r != -ETIMEDOUT)
            return gw_error_set(err, GW_EXIT_OTHER, "interrupted");
        if (gw_clock_ns() > until_ns)
            return gw_error_set(err, GW_EXIT_OTHER, "the transfer does not begin");
    }
    return 0;
}

int bench_haul_begin(struct bench_haul *haul, struct gw_error *err)
{
    int r = share_memory(haul, err);
    if (r)
        return r;
    (void)fflush(NULL);
    pid_t pid = bench_child_fork(&haul->cpus);
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-pid));
    if (pid == 0)
        be_haul(haul);
    haul->pid = pid;
    return await(haul, err);
}

void bench_haul_end(struct bench_haul *haul)
{
    bench_child_stop(haul->pid);
    haul->pid = 0;
}

/* ---- figures ---- */

static int compare_speeds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The speed that this share of the slices reached; `speeds` ascend. */
static double reached_by(const double *speeds, unsigned count, double share)
{
    unsigned slower = (unsigned)((1 - share) * count);
    return speeds[GW_MIN(slower, count - 1)];
}

struct bench_haul_speed bench_haul_speed(const struct bench_haul *haul, int64_t from_ns,
                                         int64_t to_ns)
{
    const struct bench_haul_log *log = haul->log;
    double speeds[BENCH_HAUL_NOTES_MAX];
    struct bench_haul_speed ret = {.ended = log->error.text[0] != '\0'};
    unsigned all = atomic_load(&log->count), first = 0, last, count = 0;
    while (first < all && log->notes[first].ns < from_ns)
        first++;
    for (last = first; last + 1 < all && log->notes[last + 1].ns <= to_ns; last++)
        speeds[count++] = (double)(log->notes[last + 1].bytes - log->notes[last].bytes) *
                          (double)GW_NS_PER_SEC /
                          (double)(log->notes[last + 1].ns - log->notes[last].ns);
    if (count == 0)
        return ret;
    ret.mean = (double)(log->notes[last].bytes - log->notes[first].bytes) * (double)GW_NS_PER_SEC /
               (double)(log->notes[last].ns - log->notes[first].ns);
    qsort(speeds, count, sizeof(speeds[0]), compare_speeds);
    ret.p50 = reached_by(speeds, count, 0.5);
    ret.p99 = reached_by(speeds, count, 0.99);
    return ret;
}
