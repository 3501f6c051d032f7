/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legitimate clients: a handshake is due so many times a second, whether those before it have ended
 * or not, and counts from when it was due. One that fails, or is late, is a failure to be counted
 * and nothing more. They are a process of their own.
 */
#pragma once

#include "bench/arena/arena.h"
#include "bench/load/histogram.h"
#include "bench/tool/config.h"

#include <stdatomic.h>

enum bench_crowd_phase {
    BENCH_CROWD_WARM,  /* handshakes, which do not count */
    BENCH_CROWD_COUNT, /* those that are due from now on count */
    BENCH_CROWD_DRAIN, /* no new ones; those that count may end */
};

/* In memory that the process shares; it is the one writer but for the phase. */
struct bench_crowd_counters {
    atomic_int phase;
    _Atomic uint64_t begun, succeeded, failed, late; /* of those that count; begun: were due */
    _Atomic uint64_t greeted;                        /* all that succeeded, whenever */
    struct bench_histogram times;                    /* due to done */
    struct gw_error error; /* the first that failed, or why the process ended */
};

struct bench_crowd {
    const struct bench_arena *arena;
    unsigned link; /* from its far end to its near one */
    unsigned port;
    uint64_t rate; /* handshakes a second */
    int64_t timeout_ns;
    struct bench_cpus cpus;

    pid_t pid; /* 0: none */
    struct bench_crowd_counters *counters;
};

enum {
    BENCH_CROWD_EACH = 25, /* handshakes a second of an address; half of syn-limit.nft's limit */
    BENCH_CROWD_RATE_MAX = 5000,
    BENCH_CROWD_TIMEOUT_MAX_S = 20,
};

/* Gives the clients their addresses; once. */
gw_must_check int bench_crowd_settle(const struct bench_crowd *crowd, struct gw_error *err);
/* 0, or negative errno with *err filled. */
gw_must_check int bench_crowd_begin(struct bench_crowd *crowd, struct gw_error *err);
/* Whether it still runs. */
gw_must_check int bench_crowd_check(struct bench_crowd *crowd, struct gw_error *err);
/* Whether all that count have ended. */
bool bench_crowd_is_drained(const struct bench_crowd *crowd);
void bench_crowd_end(struct bench_crowd *crowd);
