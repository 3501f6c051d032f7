/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A double of gateway/tls/handshake.h for fuzzing what comes after a handshake: any bytes of the
 * client's are one, and the keys are what the target says. A real one would be most of the work of
 * each run; it has targets of its own (fuzz_handshake, fuzz_flight).
 */
#pragma once

#include "gateway/tls/handshake.h"

#define FAKE_SNI "fake.test"
#define FAKE_VERSION "fake"

enum {
    FAKE_CERT_MAX = 70000,
};

struct handshake_fake {
    struct gw_handover_keys keys;
    size_t in_len;     /* bytes that the client sends */
    size_t out_len;    /* the output for them, any bytes */
    size_t ticket_len; /* further output if the peer may pass */
    size_t cert_len;   /* of the certificate that a backend may be shown: zeroes */
    /* What lets it in is good for so many looks with --recheck-on-reload; then it is revoked. */
    unsigned good_looks;
};

/* What each handshake from now on is like. */
void handshake_fake_set(const struct handshake_fake *like);
