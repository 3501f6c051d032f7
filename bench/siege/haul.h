/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long transfer through the gateway that began before the flood, in a process of its own: how
 * much has come is noted some times a second.
 */
#pragma once

#include "bench/arena/arena.h"
#include "bench/tool/config.h"

#include <stdatomic.h>

enum {
    BENCH_HAUL_NOTES_MAX = 1024,
    BENCH_HAUL_LATE_MS = 500, /* what is not there so long after it was due is not on time */
};

/* In memory that the process shares; it is the one writer. */
struct bench_haul_log {
    atomic_uint count;
    struct {
        int64_t ns;
        uint64_t bytes; /* since it began */
    } notes[BENCH_HAUL_NOTES_MAX];
    struct gw_error error; /* why it has ended; "": it still runs, or was killed */
};

struct bench_haul {
    const struct bench_arena *arena;
    unsigned link; /* its client is at the far end */
    unsigned port;
    uint64_t mib; /* a second, 0: as fast as it goes */
    struct bench_cpus cpus;

    pid_t pid;  /* 0: none */
    bool ended; /* by itself */
    struct bench_haul_log *log;
};

/* Bytes a second. */
struct bench_haul_speed {
    double mean;    /* of all that came, what had been due before with it */
    double on_time; /* without what was due before, or is late; with no rate the mean */
    double p50;     /* half of the slices were at least as fast */
    double slowest; /* no slice was slower; of 0.2 s, like the notes */
};

/* Starts it and waits until bytes have come. 0, or negative errno with *err filled (-EINTR: we are
 * to end). */
gw_must_check int bench_haul_begin(struct bench_haul *haul, struct gw_error *err);
/* Looks whether it has ended. */
void bench_haul_check(struct bench_haul *haul);
/* Whether all is known of the time until then. */
bool bench_haul_knows(const struct bench_haul *haul, int64_t until_ns);
/* Between two times. From its end on nothing comes. */
struct bench_haul_speed bench_haul_speed(const struct bench_haul *haul, int64_t from_ns,
                                         int64_t to_ns);
void bench_haul_end(struct bench_haul *haul);
