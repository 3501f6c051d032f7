/* SPDX-License-Identifier: Apache-2.0 */
/* One measurement: a system started for it alone, loaded, and stopped. */
#pragma once

#include "bench/compare/cases.h"
#include "bench/compare/contender.h"

#include <jansson.h>

/* What a run brought; figures are those of cases.h. */
struct bench_sample {
    double cpu;
    double rate;
    double memory;         /* idle alone */
    double share;          /* of the processors that it has: near 1, and it was the limit */
    double p50_us, p99_us; /* 0: no times belong to the case */
    json_t *json;          /* what bench_output_result_json makes of it */
};

/* For a line on a terminal: "round 2 of 5, bulk-down, nginx". */
struct bench_trial {
    const struct bench_config *config;
    const struct bench_place *place;
    const struct bench_case *one;
    struct bench_contender *contender;
    char title[128];
};

/* 0 with *ret filled, its json for the caller to drop; or negative errno with *err filled (-EINTR:
 * we are to end). */
gw_must_check int bench_trial_run(const struct bench_trial *trial, struct bench_sample *ret,
                                  struct gw_error *err);
