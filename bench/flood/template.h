/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame that all packets of a shape are copies of, but for the fields that differ each time:
 * source, ports, numbers. Its sums are kept, so that the checksums of a copy take only what was
 * filled in.
 */
#pragma once

#include "bench/arena/arena.h"
#include "bench/flood/random.h"
#include "bench/flood/shape.h"

enum {
    BENCH_FRAME_MAX = 1514 /* Ethernet's header, and 1500 bytes */
};

struct bench_template {
    uint8_t bytes[BENCH_FRAME_MAX];
    uint16_t len;
    uint16_t ip_len; /* of its header with options */
    uint16_t l4;     /* where the header of TCP or UDP is; 0: none */
    bool v6, udp;
    bool acks; /* has an acknowledgement */
    unsigned traits;
    uint16_t fragment_id;    /* where that of IPv6 is; 0: none */
    uint32_t ip_sum, l4_sum; /* of what is the same in all */
};

/* From the far end of the link to its near one. */
struct bench_template_way {
    const struct bench_arena_link *link;
    bool v6;
    uint16_t port;
};

/* What a copy is filled with. Of fields that it lacks nothing is taken. */
struct bench_template_fill {
    uint8_t source[16]; /* 4 bytes of it are IPv4's */
    uint16_t port;      /* it comes from */
    uint16_t other_port;
    uint32_t seq, ack;
    uint32_t id; /* of fragments */
};

/* `payload` stands in those that have some. */
void bench_template_make(struct bench_template *ret, const struct bench_shape *shape,
                         const struct bench_template_way *way, const uint8_t *payload, size_t len);
/* Writes a copy; returns its length. */
size_t bench_template_copy(const struct bench_template *t, const struct bench_template_fill *fill,
                           uint8_t out[BENCH_FRAME_MAX]);
