/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway under a flood of SYNs, with clients and a long transfer: how the flood affects
 * them, for each defence and each rate. All of it is in network namespaces (bench/arena). What
 * follows for DPDK is in kernel-notes/why-dpdk-is-not-on-the-serving-path.md.
 */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

gw_must_check int bench_siege_run(const struct bench_config *config, struct gw_error *err);
