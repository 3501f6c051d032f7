/* SPDX-License-Identifier: Apache-2.0 */
/* A siege for people and for programs. What the JSON holds is in bench/README.md. */
#pragma once

#include "bench/siege/step.h"

#include <jansson.h>
#include <stdio.h>

enum {
    BENCH_RATES_MAX = 16,
    BENCH_STEPS_MAX = 256,
};

struct bench_outcome {
    const struct bench_stage *stage;
    struct bench_step *steps; /* in the order of the table */
    unsigned count;
};

/* The share of its flood-free speed that the transfer lost, behind the same defence; false:
 * unknown. */
bool bench_outcome_loss(const struct bench_outcome *o, const struct bench_step *step, double *ret);

/* What a whole table begins with, and a row of it as soon as it is known. */
void bench_outcome_head(FILE *out, const struct bench_outcome *o);
void bench_outcome_row(FILE *out, const struct bench_outcome *o, const struct bench_step *step);
/* A new reference; NULL without memory. */
json_t *bench_outcome_json(const struct bench_outcome *o);
