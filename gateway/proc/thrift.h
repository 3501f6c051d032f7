/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a worker returns memory to the system: some seconds after a burst, once a small part of the
 * load is left. The C library keeps the memory that thousands of handshakes freed, and buffers keep
 * the pages that they ever filled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gw_thrift {
    uint64_t peak;  /* the largest load since memory was last returned */
    int64_t due_ns; /* 0: nothing to do */
};

/* Call it once per turn with the present load: handshakes and buffers in use. True: return memory
 * now. */
bool gw_thrift_turn(struct gw_thrift *t, uint64_t load, int64_t now_ns);
