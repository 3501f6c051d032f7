/* SPDX-License-Identifier: Apache-2.0 */
/* The command: a flood between two network namespaces, or into a file. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

gw_must_check int bench_flood_run(const struct bench_config *config, struct gw_error *err);
