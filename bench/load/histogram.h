/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in log-linear buckets, as HDR histograms have them: each power of two is cut into
 * BENCH_SUB equal parts, so that a quantile is right to 1.6 %, from a nanosecond to 18 minutes, in
 * a fixed 18 KiB. One writer; histograms of several threads are added.
 */
#pragma once

#include <stdint.h>

enum {
    BENCH_SUB_BITS = 6,
    BENCH_SUB = 1 << BENCH_SUB_BITS,
    BENCH_EXPONENTS = 40 - BENCH_SUB_BITS + 1,
    BENCH_BUCKETS = BENCH_EXPONENTS * BENCH_SUB,
};

struct bench_histogram {
    uint64_t counts[BENCH_BUCKETS];
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
};

/* Adds a time so many times. Negative ones count as 0, those past the last bucket as in it. */
void bench_histogram_add(struct bench_histogram *h, int64_t ns, uint64_t times);
void bench_histogram_merge(struct bench_histogram *to, const struct bench_histogram *from);
/* The time that `quantile` (0 to 1) of all did not exceed: the upper end of its bucket, at most
 * the maximum. 0 when empty. */
uint64_t bench_histogram_at(const struct bench_histogram *h, double quantile);
double bench_histogram_mean(const struct bench_histogram *h);

enum {
    BENCH_CURVE_STEPS = 5 * 9 + 1
};

/* The quantiles of a whole curve: 0, 0.1 … 0.9, 0.91 … 0.99, 0.991 … 0.99999; `step` is below
 * BENCH_CURVE_STEPS. */
double bench_histogram_step(unsigned step);
