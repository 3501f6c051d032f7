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

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    GW_SLOT_BYTES =
        GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK,
    GW_BUFFER_BYTES = GW_BUFFER_SLOTS * GW_SLOT_BYTES,
    /* Where received bytes begin in a buffer the kernel picked: slot 0's payload. */
    GW_BUFFER_FRONT = GW_RECORD_SEAL_ROOM_FRONT,
    GW_BUFFER_IOVS = 64,
};

struct gw_buf {
    uint8_t *data; /* GW_BUFFER_BYTES bytes */
    uint32_t id;
    /* For sendmsg/recvmsg on this buffer; must live as long as the operation. */
    struct msghdr msg;
    struct iovec iov[GW_BUFFER_IOVS];
};
