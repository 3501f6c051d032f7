/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing things by timing them: they take turns, a few rounds each. What else the machine does
 * comes and goes, and processors change their speed; so it meets all of them alike, where one after
 * the other some would be unlucky. What counts is the best round, which is one that nothing
 * disturbed.
 */
#pragma once

#include <stdint.h>

enum {
    GW_TURN_ROUNDS = 2, /* the first finds the caches full of the others' doings */
    GW_TURNS_MIN = 2,
};

/* One of the things that are compared. */
struct gw_contender {
    /* Runs one round: 0 and what it took, or a negative errno. */
    int (*run)(void *arg, int64_t *ret_ns);
    void *arg;
    int error;       /* a negative errno: it is not run (again); it may be set from the start */
    int64_t best_ns; /* of all rounds but the very first; of no meaning with an error */
};

/*
 * Lets them all run until `budget_ns` have passed on the clock `now_ns`, and at least GW_TURNS_MIN
 * turns. Each runs as often as the others; one that fails is not run again, the others go on.
 */
void gw_turns_take(struct gw_contender *contenders, unsigned count, int64_t budget_ns,
                   int64_t (*now_ns)(void));
