/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times several things against each other: rounds in turn, so that other load affects all alike.
 * Like gateway/record/turns.h, but keeps each round's figure to show their spread.
 */
#pragma once

#include <stdint.h>

enum {
    BENCH_ROUNDS = 9,
};

struct bench_racer {
    /* One lap: 0 and what it took, or a negative errno. */
    int (*lap)(void *arg, int64_t *ret_ns);
    void *arg;
    unsigned ops; /* of a lap */
    int error;    /* a negative errno: it does not run (again) */
    /* For one operation, in the best lap of each round; after bench_rounds_run in order. */
    double ns[BENCH_ROUNDS];
};

/* Each of them runs laps for budget_ns, parted into BENCH_ROUNDS rounds of at least one lap, and a
 * lap before that counts for nothing. */
void bench_rounds_run(struct bench_racer *racers, unsigned count, int64_t budget_ns,
                      int64_t (*now_ns)(void));
double bench_rounds_best(const struct bench_racer *racer);
double bench_rounds_median(const struct bench_racer *racer);
double bench_rounds_worst(const struct bench_racer *racer);
