/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How close the gateway's relay is to the cost of its encryption alone: from a result of `compare`,
 * ktlsgate's CPU time for a GiB less that of nginx relaying the same bytes in plaintext, compared
 * with the time this processor needs to seal or open a GiB.
 */
#pragma once

#include "bench/crypto/result.h"
#include "gateway/base/error.h"

/* A new reference: a list of one object for each direction that the file has; NULL with *err
 * filled. */
json_t *bench_roofline_read(const char *path, const struct bench_config *config,
                            const struct bench_crypto_result *r, struct gw_error *err);
/* The same from what was read already; for tests. `name` is the file's. */
json_t *bench_roofline_of(const json_t *compare, const char *name,
                          const struct bench_config *config, const struct bench_crypto_result *r,
                          struct gw_error *err);
void bench_roofline_print(FILE *out, const json_t *roofs);
