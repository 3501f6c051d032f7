/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of every transfer. Byte i of a stream depends on i only, and the period is a prime, so
 * that a record lost, doubled or moved shows. Sending and comparing are one pass over memory that
 * stays in the cache.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_PATTERN_PERIOD = 65521,
    BENCH_PATTERN_RUN = 256 * 1024, /* bytes that lie in one piece from any position on */
};

/* Makes the bytes; once, before threads begin. */
void bench_pattern_init(void);
/* BENCH_PATTERN_RUN bytes from this position of the stream on. */
const uint8_t *bench_pattern_at(uint64_t position);
/* Whether data[0…len) are the stream's from this position on. */
bool bench_pattern_matches(uint64_t position, const uint8_t *data, size_t len);
