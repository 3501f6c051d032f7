/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/rounds.h"

#include "gateway/base/attr.h"

#include <stdlib.h>

/* A lap is over in microseconds, so that most of them are interrupted by nobody even where the
 * processor is shared: the best one is what the thing takes. */
static void run_round(struct bench_racer *racer, unsigned round, int64_t budget_ns,
                      int64_t (*now_ns)(void))
{
    int64_t until_ns = now_ns() + budget_ns;
    int64_t best_ns = INT64_MAX;
    do {
        int64_t ns = 0;
        racer->error = racer->lap(racer->arg, &ns);
        best_ns = GW_MIN(best_ns, ns);
    } while (!racer->error && now_ns() < until_ns);
    racer->ns[round] = (double)best_ns / racer->ops;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void bench_rounds_run(struct bench_racer *racers, unsigned count, int64_t budget_ns,
                      int64_t (*now_ns)(void))
{
    for (unsigned i = 0; i < count; i++)
        if (!racers[i].error)
            run_round(&racers[i], 0, 0, now_ns); /* faults its pages in */
    for (unsigned round = 0; round < BENCH_ROUNDS; round++)
        for (unsigned i = 0; i < count; i++)
            if (!racers[i].error)
                run_round(&racers[i], round, budget_ns / BENCH_ROUNDS, now_ns);
    for (unsigned i = 0; i < count; i++)
        qsort(racers[i].ns, BENCH_ROUNDS, sizeof(racers[i].ns[0]), compare);
}

double bench_rounds_best(const struct bench_racer *racer)
{
    return racer->ns[0];
}

double bench_rounds_median(const struct bench_racer *racer)
{
    return racer->ns[BENCH_ROUNDS / 2];
}

double bench_rounds_worst(const struct bench_racer *racer)
{
    return racer->ns[BENCH_ROUNDS - 1];
}
