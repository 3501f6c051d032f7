/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/assault.h"

#include "bench/compare/child.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SIZE = 64, /* of a payload, which SYNs lack */
};

#define PATIENCE_NS (20 * GW_NS_PER_SEC) /* for DPDK to start */
#define LOOK_NS (5 * GW_NS_PER_MS)

const char *const bench_assault_sources_words[BENCH_ASSAULT_SOURCES + 1] = {"256", "many", NULL};

static const struct {
    const char *about;
    struct gw_net net;
} sources[BENCH_ASSAULT_SOURCES] = {
    {"256 sources", {.bytes = {198, 19, 7, 0}, .len = 4, .bits = 24}},
    {"131,072 sources in no order", {.bytes = {198, 18, 0, 0}, .len = 4, .bits = 15}},
};

const char *bench_assault_sources_about(unsigned i)
{
    gw_require(i < BENCH_ASSAULT_SOURCES);
    return sources[i].about;
}

static gw_noreturn void be_flood(const struct bench_assault *a)
{
    const struct bench_flood flood = {
        .kind = BENCH_FLOOD_SYN,
        .sources = sources[a->sources].net,
        .port = (uint16_t)a->port,
        .rate = a->rate,
        .size = SIZE,
        .seed = 1,
        .secs = a->secs,
    };
    int r = bench_arena_enter(a->arena, a->arena->links[a->link].far.space, a->error);
    if (!r)
        r = bench_flood_send(&flood, a->arena, a->link, a->counters, a->error);
    _exit(r ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int share_memory(struct bench_assault *a, struct gw_error *err)
{
    if (!a->counters)
        a->counters = bench_child_memory(sizeof(*a->counters));
    if (!a->error)
        a->error = bench_child_memory(sizeof(*a->error));
    if (!a->counters || !a->error)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    memset(a->counters, 0, sizeof(*a->counters));
    *a->error = (struct gw_error){0};
    return 0;
}

/* Why it has ended. */
static int ended(struct bench_assault *a, int status, struct gw_error *err)
{
    a->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) && a->error->text[0]) {
        *err = *a->error;
        return -EIO;
    }
    return gw_error_set(err, GW_EXIT_OTHER, "the flood ended before its time");
}

int bench_assault_check(struct bench_assault *a, struct gw_error *err)
{
    int status;
    if (!a->pid)
        return 0;
    int r = bench_child_wait(a->pid, 0, &status);
    if (r == 0)
        return ended(a, status, err);
    return r == -ETIMEDOUT ? 0 : gw_error_set(err, GW_EXIT_OTHER, "interrupted");
}

static int await(struct bench_assault *a, struct gw_error *err)
{
    int64_t until_ns = gw_clock_ns() + PATIENCE_NS;
    int status, r;
    while (!atomic_load(&a->counters->sending)) {
        r = bench_child_wait(a->pid, LOOK_NS, &status);
        if (r == 0)
            return ended(a, status, err);
        if (r != -ETIMEDOUT)
            return gw_error_set(err, GW_EXIT_OTHER, "interrupted");
        if (gw_clock_ns() > until_ns)
            return gw_error_set(err, GW_EXIT_START, "the flood did not begin");
    }
    return 0;
}

int bench_assault_begin(struct bench_assault *a, struct gw_error *err)
{
    int r = share_memory(a, err);
    if (r || a->rate == 0)
        return r;
    (void)fflush(NULL);
    pid_t pid = bench_child_fork(&a->cpus);
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-pid));
    if (pid == 0)
        be_flood(a);
    a->pid = pid;
    return await(a, err);
}

void bench_assault_end(struct bench_assault *a)
{
    bench_child_stop(a->pid);
    a->pid = 0;
}
