/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison for programs. What the JSON holds is in bench/README.md. */
#pragma once

#include "bench/compare/figures.h"

/* A new reference; NULL without memory. */
json_t *bench_resultfile_json(const struct bench_config *config, const struct bench_figures *f);
/* Writes compare.json and how each system was configured into a folder, which is made. 0, or
 * negative errno with *err filled. */
gw_must_check int bench_resultfile_write(const char *folder, const json_t *json,
                                         const struct bench_figures *f, struct gw_error *err);
