/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of a load: its ring, its connections, what it counts. */
#pragma once

#include "bench/load/conn.h"
#include "bench/load/histogram.h"
#include "gateway/base/pool.h"

#include <pthread.h>
#include <stdatomic.h>

enum bench_phase {
    BENCH_RAMP,    /* opening the connections */
    BENCH_WARMUP,  /* working, not measured */
    BENCH_MEASURE, /* requests count */
    BENCH_STOP,
};

/* Read by the main thread while this one works. */
struct bench_counts {
    atomic_uint_fast64_t units; /* handshakes, requests, connections: what the work counts */
    atomic_uint_fast64_t bytes_down;
    atomic_uint_fast64_t bytes_up;
    atomic_uint_fast64_t errors;
    atomic_uint_fast64_t open;    /* connections that are open now */
    atomic_uint_fast64_t resumed; /* handshakes */
};

struct bench_work;

struct bench_thread {
    const struct bench_config *config;
    const struct bench_work *work;
    const atomic_int *phase;
    int cpu;                    /* -1: not pinned */
    uint32_t conns;             /* its share of --connections */
    uint64_t units[BENCH_STOP]; /* --units: its share of those of each phase */

    pthread_t id;
    atomic_int tid; /* 0: it has not begun */
    bool running;
    struct gw_ring *ring;
    struct gw_pool pool;
    struct bench_tls_client *tls;
    char head[1024]; /* bulk: of each request */
    int64_t now_ns;
    enum bench_phase begun; /* the phase that it knows of */
    uint64_t units_left;    /* --units: that may begin in this phase; else no end of them */
    uint32_t opening;       /* connections that are not open yet */
    uint32_t living;        /* connections that are not over */
    uint64_t opened_ever;   /* all other connections so far */
    uint32_t check_slot;    /* the connection that is checked next for a timeout of its server */
    int64_t checked_ns;

    double rate;          /* requests per second of this thread, 0: closed loop */
    double due_ns;        /* when the next request is due */
    uint64_t unanswered;  /* requests that were due and not answered at the end */
    uint32_t *idle_slots; /* connections that wait for it, a stack */
    uint32_t idle_count;

    struct bench_counts counts;
    struct bench_histogram *times; /* of the measured phase */
    char group[32];                /* that the first handshake used */
    struct gw_error err;           /* the first error */
};

static inline void bench_count(atomic_uint_fast64_t *counter, uint64_t n)
{
    /* One writer: no locked instruction is needed. A reader that sees the count sees all earlier
     * writes. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_release);
}

static inline enum bench_phase bench_thread_phase(const struct bench_thread *t)
{
    return (enum bench_phase)atomic_load_explicit(t->phase, memory_order_relaxed);
}

/* One more unit may begin in this phase. */
static inline bool bench_thread_take_unit(struct bench_thread *t)
{
    if (t->units_left == 0)
        return false;
    t->units_left -= t->units_left != UINT64_MAX;
    return true;
}

/* Begins to work; config, work, phase, cpu, conns and units are set. 0, or negative errno with
 * t->err filled. What goes wrong in the thread itself shows in t->counts.errors; t->err has the
 * first. */
gw_must_check int bench_thread_start(struct bench_thread *t);
/* Once the phase is STOP; t->times stay for the caller to free. */
void bench_thread_join(struct bench_thread *t);

/* Adds a time to the histogram. Does nothing outside the measured phase. */
static inline void bench_thread_time(struct bench_thread *t, int64_t ns)
{
    if (bench_thread_phase(t) == BENCH_MEASURE)
        bench_histogram_add(t->times, ns, 1);
}

/* The connection in a slot, NULL if there is none now. *ret_exists: whether the pool has a slot of
 * this number. */
static inline struct bench_conn *bench_thread_conn(const struct bench_thread *t, uint32_t slot,
                                                   bool *ret_exists)
{
    struct bench_conn *c = gw_pool_at(&t->pool, slot);
    *ret_exists = c != NULL;
    /* A slot that was never used has no thread. */
    return c && c->thread ? gw_pool_find(&t->pool, slot, c->generation) : NULL;
}

/* Counts a connection that was opened. */
static inline void bench_thread_opened(struct bench_thread *t)
{
    t->opening--;
    bench_count(&t->counts.open, 1);
}

/* Counts a connection that ended. */
static inline void bench_thread_closed(struct bench_thread *t, bool was_open)
{
    t->living--;
    if (was_open)
        bench_count(&t->counts.open, (uint64_t)-1);
    else
        t->opening--;
}
