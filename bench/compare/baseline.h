/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ktlsgate's ratios were once: a committed file, so that no regression slips in. It holds
 * {"cases": {"bulk-down": {"ratio": 0.6, "tolerance": 0.1}, …}}; a case is worse when its ratio is
 * above ratio * (1 + tolerance).
 */
#pragma once

#include "bench/compare/figures.h"

#include <stdio.h>

/* 0 with a new reference; negative errno with *err filled: no such file, or it holds something
 * else. */
gw_must_check int bench_baseline_read(json_t **ret, const char *path, struct gw_error *err);
/* Says of each case that stands in both how it compares. Returns how many are worse. */
unsigned bench_baseline_judge(FILE *out, const json_t *baseline, const struct bench_figures *f);
