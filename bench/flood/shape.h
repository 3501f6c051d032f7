/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes that packets of a flood have: one table. A row says how a packet differs from a good
 * one. The packets of a kind take its shapes of one family in turn, in this order.
 */
#pragma once

#include "bench/flood/kind.h"

#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_V4 = 1 << 0,
    BENCH_V6 = 1 << 1,
    BENCH_V4_V6 = BENCH_V4 | BENCH_V6,
};

enum bench_shape_trait {
    BENCH_PAYLOAD = 1 << 0,      /* the requested number of random bytes at the end */
    BENCH_BARE = 1 << 1,         /* no header of TCP or UDP: a later fragment */
    BENCH_LAND = 1 << 2,         /* from the target to itself */
    BENCH_PORT_ZERO = 1 << 3,    /* from port 0 */
    BENCH_ANY_PORT = 1 << 4,     /* to a port that differs each time */
    BENCH_SUM_WRONG = 1 << 5,    /* checksum of TCP or UDP */
    BENCH_SUM_NONE = 1 << 6,     /* the checksum is 0 */
    BENCH_IP_SUM_WRONG = 1 << 7, /* checksum of the header of IPv4 */
};

enum {
    BENCH_SHAPE_EDITS = 2
};

struct bench_shape_bytes {
    const char *bytes;
    size_t len;
};

/* A byte that is not what it should be; lengths have been filled in before, checksums are after. */
struct bench_shape_edit {
    enum {
        BENCH_EDIT_NONE,
        BENCH_EDIT_IP, /* at an offset in the header of IP */
        BENCH_EDIT_L4, /* in the TCP or UDP header */
    } header;
    uint8_t offset, value;
};

struct bench_shape {
    enum bench_flood_kind kind;
    const char *name;
    unsigned families;
    unsigned traits;
    bool udp;                           /* else TCP */
    uint8_t flags;                      /* of TCP */
    struct bench_shape_bytes options;   /* of TCP */
    struct bench_shape_bytes extension; /* options of IPv4, or headers after that of IPv6 */
    uint8_t next;                       /* IPv6: which header the first of them is */
    uint8_t cut;                        /* bytes that are missing at the end */
    struct bench_shape_edit edits[BENCH_SHAPE_EDITS];
};

extern const struct bench_shape bench_shapes[];
extern const unsigned bench_shapes_count;
