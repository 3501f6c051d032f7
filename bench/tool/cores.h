/* SPDX-License-Identifier: Apache-2.0 */
/* How busy processors are, by all processes: from /proc/stat, in ticks of 10 ms. */
#pragma once

#include "bench/tool/config.h"

#include <stdint.h>

/* Time that processors have spent idle so far, in ticks. */
struct bench_cores {
    uint64_t idle[GW_MAX_WORKERS];
    unsigned count; /* 0: unknown */
};

/* Of each processor in the list; of an empty list: of all that this process may use together. */
void bench_cores_read(const struct bench_cpus *cpus, struct bench_cores *ret);
/* Share of the time between two readings that the busiest was busy, 0 to 1. */
double bench_cores_busy(const struct bench_cpus *cpus, const struct bench_cores *from,
                        const struct bench_cores *to, double seconds);
