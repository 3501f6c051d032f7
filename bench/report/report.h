/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate-bench report`. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

/* Writes the page, whole or not at all. 0, or negative errno with *err filled. */
gw_must_check int bench_report_run(const struct bench_config *config, struct gw_error *err);
