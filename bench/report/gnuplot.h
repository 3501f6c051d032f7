/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charts drawn by gnuplot as a child, which reads its script from standard input and writes SVG. A
 * gnuplot script can run commands, and names in a chart may come from anyone's file: so numbers
 * reach it as numbers and names only as the characters that bench_gnuplot_label lets through.
 */
#pragma once

#include "bench/report/chart.h"
#include "gateway/base/error.h"

#include <stdio.h>

/* What of a name may stand between quotes in a script: letters, digits, blanks, a few signs and µ;
 * all else is '?'. */
void bench_gnuplot_label(const char *text, char out[BENCH_NAME_MAX]);

/* Writes the script of one chart. `number` distinguishes it from others of a page. */
void bench_gnuplot_script(FILE *out, const struct bench_chart *chart, unsigned number);

/* gnuplot's SVG as it can stand in a page with others: from <svg on, with ids of its own. */
void bench_gnuplot_copy(FILE *out, const char *svg, unsigned number);

/* Draws a chart into a page. 0, or negative errno with *err filled. */
gw_must_check int bench_gnuplot_draw(FILE *out, const struct bench_chart *chart, unsigned number,
                                     struct gw_error *err);
