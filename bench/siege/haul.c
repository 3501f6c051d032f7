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
    STEPS_MAX = 1024,
};

#define PATIENCE_NS (15 * GW_NS_PER_SEC)
#define LOOK_NS (10 * GW_NS_PER_MS)
#define LONG_NS (3600 * GW_NS_PER_SEC) /* it is ended */
#define STEP_NS (100 * GW_NS_PER_MS)   /* so that one lies between any two notes */

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
    haul->ended = false;
    return 0;
}

static void mark_ended(struct bench_haul *haul)
{
    haul->pid = 0;
    haul->ended = true;
}

void bench_haul_check(struct bench_haul *haul)
{
    int status;
    if (haul->pid && bench_child_wait(haul->pid, 0, &status) == 0)
        mark_ended(haul);
}

bool bench_haul_knows(const struct bench_haul *haul, int64_t until_ns)
{
    unsigned count = atomic_load(&haul->log->count);
    return haul->ended || (count > 0 && haul->log->notes[count - 1].ns >= until_ns);
}

static int await(struct bench_haul *haul, struct gw_error *err)
{
    int64_t until_ns = gw_clock_ns() + PATIENCE_NS;
    int status;
    while (atomic_load(&haul->log->count) == 0) {
        int r = bench_child_wait(haul->pid, LOOK_NS, &status);
        if (r == 0) {
            mark_ended(haul);
            return gw_error_set(err, GW_EXIT_OTHER, "the transfer: %.400s", haul->log->error.text);
        }
        if (r != -ETIMEDOUT)
            return gw_error_set(err, GW_EXIT_OTHER, "interrupted");
        if (gw_clock_ns() > until_ns)
            return gw_error_set(err, GW_EXIT_OTHER, "the transfer did not begin");
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

/* What had come by then: evenly between two notes, and nothing after the last. */
static double bytes_at(const struct bench_haul_log *log, int64_t ns)
{
    unsigned count = atomic_load(&log->count), next = 0;
    while (next < count && log->notes[next].ns < ns)
        next++;
    if (next == 0 || next == count)
        return (double)log->notes[next ? next - 1 : 0].bytes;
    double share = (double)(ns - log->notes[next - 1].ns) /
                   (double)(log->notes[next].ns - log->notes[next - 1].ns);
    return (double)log->notes[next - 1].bytes +
           share * (double)(log->notes[next].bytes - log->notes[next - 1].bytes);
}

/* A stream that leaves out what has become late: what was due and is not there yet can be made up
 * for as long as that. */
static double bytes_on_time(const double *speeds, unsigned count, double seconds, double rate)
{
    double behind = 0, on_time = 0;
    for (unsigned i = 0; i < count; i++) {
        behind += rate * seconds;
        double came = GW_MIN(speeds[i] * seconds, behind);
        on_time += came;
        behind = GW_MIN(behind - came, rate * BENCH_HAUL_LATE_MS / 1000);
    }
    return on_time;
}

struct bench_haul_speed bench_haul_speed(const struct bench_haul *haul, int64_t from_ns,
                                         int64_t to_ns)
{
    double speeds[STEPS_MAX];
    int64_t steps = (to_ns - from_ns) / STEP_NS;
    unsigned count = (unsigned)GW_MAX(1, GW_MIN(steps, STEPS_MAX));
    double seconds = (double)(to_ns - from_ns) / (double)GW_NS_PER_SEC;
    double before = bytes_at(haul->log, from_ns), at = before;
    struct bench_haul_speed ret;
    for (unsigned i = 0; i < count; i++) {
        double then = bytes_at(haul->log, from_ns + (to_ns - from_ns) * (i + 1) / count);
        speeds[i] = (then - at) * count / seconds;
        at = then;
    }
    ret.mean = ret.on_time = (at - before) / seconds;
    if (haul->mib)
        ret.on_time =
            bytes_on_time(speeds, count, seconds / count, (double)(haul->mib * MIB)) / seconds;
    qsort(speeds, count, sizeof(speeds[0]), compare_speeds);
    ret.p50 = speeds[count / 2];
    ret.slowest = speeds[0];
    return ret;
}
