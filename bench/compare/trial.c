/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/trial.h"

#include "bench/compare/child.h"
#include "bench/compare/server.h"
#include "bench/tool/options.h"
#include "bench/tool/output.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A load that takes so much longer than it should hangs. */
#define PATIENCE_NS (180 * GW_NS_PER_SEC)

/* Fewer resumed handshakes are another case. The first few are under way when counting begins. */
#define RESUMED_SHARE 0.98

enum {
    WAKING_HANDSHAKES = 100
};

/* Filled by the process that loads: a process, so that it can be ended whatever it does. */
struct report {
    int r;
    struct gw_error err;
    struct bench_result result;
};

static void show(void *arg, const char *phase, double second, double of,
                 const struct bench_result *so_far)
{
    const struct bench_trial *trial = arg;
    (void)so_far;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K%s: %s %.0f of %.0f s ", trial->title, phase, second, of);
}

/* A few handshakes before: what a server takes for its first connection ever, and workers that it
 * had not started, are no cost of those that are counted. */
static int wake(const struct bench_config *load, struct report *report)
{
    struct bench_config waking = *load;
    waking.command = BENCH_HANDSHAKE;
    waking.pids.count = 0;
    waking.connections = waking.threads = 1;
    waking.units = WAKING_HANDSHAKES; /* however long they take */
    return bench_run(&waking, NULL, NULL, &report->result, &report->err);
}

static gw_noreturn void be_load(const struct bench_trial *trial, const struct bench_config *load,
                                struct report *report)
{
    report->r = load->command == BENCH_IDLE ? wake(load, report) : 0;
    if (!report->r)
        report->r = bench_run(load, show, (void *)(uintptr_t)trial, &report->result, &report->err);
    _exit(0);
}

static int load_ended(const struct report *report, const struct bench_trial *trial,
                      const struct bench_config *load, struct gw_error *err)
{
    const struct bench_result *r = &report->result;
    const char *name = trial->contender->name;
    if (report->r)
        return gw_error_set(err, GW_EXIT_OTHER, "%s, %s: %.400s", trial->one->name, name,
                            report->err.text);
    if (r->errors)
        return gw_error_set(err, GW_EXIT_OTHER, "%s, %s: %llu connections failed, the first: %s",
                            trial->one->name, name, (unsigned long long)r->errors, r->first_error);
    if (load->resume == BENCH_RESUMED &&
        (double)r->handshakes_resumed < RESUMED_SHARE * (double)r->units)
        return gw_error_set(err, GW_EXIT_OTHER,
                            "%s, %s: only %llu of more than %llu handshakes were resumed",
                            trial->one->name, name, (unsigned long long)r->handshakes_resumed,
                            (unsigned long long)r->units);
    return 0;
}

static int run_load(const struct bench_trial *trial, const struct bench_config *load,
                    struct report *report, struct gw_error *err)
{
    int status;
    *report = (struct report){.r = -EIO};
    (void)gw_error_set(&report->err, GW_EXIT_OTHER, "the load ended before its time");
    (void)fflush(NULL);
    pid_t pid = bench_child_fork(&trial->config->compare.load_cpus);
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-pid));
    if (pid == 0)
        be_load(trial, load, report);
    int r = bench_child_wait(pid, PATIENCE_NS + load->time_ns + load->warmup_ns, &status);
    if (isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
    if (!r)
        return load_ended(report, trial, load, err);
    bench_child_stop(pid);
    (void)gw_error_set(err, GW_EXIT_OTHER, "%s, %s: the load does not end", trial->one->name,
                       trial->contender->name);
    return r;
}

static void take_sample(const struct bench_trial *trial, const struct bench_config *load,
                        const struct bench_result *r, struct bench_sample *ret)
{
    const struct bench_case *one = trial->one;
    *ret = (struct bench_sample){
        .cpu = bench_case_cpu(one, load, r),
        .rate = bench_case_rate(one, load, r),
        .memory = one->measure == BENCH_MEMORY_PER_CONN ? bench_case_memory(r) : 0,
        .share = bench_result_server_seconds(r) / r->seconds / trial->contender->workers,
        .p50_us = (double)bench_histogram_at(&r->times, 0.5) / 1e3,
        .p99_us = (double)bench_histogram_at(&r->times, 0.99) / 1e3,
        .json = bench_output_result_json(load, r),
    };
}

static int measure(const struct bench_trial *trial, struct report *report, struct bench_sample *ret,
                   struct gw_error *err)
{
    struct bench_server server;
    struct bench_config load;
    struct bench_contender *c = trial->contender;
    int r = bench_server_start(&server, c, trial->place, &trial->config->compare.server_cpus, err);
    if (r)
        return r;
    bench_case_load(trial->one, trial->config, server.port, c->peer->plain, &load);
    load.pids = (struct bench_pids){.list = {server.pid}, .count = 1};
    r = run_load(trial, &load, report, err);
    bench_server_stop(&server);
    if (!r)
        take_sample(trial, &load, &report->result, ret);
    return r;
}

int bench_trial_run(const struct bench_trial *trial, struct bench_sample *ret, struct gw_error *err)
{
    struct report *report = bench_child_memory(sizeof(*report));
    if (!report)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    int r = measure(trial, report, ret, err);
    (void)munmap(report, sizeof(*report));
    return r;
}
