/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of all providers, and their output for people and programs. */
#pragma once

#include "bench/crypto/provider.h"
#include "bench/tool/config.h"

#include <jansson.h>
#include <stdio.h>

enum bench_crypto_direction {
    BENCH_SEAL,
    BENCH_OPEN,
    BENCH_DIRECTIONS,
};

struct bench_crypto_figure {
    bool known; /* else the provider does not run the cipher */
    double best_ns, median_ns, worst_ns;
};

struct bench_crypto_result {
    unsigned count;
    struct bench_crypto_provider providers[BENCH_CRYPTO_PROVIDERS_MAX];
    struct bench_crypto_figure figures[BENCH_CRYPTO_PROVIDERS_MAX][KTLS_CIPHER_COUNT]
                                      [BENCH_DIRECTIONS][BENCH_SIZES_MAX];
};

/* Bytes in a nanosecond: GB/s. */
double bench_crypto_gb_per_s(const struct bench_crypto_figure *figure, size_t len);
/* Seconds for a GiB in records of `len` bytes by the fastest of those that call a library directly;
 * 0 when none was measured. *ret_name is that one. */
double bench_crypto_floor(const struct bench_crypto_result *r, const struct bench_sizes *sizes,
                          enum ktls_cipher cipher, enum bench_crypto_direction direction,
                          size_t len, const char **ret_name);

void bench_crypto_table(FILE *out, const struct bench_config *config,
                        const struct bench_crypto_result *r);
/* A new reference; NULL without memory. `roofs` (NULL: none) is from roofline.h and taken. */
json_t *bench_crypto_json(const struct bench_config *config, const struct bench_crypto_result *r,
                          json_t *roofs);
