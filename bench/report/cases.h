/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a page that compares systems, case by case. Results of single commands are treated
 * alike: each file is a system, and files with the same settings are a case.
 */
#pragma once

#include "bench/report/page.h"

/* A new reference to a list of cases, as `compare` has it, of all single results; NULL without
 * memory. */
json_t *bench_cases_of_singles(const struct bench_inputs *inputs);

/* How far ktlsgate is from the best of the others, in all cases of a comparison. */
gw_must_check int bench_cases_overview(struct bench_page *page, const json_t *compare,
                                       struct gw_error *err);
/* A section for each. 0, or negative errno with *err filled. */
gw_must_check int bench_cases_write(struct bench_page *page, const json_t *cases,
                                    struct gw_error *err);
/* Throughput by number of workers, of each case; nothing where all have as many. */
gw_must_check int bench_cases_scaling(struct bench_page *page, const json_t *compare,
                                      struct gw_error *err);
