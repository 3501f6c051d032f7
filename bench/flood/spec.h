/* SPDX-License-Identifier: Apache-2.0 */
/* A flood as it is asked for, and the bounds that none may leave. */
#pragma once

#include "bench/flood/kind.h"
#include "gateway/base/error.h"
#include "gateway/config/net.h"

enum {
    BENCH_FLOOD_SECONDS_MAX = 60,
    BENCH_FLOOD_RATE_MAX = 2000000, /* packets a second */
    BENCH_FLOOD_SIZE_MIN = 8,
    BENCH_FLOOD_SIZE_MAX = 1400, /* fits with all headers of all shapes */
    BENCH_FLOOD_PORT = 443,
};

struct bench_flood {
    int kind;              /* enum bench_flood_kind */
    struct gw_net sources; /* in 198.18.0.0/15 or 2001:2::/48; its family is that of the flood */
    uint16_t port;         /* of the target */
    uint64_t rate;         /* packets a second; answers to SYN-ACKs come on top */
    uint64_t count;        /* at most so many packets; 0: as many as come to be in the time */
    uint64_t size;         /* bytes of payload, where the kind has some */
    uint64_t seed;         /* equal seeds give equal packets in equal order */
    uint64_t secs;
};

/* What is wrong with it. 0, or -EINVAL with *err filled. */
gw_must_check int bench_flood_check(const struct bench_flood *flood, struct gw_error *err);
/* Whether an address of 4 or 16 bytes is of those set aside for benchmarks. */
bool bench_flood_may_use(const uint8_t *address, size_t len);
/* How many packets it has at most. */
uint64_t bench_flood_packets(const struct bench_flood *flood);
