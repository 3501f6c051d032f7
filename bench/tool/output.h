/* SPDX-License-Identifier: Apache-2.0 */
/* Figures for people and for programs. What the JSON holds is in bench/README.md. */
#pragma once

#include "bench/load/run.h"

#include <jansson.h>
#include <stdio.h>

/* A line on a terminal that is written again and again; nothing elsewhere. For bench_run. */
void bench_output_progress(void *arg, const char *phase, double second, double of,
                           const struct bench_result *so_far);
void bench_output_progress_end(void);

/* What was asked for, in one line: "bulk down, TLS 1.3, aes-128-gcm, 16 connections". */
void bench_output_title(const struct bench_config *config, char *out, size_t size);
void bench_output_table(FILE *out, const struct bench_config *config, const struct bench_result *r);
/* A new reference; NULL without memory. */
json_t *bench_output_json(const struct bench_config *config, const struct bench_result *r);
/* Quantiles, extremes and the whole curve, in microseconds. */
json_t *bench_output_times_json(const struct bench_histogram *h);
/* The figures in it alone. */
json_t *bench_output_result_json(const struct bench_config *config, const struct bench_result *r);
/* JSON to standard output with --json, and to the file of --save. NULL: out of memory, or
 * neither flag is set. 0, or negative errno with *err filled. */
gw_must_check int bench_output_give(const struct bench_config *config, const json_t *json,
                                    struct gw_error *err);
/* The result as the flags ask, as a table or as above. */
gw_must_check int bench_output_result(const struct bench_config *config,
                                      const struct bench_result *r, struct gw_error *err);
/* Writes the JSON whole or not at all. 0, or negative errno with *err filled. */
gw_must_check int bench_output_save(const char *path, const json_t *json, struct gw_error *err);
