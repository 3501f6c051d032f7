/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relay buffers: equal pieces of memory, each with room for GW_BUFFER_SLOTS full records, which can
 * be sealed in place. A connection holds one per direction only while bytes are in transit, so an
 * idle connection holds none. Some free buffers are lent to the kernel (ring.h), which picks one
 * when bytes arrive.
 *
 * Plaintext passes through here: the pages are excluded from core dumps.
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
    /* The offset of received bytes in a buffer that the kernel picked: slot 0's payload. */
    GW_BUFFER_FRONT = GW_RECORD_SEAL_ROOM_FRONT,
    /* Payload of full records per buffer: the size of reads for the kernel's records, or from them,
     * so that the kernel neither cuts nor copies a record. */
    GW_BUFFER_PAYLOAD = GW_BUFFER_SLOTS * GW_RECORD_PLAINTEXT_MAX,
    /* Total length of records that are sent together. TCP builds packets of up to 64 KiB at once,
     * from whole segments: 45 of 1448 bytes on Ethernet, one on loopback. Any excess would leave
     * alone. */
    GW_BURST_BYTES = 45 * 1448,
    GW_BURST_PAYLOAD =
        GW_BURST_BYTES - GW_BUFFER_SLOTS * (GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_SEAL_ROOM_BACK),
    GW_BUFFER_IOVS = 64,
    GW_TRIM_STEP = 64, /* buffers per gw_buffers_trim: 4 MiB, some hundred microseconds */
};

struct gw_buf {
    uint8_t *data; /* GW_BUFFER_BYTES bytes */
    uint32_t id;
    /* For sendmsg or recvmsg on this buffer; must live until the operation ends. */
    struct msghdr msg;
    struct iovec iov[GW_BUFFER_IOVS];
};

/* The payload of a slot in a buffer's data. */
static inline uint8_t *gw_buffer_slot(uint8_t *data, uint32_t slot)
{
    return data + (size_t)slot * GW_SLOT_BYTES + GW_RECORD_SEAL_ROOM_FRONT;
}

/* The slots for one receive whose bytes are then sealed and sent together, with at most `each`
 * bytes of payload per record. */
void gw_buffer_slots(uint8_t *data, uint32_t each, struct iovec ret[GW_BUFFER_SLOTS]);

/* The stock of one worker. Free buffers form a stack, so that the warmest is used first. */
struct gw_buffers {
    struct gw_buf_slab *slabs;
    struct gw_buf **by_id;
    struct gw_buf **free;
    uint32_t limit;
    uint32_t made;
    uint32_t free_count;
    uint32_t trimmed; /* buffers at the bottom of the stack without pages */
    uint32_t to_trim; /* buffers there that should have none */
    bool no_memory;   /* the last attempt to add buffers failed */
};

/* `limit`: the maximum number of buffers (1 to 65536). 0 or -ENOMEM; after a failure
 * gw_buffers_done may be called. */
int gw_buffers_init(struct gw_buffers *b, uint32_t limit);
void gw_buffers_done(struct gw_buffers *b);
/* NULL at the limit or without memory. The contents are undefined. */
struct gw_buf *gw_buffers_take(struct gw_buffers *b);
void gw_buffers_give(struct gw_buffers *b, struct gw_buf *buf);
/* Begins to return the pages of all free buffers to the system. Their contents become zeros. */
void gw_buffers_begin_trim(struct gw_buffers *b);
/* Does the next part of a trim. False when nothing is left to do. */
bool gw_buffers_trim(struct gw_buffers *b);
