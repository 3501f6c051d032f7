/* SPDX-License-Identifier: Apache-2.0 */
/* One that takes part in a comparison: a system as it was found here, with so many workers. */
#pragma once

#include "bench/compare/peers.h"
#include "bench/compare/place.h"

#include <limits.h>

enum {
    BENCH_CONTENDERS_MAX = 32
};

struct bench_contender {
    const struct bench_peer *peer;
    unsigned workers;
    char name[32];          /* of the system; with several counts of workers "ktlsgate-4w" */
    char program[PATH_MAX]; /* where it lies */
    char version[64];
    char *text; /* how it was configured: its file, or its command line; NULL: not started yet */
};

struct bench_contenders {
    struct bench_contender list[BENCH_CONTENDERS_MAX];
    unsigned count;
    char absent[128]; /* names of systems that are not installed, joined by ", " */
};

/* Finds all that are asked for; those that are not installed are named in `absent` only. 0, or
 * negative errno with *err filled: an unknown name, a bad list, no ktlsgate. */
gw_must_check int bench_contenders_find(struct bench_contenders *ret,
                                        const struct bench_comparison *compare,
                                        struct gw_error *err);
void bench_contenders_done(struct bench_contenders *all);

/* The largest count of workers in the list; 1 without. 0, or negative errno with *err filled. */
gw_must_check int bench_contenders_workers(const char *list, unsigned *ret_max,
                                           struct gw_error *err);
