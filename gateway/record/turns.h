/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares things by timing them in turns, a few rounds each. Other load comes and goes, and
 * processors change their speed; in turns that affects all alike. The best round counts, as the one
 * with the least disturbance.
 */
#pragma once

#include <stdint.h>

enum {
    GW_TURN_ROUNDS = 2, /* the first round finds the caches filled by the others */
    GW_TURNS_MIN = 2,
};

/* One of the things compared. */
struct gw_contender {
    /* Runs one round. 0 with its time in *ret_ns, or a negative errno. */
    int (*run)(void *arg, int64_t *ret_ns);
    void *arg;
    int error;       /* a negative errno: it is not run (again); may be set in advance */
    int64_t best_ns; /* the best of all rounds except the first; meaningless with an error */
};

/*
 * Runs all in turns until `budget_ns` have passed on the clock `now_ns`, and for at least
 * GW_TURNS_MIN turns. Each runs equally often. One that fails is not run again; the others
 * continue.
 */
void gw_turns_take(struct gw_contender *contenders, unsigned count, int64_t budget_ns,
                   int64_t (*now_ns)(void));
