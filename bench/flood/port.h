/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network interface through DPDK (net_af_packet), where this program was built with it (meson
 * option dpdk). A process has at most one, and opens it once.
 */
#pragma once

#include "gateway/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BENCH_PORT_BURST = 64,
    BENCH_PORT_FRAME_MAX = 1514,
};

/* Writes a frame and returns its length. */
typedef size_t bench_port_fill(void *arg, uint8_t out[BENCH_PORT_FRAME_MAX]);
/* Writes what is said to a frame that came; 0: nothing. */
typedef size_t bench_port_answer(void *arg, const uint8_t *frame, size_t len,
                                 uint8_t out[BENCH_PORT_FRAME_MAX]);

/* What was taken by the interface. */
struct bench_port_sent {
    unsigned frames;
    uint64_t bytes;
    bool full; /* it did not take all there was */
};

/* The interface of that name in the namespace of the calling thread. 0; -ENOTSUP without DPDK, or
 * other negative errno, with *err filled. */
gw_must_check int bench_port_open(const char *name, struct gw_error *err);
void bench_port_close(void);

/* Sends at most `count` frames and as many as a burst. What is not taken is kept, and goes before
 * any other. */
struct bench_port_sent bench_port_send(bench_port_fill *fill, void *arg, unsigned count);
/* Reads a burst of what has come and sends the answers. */
struct bench_port_sent bench_port_receive(bench_port_answer *answer, void *arg);
