/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by ring.c and ops.c only. */
#pragma once

#include "gateway/ring/buffer.h"
#include "gateway/ring/pipe.h"

#include <liburing.h>
#include <stdbool.h>

enum {
    GW_RING_BUFFER_GROUP = 1
};

struct gw_ring {
    struct io_uring uring;
    struct io_uring_params params;
    bool uring_made;
    struct gw_buffers buffers;
    struct gw_pipes pipes;
    struct io_uring_buf_ring *lent_ring;
    size_t lent_ring_bytes;
    uint32_t lent;        /* buffers the kernel may pick from now */
    uint32_t lent_target; /* grows when receives found none */
    bool ran_dry;         /* one did, since the last time buffers were lent */
    uint32_t closes;      /* close operations in flight */
    unsigned undelivered; /* completions of this turn that handlers have yet to get */
    unsigned long_steps;  /* of handlers, since something was submitted */
};
