/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Durations and deadlines are int64_t nanoseconds of CLOCK_MONOTONIC, named *_ns. */
#pragma once

#include <stdint.h>
#include <time.h>

#define GW_NS_PER_SEC INT64_C(1000000000)
#define GW_NS_PER_MS INT64_C(1000000)

static inline int64_t gw_clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * GW_NS_PER_SEC + t.tv_nsec;
}

/* Wall-clock time, for log lines and certificates only. */
static inline int64_t gw_clock_wall_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * GW_NS_PER_SEC + t.tv_nsec;
}
