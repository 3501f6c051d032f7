/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/thread.h"

#include "bench/load/work.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    /* Connections that stay are opened by so many at a time: a listener's backlog is finite. */
    OPENING_MAX = 64,
    /* At the end connections are dropped in a few turns; more would be a bug. */
    DRAIN_TURNS = 1000,
};

/* How long a change of phase may go unseen. */
#define LOOK_NS (5 * GW_NS_PER_MS)

static void make_head(struct bench_thread *t)
{
    const struct bench_config *config = t->config;
    const char *host = config->server_name ? config->server_name : "localhost";
    if (config->direction == BENCH_UP)
        (void)snprintf(t->head, sizeof(t->head),
                       "PUT /bytes HTTP/1.1\r\nHost: %s\r\nContent-Length: %" PRIu64 "\r\n\r\n",
                       host, config->size);
    else if (config->path)
        (void)snprintf(t->head, sizeof(t->head), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                       config->path, host);
    else
        (void)snprintf(t->head, sizeof(t->head),
                       "GET /bytes/%" PRIu64 " HTTP/1.1\r\nHost: %s\r\n\r\n", config->size, host);
}

/* Runs in the thread itself, since only the creator of a ring may use it. */
static int init(struct bench_thread *t)
{
    const struct gw_ring_config ring = {
        .max_conns = t->conns * 2,
        .max_buffers = GW_MIN(t->conns * 4 + 64, 1U << 16),
    };
    int r = gw_ring_new(&t->ring, &ring);
    if (r)
        return gw_error_set(&t->err, GW_EXIT_OTHER, "%s", gw_ring_why(r));
    t->idle_slots = calloc(t->conns, sizeof(*t->idle_slots));
    /* Twice, for those that are over and wait for their last completion. */
    if (gw_pool_init(&t->pool, sizeof(struct bench_conn), t->conns * 2 + OPENING_MAX, false) ||
        !t->idle_slots)
        return gw_error_set(&t->err, GW_EXIT_OTHER, "out of memory");
    make_head(t);
    if (t->config->plain)
        return 0;
    r = bench_tls_client_new(&t->tls, t->config, &t->err);
    if (!r && t->config->resume == BENCH_RESUMED)
        r = bench_tls_client_get_session(t->tls, t->config, &t->err);
    return r;
}

static void done(struct bench_thread *t)
{
    gw_ring_free(t->ring);
    gw_pool_done(&t->pool);
    bench_tls_client_free(t->tls);
    free(t->idle_slots);
}

static void on_completion(void *arg, const struct gw_completion *done)
{
    struct bench_thread *t = arg;
    struct bench_conn *c = gw_pool_find(&t->pool, done->token.slot, done->token.generation);
    if (c)
        bench_conn_completed(c, done);
}

static void open_more(struct bench_thread *t)
{
    uint32_t at_a_time = t->work->replaces ? t->conns : OPENING_MAX;
    uint32_t tries = OPENING_MAX;
    while (tries-- > 0 && t->living < t->conns && t->opening < at_a_time &&
           (t->work->replaces ? bench_thread_take_unit(t) : t->opened_ever < t->conns))
        bench_conn_open(t);
}

/* With --units each phase has so many of them, and the connections rest in between. */
static void look_at_phase(struct bench_thread *t)
{
    enum bench_phase phase = bench_thread_phase(t);
    if (!t->config->units || phase == t->begun || phase == BENCH_STOP)
        return;
    t->begun = phase;
    t->units_left = t->units[phase];
    bench_work_wake(t);
}

static int64_t wait_ns(const struct bench_thread *t)
{
    int64_t ns = t->work->wait_ns ? t->work->wait_ns(t) : -1;
    return ns < 0 ? LOOK_NS : GW_MIN(ns, LOOK_NS);
}

static bool turn(struct bench_thread *t, int64_t timeout_ns)
{
    int r = gw_ring_wait(t->ring, timeout_ns, on_completion, t);
    t->now_ns = gw_clock_ns();
    if (!r || r == -EINTR)
        return true;
    (void)gw_error_set(&t->err, GW_EXIT_OTHER, "io_uring failed: %s", strerror(-r));
    bench_count(&t->counts.errors, 1);
    return false;
}

/* Looks for connections that the server has left waiting, some at a time: all within a second. */
static void check_some(struct bench_thread *t)
{
    bool exists;
    if (t->now_ns - t->checked_ns < LOOK_NS)
        return;
    t->checked_ns = t->now_ns;
    for (uint32_t n = t->conns / 64 + 32; n > 0; n--) {
        struct bench_conn *c = bench_thread_conn(t, t->check_slot, &exists);
        t->check_slot = exists ? t->check_slot + 1 : 0;
        if (c)
            bench_conn_check(c);
    }
}

static void drop_all(struct bench_thread *t)
{
    bool exists = true;
    for (uint32_t slot = 0; exists; slot++) {
        struct bench_conn *c = bench_thread_conn(t, slot, &exists);
        if (c)
            bench_conn_drop(c);
    }
    for (int i = 0; i < DRAIN_TURNS && t->pool.used > 0 && turn(t, LOOK_NS); i++)
        ;
}

static void pin(const struct bench_thread *t)
{
    cpu_set_t set;
    if (t->cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(t->cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static void load(struct bench_thread *t)
{
    t->now_ns = gw_clock_ns();
    t->units_left = t->config->units ? 0 : UINT64_MAX;
    do {
        look_at_phase(t);
        open_more(t);
        check_some(t);
        if (t->work->tick)
            t->work->tick(t);
    } while (turn(t, wait_ns(t)) && bench_thread_phase(t) != BENCH_STOP);
    if (t->work->finish)
        t->work->finish(t);
    drop_all(t);
}

static void *run(void *arg)
{
    struct bench_thread *t = arg;
    atomic_store(&t->tid, gettid());
    pin(t);
    (void)prctl(PR_SET_TIMERSLACK, 1); /* else a request that is due waits 50 us more */
    if (init(t))
        bench_count(&t->counts.errors, 1);
    else
        load(t);
    done(t);
    return NULL;
}

int bench_thread_start(struct bench_thread *t)
{
    t->times = calloc(1, sizeof(*t->times));
    if (!t->times)
        return gw_error_set(&t->err, GW_EXIT_OTHER, "out of memory");
    int r = pthread_create(&t->id, NULL, run, t);
    t->running = r == 0;
    return r ? gw_error_set(&t->err, GW_EXIT_OTHER, "no thread: %s", strerror(r)) : 0;
}

void bench_thread_join(struct bench_thread *t)
{
    if (t->running)
        (void)pthread_join(t->id, NULL);
    t->running = false;
}
