/* SPDX-License-Identifier: Apache-2.0 */
/* All that was measured, and what follows from it: medians, their spread, ratios. */
#pragma once

#include "bench/compare/trial.h"

/* A case of a contender: one sample a round. */
struct bench_row {
    struct bench_sample samples[BENCH_ROUNDS_MAX];
    unsigned count;
    char error[512]; /* why there are no more; "": all went well */
};

struct bench_spread {
    double median, min, max; /* all 0 without samples */
};

struct bench_figures {
    struct bench_contenders contenders;
    const struct bench_case *cases[BENCH_CASES_MAX];
    unsigned case_count;
    struct bench_row rows[BENCH_CASES_MAX][BENCH_CONTENDERS_MAX];
};

/* Whether a contender takes part in a case. */
bool bench_figures_has(const struct bench_figures *f, unsigned at_case, unsigned contender);

/* `offset` is that of a double in struct bench_sample. */
struct bench_spread bench_figures_spread(const struct bench_row *row, size_t offset);
/* The spread of the figure that ranks the contenders. */
struct bench_spread bench_figures_cost(const struct bench_figures *f, unsigned at_case,
                                       unsigned contender);
/* The sample with the median cost, the lower one of two; NULL without samples. */
const struct bench_sample *bench_figures_middle(const struct bench_figures *f, unsigned at_case,
                                                unsigned contender);
/* The peer with the best median among those with as many workers; -1: there is none. */
int bench_figures_best_peer(const struct bench_figures *f, unsigned at_case, unsigned workers);
/* The contender's median divided by the best peer's; 0: unknown. */
double bench_figures_ratio(const struct bench_figures *f, unsigned at_case, unsigned contender);

void bench_figures_done(struct bench_figures *f);
