/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets of a flood, one after the other, as frames. They are the same for the same seed, and
 * each goes from an address of the ranges for benchmarks to one of them, whatever is asked for.
 *
 * Of a flood that answers, a connection's first sequence number follows from its addresses, as in a
 * SYN cookie: an answer takes nothing but the SYN-ACK, and nothing is kept of a connection.
 */
#pragma once

#include "bench/flood/spec.h"
#include "bench/flood/template.h"

struct bench_packets;

/* The flood has passed bench_flood_check. NULL without memory. */
struct bench_packets *bench_packets_new(const struct bench_flood *flood,
                                        const struct bench_arena_link *link);
void bench_packets_free(struct bench_packets *packets);

/* Writes the next one and returns its length. */
size_t bench_packets_next(struct bench_packets *packets, uint8_t out[BENCH_FRAME_MAX]);
/* Writes what is said to a frame that came back; 0: nothing, as it is no SYN-ACK to one of ours. */
size_t bench_packets_answer(struct bench_packets *packets, const uint8_t *frame, size_t len,
                            uint8_t out[BENCH_FRAME_MAX]);
