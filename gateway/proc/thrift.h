/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a worker gives memory back to the system: some seconds after a burst, once a small part of
 * it is left. The C library keeps what thousands of handshakes at once have freed, and buffers keep
 * the pages they were ever filled to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gw_thrift {
    uint64_t peak;  /* largest load since memory was given back */
    int64_t due_ns; /* 0: nothing to do */
};

/* Once a turn, with the load now: handshakes and buffers in use. True: now is the time. */
bool gw_thrift_turn(struct gw_thrift *t, uint64_t load, int64_t now_ns);
