/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by ring.c and ops.c only. */
#pragma once

#include "gateway/ring/buffer.h"
#include "gateway/ring/pipe.h"
#include "gateway/ring/snippet.h"

#include <liburing.h>
#include <stdbool.h>

/* The memory that the kernel may pick from: relay buffers or snippets. */
enum gw_lent_kind {
    GW_LENT_BUFFERS,
    GW_LENT_SNIPPETS,
    GW_LENT_KINDS,
};

struct gw_lent {
    struct io_uring_buf_ring *ring;
    uint32_t count;  /* pieces that are lent to the kernel now */
    uint32_t target; /* grows when receives found none, up to the limit */
    uint32_t limit;
    bool ran_dry; /* a receive found none since the last top-up */
};

struct gw_ring {
    struct io_uring uring;
    struct io_uring_params params;
    bool uring_made;
    struct gw_buffers buffers;
    struct gw_pipes pipes;
    struct gw_snippets snippets;
    bool standing;                      /* as in the configuration */
    struct gw_lent lent[GW_LENT_KINDS]; /* the group's number is the kind */
    uint32_t closes;                    /* close operations in flight */
    unsigned undelivered;               /* completions of this turn that handlers have not seen */
    unsigned long_steps;                /* long handler steps since the last submission */
};
