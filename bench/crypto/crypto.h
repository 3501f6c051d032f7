/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate-bench crypto`. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

/* Measures and prints. 0, or negative errno with *err filled: among others where a provider
 * computes something else than libcrypto. */
gw_must_check int bench_crypto_run(const struct bench_config *config, struct gw_error *err);
