/* SPDX-License-Identifier: Apache-2.0 */
/* A flood as a file that tcpdump and Wireshark read (pcap), instead of on a link. */
#pragma once

#include "bench/flood/spec.h"

#include "bench/arena/arena.h"

enum {
    BENCH_PCAP_PACKETS_MAX = 1000000
};

/* Writes the packets that would be sent along the link, each with its time from 0 on; after a SYN
 * of a flood that answers, the target's possible response and the reaction to it. 0, or a negative
 * errno with *err filled. */
gw_must_check int bench_pcap_write(const char *path, const struct bench_flood *flood,
                                   const struct bench_arena_link *link, uint64_t *ret_packets,
                                   struct gw_error *err);
