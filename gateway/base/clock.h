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

/* Nanoseconds from `wall_ns` to `end`, which is in seconds since 1970. Negative when it is past;
 * INT64_MAX when it is too far away. */
static inline int64_t gw_clock_until_ns(int64_t end, int64_t wall_ns)
{
    if (end > INT64_MAX / GW_NS_PER_SEC)
        return INT64_MAX;
    return end < 0 ? -1 : end * GW_NS_PER_SEC - wall_ns;
}
