/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that may fail, and then must fail properly: for tests in which something is broken on
 * purpose. */
#pragma once

#include "tests/integration/client.h"

enum attempt {
    ATTEMPT_GOOD,   /* all that was sent came back, then close_notify */
    ATTEMPT_FAILED, /* it ended before, every byte until then was right */
    ATTEMPT_WRONG,  /* a byte that came was wrong */
    ATTEMPT_STUCK,  /* nothing came for as long as a test waits */
    ATTEMPT_COUNT
};

/* Clients alike, one after the other: an SSL_CTX costs more than a connection. */
struct attempts {
    struct client_options options;
    SSL_CTX *ctx;
    uint64_t bytes;                /* that an echo has to send back */
    unsigned count[ATTEMPT_COUNT]; /* how they went */
    SSL_SESSION *session;          /* the last that came; NULL: none */
};

void attempts_begin(struct attempts *a, const struct client_options *options, uint64_t bytes);
void attempts_done(struct attempts *a);
/* One more connection through an echo; how it went is counted as well. */
enum attempt attempt_one(struct attempts *a);
/* Fails the test if one was wrong or stuck. */
void attempts_check(const struct attempts *a);
