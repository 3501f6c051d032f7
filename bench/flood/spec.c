/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/spec.h"

#include <string.h>

/* RFC 2544 and RFC 5180 */
static const uint8_t v4_range[] = {198, 18};
static const uint8_t v6_range[] = {0x20, 0x01, 0, 2, 0, 0};

enum {
    V4_BITS = 15,
    V6_BITS = 48,
};

bool bench_flood_may_use(const uint8_t *address, size_t len)
{
    if (len == 4)
        return address[0] == v4_range[0] && (address[1] & 0xfe) == v4_range[1];
    return len == 16 && !memcmp(address, v6_range, sizeof(v6_range));
}

static bool may_come_from(const struct gw_net *net)
{
    return bench_flood_may_use(net->bytes, net->len) &&
           net->bits >= (net->len == 4 ? V4_BITS : V6_BITS);
}

int bench_flood_check(const struct bench_flood *flood, struct gw_error *err)
{
    if (!may_come_from(&flood->sources))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--sources: floods come from the ranges for benchmarks alone, "
                            "198.18.0.0/15 and 2001:2::/48, or a part of one");
    if (flood->rate < 1 || flood->rate > BENCH_FLOOD_RATE_MAX)
        return gw_error_set(err, GW_EXIT_USAGE, "--rate: a flood has 1 to %d packets a second",
                            BENCH_FLOOD_RATE_MAX);
    if (flood->secs < 1 || flood->secs > BENCH_FLOOD_SECONDS_MAX)
        return gw_error_set(err, GW_EXIT_USAGE, "--secs: a flood takes 1 to %d seconds",
                            BENCH_FLOOD_SECONDS_MAX);
    if (flood->size < BENCH_FLOOD_SIZE_MIN || flood->size > BENCH_FLOOD_SIZE_MAX)
        return gw_error_set(err, GW_EXIT_USAGE, "--size: a payload has %d to %d bytes",
                            BENCH_FLOOD_SIZE_MIN, BENCH_FLOOD_SIZE_MAX);
    return 0;
}

uint64_t bench_flood_packets(const struct bench_flood *flood)
{
    uint64_t most = flood->rate * flood->secs;
    return flood->count ? GW_MIN(flood->count, most) : most;
}
