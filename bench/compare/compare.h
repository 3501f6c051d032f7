/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate-bench compare`: rounds of measurements, in which the systems take turns. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

/* All of it, with what it prints and writes. 0, or negative errno with *err filled: it could not
 * begin, was interrupted, a system failed, or ktlsgate is worse than the baseline. */
gw_must_check int bench_compare_run(const struct bench_config *config, struct gw_error *err);
