/* SPDX-License-Identifier: Apache-2.0 */
/* The flood of a siege: SYNs at a rate from so many sources, in a process of its own. */
#pragma once

#include "bench/flood/sender.h"
#include "bench/tool/config.h"

enum {
    BENCH_ASSAULT_SOURCES = 2
};

/* By their number; ends with NULL. */
extern const char *const bench_assault_sources_words[BENCH_ASSAULT_SOURCES + 1];
const char *bench_assault_sources_about(unsigned i);

struct bench_assault {
    const struct bench_arena *arena;
    unsigned link; /* from its far end to its near one */
    unsigned port;
    unsigned sources; /* their row */
    uint64_t rate;    /* packets a second; 0: none is sent */
    unsigned secs;    /* at most; bench_assault_end ends it */
    struct bench_cpus cpus;

    pid_t pid; /* 0: none */
    struct bench_flood_counters *counters;
    struct gw_error *error; /* of the process, in shared memory */
};

/* Starts it and waits until it sends. 0, or negative errno with *err filled (-EINTR: we are to
 * end). */
gw_must_check int bench_assault_begin(struct bench_assault *assault, struct gw_error *err);
/* Whether it still runs. */
gw_must_check int bench_assault_check(struct bench_assault *assault, struct gw_error *err);
/* A zeroed object is fine. */
void bench_assault_end(struct bench_assault *assault);
