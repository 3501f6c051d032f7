/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a flood along a link of an arena, from its far end to its near one, and only there: the
 * caller is a process that has gone to live in the namespace of the far end. It sends through DPDK
 * (port.h), which starts once in the life of a process, so each flood takes a child of its own. It
 * gives the interface its MAC anew, and the kernel forgets the neighbours there: nothing but the
 * flood is sent along the link from then on.
 */
#pragma once

#include "bench/arena/arena.h"
#include "bench/flood/spec.h"

#include <stdatomic.h>

/* In memory that the sender shares with its observer; one writer. */
struct bench_flood_counters {
    atomic_bool sending;      /* DPDK has started */
    _Atomic uint64_t packets; /* taken by the link, with the answers */
    _Atomic uint64_t bytes;   /* of their frames */
    _Atomic uint64_t answers; /* of them, those to SYN-ACKs */
    _Atomic uint64_t full;    /* times that the link's ring was full; nothing is lost by it */
    _Atomic int64_t paced_ns; /* how long it has kept its pace */
    _Atomic int64_t ns;       /* how long it has been sending; answers come after the last packet */
};

/* Sends until time or count is over. 0, or negative errno with *err filled;
 * -ENOTSUP: this program was built without DPDK. */
gw_must_check int bench_flood_send(const struct bench_flood *flood, const struct bench_arena *arena,
                                   unsigned link, struct bench_flood_counters *counters,
                                   struct gw_error *err);
