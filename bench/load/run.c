/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/run.h"

#include "bench/load/pattern.h"
#include "bench/load/work.h"
#include "bench/tool/cores.h"
#include "gateway/base/clock.h"
#include "gateway/base/fd.h"
#include "gateway/record/aead.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Connections that fail one after another end the run. */
enum {
    ERRORS_MAX = 10000
};

/* From this share of its time on, a thread or a processor counts as fully used. */
#define BUSY_SHARE 0.95

/* Of the requests that are due, so many answered in time are all. */
#define RATE_SHARE 0.98

#define LOOK_NS (20 * GW_NS_PER_MS)
#define SHOW_NS (200 * GW_NS_PER_MS)

struct run {
    const struct bench_config *config;
    struct bench_thread threads[BENCH_THREADS_MAX];
    unsigned count;
    atomic_int phase;
    bench_progress_fn *progress;
    void *arg;
    int64_t shown_ns;
    struct bench_result *result;
};

/* What all threads together have done so far. */
struct sums {
    uint64_t units, down, up, errors, open, resumed;
    int64_t cpu_ns[BENCH_THREADS_MAX];
    int64_t wait_ns[BENCH_THREADS_MAX]; /* for a processor */
    struct bench_cores cores;
    int64_t times_at_ns; /* when those three were read */
    int64_t at_ns;
};

static uint64_t load_count(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_acquire);
}

static int64_t cpu_ns_of(const struct bench_thread *t)
{
    clockid_t clock;
    struct timespec ts = {0};
    if (!pthread_getcpuclockid(t->id, &clock))
        (void)clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * GW_NS_PER_SEC + ts.tv_nsec;
}

/* The second number of schedstat (Documentation/scheduler/sched-stats.rst). */
static int64_t wait_ns_of(const struct bench_thread *t)
{
    char path[64];
    long long ns = 0;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", atomic_load(&t->tid));
    FILE *f = fopen(path, "re");
    if (!f || fscanf(f, "%*d %lld", &ns) != 1)
        ns = 0;
    if (f)
        (void)fclose(f);
    return ns;
}

/* What only the measured phase needs, as it is read from files. */
static void add_times(const struct run *run, struct sums *s)
{
    s->times_at_ns = gw_clock_ns();
    for (unsigned i = 0; i < run->count; i++) {
        s->cpu_ns[i] = cpu_ns_of(&run->threads[i]);
        s->wait_ns[i] = wait_ns_of(&run->threads[i]);
    }
    bench_cores_read(&run->config->cpus, &s->cores);
}

static struct sums sum_up(const struct run *run)
{
    struct sums s = {.at_ns = gw_clock_ns()};
    for (unsigned i = 0; i < run->count; i++) {
        const struct bench_counts *c = &run->threads[i].counts;
        s.units += load_count(&c->units);
        s.down += load_count(&c->bytes_down);
        s.up += load_count(&c->bytes_up);
        s.errors += load_count(&c->errors);
        s.open += load_count(&c->open);
        s.resumed += load_count(&c->resumed);
    }
    return s;
}

static void set_phase(struct run *run, enum bench_phase phase)
{
    atomic_store_explicit(&run->phase, phase, memory_order_relaxed);
}

static void nap(int64_t ns)
{
    struct timespec ts = {.tv_sec = ns / GW_NS_PER_SEC, .tv_nsec = ns % GW_NS_PER_SEC};
    (void)nanosleep(&ts, NULL);
}

/* ---- phases ---- */

static void take_difference(struct bench_result *r, const struct sums *from, const struct sums *to)
{
    r->seconds = (double)(to->at_ns - from->at_ns) / (double)GW_NS_PER_SEC;
    r->units = to->units - from->units;
    r->bytes_down = to->down - from->down;
    r->bytes_up = to->up - from->up;
    r->errors = to->errors;
    r->connections = to->open;
    r->handshakes_resumed = to->resumed;
}

static void show(struct run *run, const char *phase, const struct sums *from, int64_t ns)
{
    int64_t now = gw_clock_ns();
    if (!run->progress || now - run->shown_ns < SHOW_NS)
        return;
    run->shown_ns = now;
    struct sums to = sum_up(run);
    take_difference(run->result, from, &to);
    run->progress(run->arg, phase, (double)(now - from->at_ns) / (double)GW_NS_PER_SEC,
                  (double)ns / (double)GW_NS_PER_SEC, run->result);
}

/* The error of whichever thread has one. */
static int tell_error(const struct run *run, struct gw_error *err)
{
    for (unsigned i = 0; i < run->count; i++) {
        if (run->threads[i].err.text[0]) {
            *err = run->threads[i].err;
            return -EIO;
        }
    }
    return gw_error_set(err, GW_EXIT_OTHER, "connections failed without a reason");
}

/* Units of a phase, with --units: what comes before the measured ones lets caches and congestion
 * windows fill. 0: its time says when it is over. */
static uint64_t units_of(const struct bench_config *config, enum bench_phase phase)
{
    if (phase == BENCH_MEASURE)
        return config->units;
    return phase == BENCH_WARMUP && config->units ? GW_MAX(config->connections, config->units / 4)
                                                  : 0;
}

/* Until all connections are open. Each opens within --timeout, or fails. */
static int ramp(struct run *run, struct gw_error *err)
{
    struct sums from = sum_up(run);
    bool stays = !run->threads[0].work->replaces;
    while (stays || !run->config->units) {
        struct sums now = sum_up(run);
        run->result->ramp_seconds = (double)(now.at_ns - from.at_ns) / (double)GW_NS_PER_SEC;
        if (now.errors > 0)
            return tell_error(run, err);
        if (stays ? now.open >= run->config->connections : now.units > 0)
            return 0;
        show(run, "opening connections", &from, 0);
        nap(LOOK_NS);
    }
    return 0;
}

/* Whether anything has moved since `*moved`, within --timeout; else units would be awaited that do
 * not come. */
static bool goes_on(const struct run *run, const struct sums *now, struct sums *moved)
{
    if (now->units != moved->units || now->down != moved->down || now->up != moved->up)
        *moved = *now;
    return now->at_ns - moved->at_ns <= run->config->timeout_ns;
}

static int last(struct run *run, const char *phase, const struct sums *from, int64_t ns,
                uint64_t units, struct gw_error *err)
{
    int64_t until = from->at_ns + ns;
    struct sums moved = *from;
    for (;;) {
        struct sums now = sum_up(run);
        int64_t left = units ? LOOK_NS : until - gw_clock_ns();
        if (units ? now.units - from->units >= units : left <= 0)
            return 0;
        /* What a unit fails of would leave the others waiting for it. */
        if (now.errors > (units ? 0 : ERRORS_MAX) ||
            (now.open == 0 && !run->threads[0].work->replaces))
            return tell_error(run, err);
        if (units && !goes_on(run, &now, &moved))
            return gw_error_set(err, GW_EXIT_OTHER,
                                "no unit of --units was completed within --timeout");
        show(run, phase, from, ns);
        nap(GW_MIN(left, LOOK_NS));
    }
}

static int read_server(struct run *run, bool memory, struct bench_proc *at, struct gw_error *err)
{
    run->result->has_server = run->config->pids.count > 0;
    if (!run->result->has_server)
        return 0;
    return bench_proc_read(&run->config->pids, memory, at, err);
}

/* Of the thread that had least time left. */
static void take_busiest(const struct run *run, const struct sums *from, const struct sums *to)
{
    struct bench_result *r = run->result;
    double ns = (double)(to->times_at_ns - from->times_at_ns);
    for (unsigned i = 0; i < run->count; i++) {
        double worked = (double)(to->cpu_ns[i] - from->cpu_ns[i]) / ns;
        double waited = (double)(to->wait_ns[i] - from->wait_ns[i]) / ns;
        if (worked + waited < r->busiest + r->waited)
            continue;
        r->busiest = worked;
        r->waited = waited;
    }
    r->cores_busy =
        bench_cores_busy(&run->config->cpus, &from->cores, &to->cores, ns / (double)GW_NS_PER_SEC);
}

static int measure_time(struct run *run, struct gw_error *err)
{
    struct sums times = {0};
    add_times(run, &times);
    struct sums from = sum_up(run);
    set_phase(run, BENCH_MEASURE);
    int error = last(run, "measuring", &from, run->config->time_ns,
                     units_of(run->config, BENCH_MEASURE), err);
    struct sums to = sum_up(run);
    add_times(run, &to);
    take_difference(run->result, &from, &to);
    take_busiest(run, &times, &to);
    return error;
}

static int measure(struct run *run, struct gw_error *err)
{
    struct bench_result *r = run->result;
    struct bench_proc begin = {0};
    int error = read_server(run, false, &begin, err);
    if (!error)
        error = measure_time(run, err);
    if (!error)
        error = read_server(run, run->config->command == BENCH_IDLE, &r->server_after, err);
    r->server_before.cpu_ns = begin.cpu_ns; /* its memory is that before any connection */
    if (error || bench_result_amount(run->config, r) > 0)
        return error;
    return r->errors ? tell_error(run, err)
                     : gw_error_set(err, GW_EXIT_OTHER,
                                    "the server did nothing in the measured time; raise --time");
}

static int phases(struct run *run, struct gw_error *err)
{
    int r = ramp(run, err);
    if (r)
        return r;
    struct sums from = sum_up(run);
    set_phase(run, BENCH_WARMUP);
    r = last(run, "warming up", &from, run->config->warmup_ns, units_of(run->config, BENCH_WARMUP),
             err);
    return r ? r : measure(run, err);
}

/* ---- threads ---- */

static uint64_t share_of(uint64_t all, unsigned threads, unsigned i)
{
    return all / threads + (i < all % threads);
}

static void prepare(struct run *run)
{
    const struct bench_config *config = run->config;
    for (unsigned i = 0; i < run->count; i++) {
        run->threads[i] = (struct bench_thread){
            .config = config,
            .work = bench_work_of(config),
            .phase = &run->phase,
            .cpu = config->cpus.count ? config->cpus.list[i % config->cpus.count] : -1,
            .conns = (uint32_t)share_of(config->connections, run->count, i),
            .rate = (double)config->rate / run->count,
        };
        for (int phase = BENCH_RAMP; phase < BENCH_STOP; phase++)
            run->threads[i].units[phase] =
                share_of(units_of(config, (enum bench_phase)phase), run->count, i);
    }
}

static int start(struct run *run, struct gw_error *err)
{
    for (unsigned i = 0; i < run->count; i++) {
        if (bench_thread_start(&run->threads[i])) {
            *err = run->threads[i].err;
            return -EAGAIN;
        }
    }
    return 0;
}

static void stop(struct run *run)
{
    struct bench_result *r = run->result;
    set_phase(run, BENCH_STOP);
    for (unsigned i = 0; i < run->count; i++) {
        struct bench_thread *t = &run->threads[i];
        bench_thread_join(t);
        if (t->times)
            bench_histogram_merge(&r->times, t->times);
        free(t->times);
        r->unanswered += t->unanswered;
        if (!r->group[0])
            (void)snprintf(r->group, sizeof(r->group), "%s", t->group);
        if (!r->first_error[0])
            (void)snprintf(r->first_error, sizeof(r->first_error), "%.255s", t->err.text);
    }
}

static int check_files(const struct bench_config *config, struct gw_error *err)
{
    unsigned long have = gw_fd_raise_limit();
    if (have >= config->connections + 64 * config->threads)
        return 0;
    return gw_error_set(err, GW_EXIT_START,
                        "--connections %llu: only %lu files may be open; raise the limit (ulimit "
                        "-n)",
                        (unsigned long long)config->connections, have);
}

int bench_run(const struct bench_config *config, bench_progress_fn *progress, void *arg,
              struct bench_result *ret, struct gw_error *err)
{
    *ret = (struct bench_result){0};
    bench_pattern_init();
    if (gw_aead_init())
        return gw_error_set(err, GW_EXIT_OTHER, "libcrypto lacks a cipher");
    int r = check_files(config, err);
    struct run *run = r ? NULL : calloc(1, sizeof(*run));
    if (!run)
        return r ? r : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    *run = (struct run){.config = config,
                        .count = (unsigned)config->threads,
                        .phase = BENCH_RAMP,
                        .progress = progress,
                        .arg = arg,
                        .result = ret};
    prepare(run);
    r = read_server(run, config->command == BENCH_IDLE, &ret->server_before, err);
    if (!r)
        r = start(run, err);
    if (!r)
        r = phases(run, err);
    stop(run);
    free(run);
    return r;
}

double bench_result_amount(const struct bench_config *config, const struct bench_result *r)
{
    if (config->command == BENCH_IDLE)
        return (double)r->connections;
    if (config->command != BENCH_BULK)
        return (double)r->units;
    return (double)(config->direction == BENCH_DOWN ? r->bytes_down
                    : config->direction == BENCH_UP ? r->bytes_up
                                                    : r->bytes_down + r->bytes_up);
}

bool bench_result_rate_was_reached(const struct bench_config *config, const struct bench_result *r)
{
    return config->rate && (double)r->units >= RATE_SHARE * (double)config->rate * r->seconds;
}

/* Idle connections, and a rate that is kept, leave the time that they leave. */
static bool does_its_utmost(const struct bench_config *config, const struct bench_result *r)
{
    return config->command != BENCH_IDLE && !bench_result_rate_was_reached(config, r);
}

bool bench_result_load_was_limit(const struct bench_config *config, const struct bench_result *r)
{
    return does_its_utmost(config, r) && (r->busiest + r->waited >= BUSY_SHARE ||
                                          (config->cpus.count && r->cores_busy >= BUSY_SHARE));
}

bool bench_result_machine_was_full(const struct bench_config *config, const struct bench_result *r)
{
    return does_its_utmost(config, r) && !config->cpus.count && r->cores_busy >= BUSY_SHARE;
}

double bench_result_server_seconds(const struct bench_result *r)
{
    return (double)(r->server_after.cpu_ns - r->server_before.cpu_ns) / (double)GW_NS_PER_SEC;
}
