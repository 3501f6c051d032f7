/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A double of gateway/tls/handshake.h for fuzzing what comes after a handshake: any bytes of the
 * client's are one, and the keys are what the target says. A real one would be most of the work of
 * each run; it has targets of its own (fuzz_handshake, fuzz_flight).
 */
#pragma once

#include "gateway/tls/handshake.h"

struct handshake_fake {
    struct gw_handover_keys keys;
    size_t in_len;     /* bytes that the client sends */
    size_t out_len;    /* … and gets for them, as any bytes */
    size_t ticket_len; /* … and more when it may pass */
};

/* What each handshake from now on is like. */
void handshake_fake_set(const struct handshake_fake *like);
