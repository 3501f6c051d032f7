/* SPDX-License-Identifier: Apache-2.0 */
/* The page around the plots, and the state that goes through all that writes it. */
#pragma once

#include "bench/report/chart.h"
#include "bench/report/input.h"

#include <stdio.h>

struct bench_page {
    FILE *out;
    unsigned plots;
    struct bench_colours systems, providers;
    struct bench_chart chart; /* what is being drawn: large */
};

void bench_page_begin(struct bench_page *page, const struct bench_inputs *inputs);
/* A chart that holds something, with what it shows and which end is better. 0, or negative errno
 * with *err filled. */
gw_must_check int bench_page_plot(struct bench_page *page, const char *title, const char *better,
                                  struct gw_error *err);
/* Empties the chart for the next. */
struct bench_chart *bench_page_chart(struct bench_page *page, enum bench_chart_kind kind,
                                     const char *unit);
/* Where each figure comes from: machine, settings, the command to repeat it; then the end. */
void bench_page_end(struct bench_page *page, const struct bench_inputs *inputs);
