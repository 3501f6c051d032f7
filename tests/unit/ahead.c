/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ahead.h"

#include <stddef.h>
#include <sys/time.h>

time_t test_ahead;

int gettimeofday(struct timeval *ret, void *zone)
{
    struct timespec now;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){.tv_sec = now.tv_sec + test_ahead, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timeval now;
    (void)gettimeofday(&now, NULL);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
