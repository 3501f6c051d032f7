/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relay buffers: equal pieces of memory, each with room for GW_BUFFER_SLOTS full records that can
 * be sealed in place. A connection holds one per direction only while bytes are on their way, so
 * an idle connection holds none. Some of the free ones are lent to the kernel (ring.h), which
 * picks one when bytes arrive.
 *
 * Plaintext passes through here: the pages stay out of core dumps.
 */
#pragma once

#include "gateway/base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    GW_SLOT_BYTES = GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK,
    GW_BUFFER_BYTES = GW_BUFFER_SLOTS * GW_SLOT_BYTES,
    GW_BUFFER_STRIDE = (GW_BUFFER_BYTES + 63) / 64 * 64,
    /* Where received bytes begin in a buffer the kernel picked: slot 0's payload. */
    GW_BUFFER_FRONT = GW_RECORD_SEAL_ROOM_FRONT,
    /* Payload of full records in a buffer: what is read for, or from, the kernel's records, which
     * it then neither cuts nor copies. */
    GW_BUFFER_PAYLOAD = GW_BUFFER_SLOTS * GW_RECORD_PLAINTEXT_MAX,
    /* Of the records that are sent together. TCP makes packets of up to 64 KiB at once, of whole
     * segments: 45 of 1448 bytes on Ethernet, one on loopback. What is over would go alone. */
    GW_BURST_BYTES = 45 * 1448,
    GW_BURST_PAYLOAD =
        GW_BURST_BYTES - GW_BUFFER_SLOTS * (GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_SEAL_ROOM_BACK),
    GW_BUFFER_IOVS = 64,
    GW_TRIM_STEP = 64, /* buffers of one gw_buffers_trim: 4 MiB, some hundred microseconds */
};

struct gw_buf {
    uint8_t *data; /* GW_BUFFER_BYTES bytes */
    uint32_t id;
    /* For sendmsg/recvmsg on this buffer; must live as long as the operation. */
    struct msghdr msg;
    struct iovec iov[GW_BUFFER_IOVS];
};

/* Where a slot's payload lies, of a buffer's data. */
static inline uint8_t *gw_buffer_slot(uint8_t *data, uint32_t slot)
{
    return data + (size_t)slot * GW_SLOT_BYTES + GW_RECORD_SEAL_ROOM_FRONT;
}

/* The slots for one receive of what is then sealed and sent together, `each` bytes of payload at
 * most in a record. */
void gw_buffer_slots(uint8_t *data, uint32_t each, struct iovec ret[GW_BUFFER_SLOTS]);

/* The stock of one worker: free ones are a stack, so that the warmest is used first. */
struct gw_buffers {
    struct gw_buf_slab *slabs;
    struct gw_buf **by_id;
    struct gw_buf **free;
    uint32_t limit;
    uint32_t made;
    uint32_t free_count;
    uint32_t trimmed; /* so many at the bottom of the stack have no pages … */
    uint32_t to_trim; /* … and so many are to have none */
    bool no_memory;   /* for more, when that was tried last */
};

/* `limit`: most buffers ever (1 to 65536). 0 or -ENOMEM; after a failure done() may be called. */
int gw_buffers_init(struct gw_buffers *b, uint32_t limit);
void gw_buffers_done(struct gw_buffers *b);
/* NULL at the limit or without memory. Contents are whatever they were. */
struct gw_buf *gw_buffers_take(struct gw_buffers *b);
void gw_buffers_give(struct gw_buffers *b, struct gw_buf *buf);
/* The pages of those that are free now are to go back to the system; their contents are zeros
 * then. */
void gw_buffers_begin_trim(struct gw_buffers *b);
/* Does the next part of that; false when there is nothing more to do. */
bool gw_buffers_trim(struct gw_buffers *b);
