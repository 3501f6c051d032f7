/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/histogram.h"

#include "gateway/base/attr.h"

#include <math.h>

/* Values below 2 * BENCH_SUB are their own bucket; above, the top bits choose. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < 2 * BENCH_SUB)
        return (unsigned)ns;
    unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - BENCH_SUB_BITS;
    uint64_t index = (uint64_t)shift * BENCH_SUB + (ns >> shift);
    return (unsigned)GW_MIN(index, (uint64_t)BENCH_BUCKETS - 1);
}

static uint64_t end_of(unsigned bucket)
{
    if (bucket < 2 * BENCH_SUB)
        return bucket;
    unsigned shift = bucket / BENCH_SUB - 1;
    return ((uint64_t)(bucket - shift * BENCH_SUB + 1) << shift) - 1;
}

void bench_histogram_add(struct bench_histogram *h, int64_t ns, uint64_t times)
{
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    if (times == 0)
        return;
    h->counts[bucket_of(value)] += times;
    h->count += times;
    h->sum_ns += value * times;
    h->max_ns = GW_MAX(h->max_ns, value);
}

void bench_histogram_merge(struct bench_histogram *to, const struct bench_histogram *from)
{
    for (unsigned i = 0; i < BENCH_BUCKETS; i++)
        to->counts[i] += from->counts[i];
    to->count += from->count;
    to->sum_ns += from->sum_ns;
    to->max_ns = GW_MAX(to->max_ns, from->max_ns);
}

uint64_t bench_histogram_at(const struct bench_histogram *h, double quantile)
{
    uint64_t wanted = (uint64_t)ceil(quantile * (double)h->count);
    uint64_t seen = 0;
    for (unsigned i = 0; i < BENCH_BUCKETS && h->count; i++) {
        seen += h->counts[i];
        if (seen >= GW_MAX(wanted, UINT64_C(1)))
            return GW_MIN(end_of(i), h->max_ns);
    }
    return h->max_ns;
}

double bench_histogram_mean(const struct bench_histogram *h)
{
    return h->count ? (double)h->sum_ns / (double)h->count : 0;
}

/* From whole numbers, as sums of 0.1 go past 0.9 without meeting it. */
double bench_histogram_step(unsigned step)
{
    unsigned nines = step / 9;
    return 1 - (10 - step % 9) / pow(10, nines + 1);
}
