/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that a target gave us, for the next connections to it: newest first, few. One service's
 * in one worker, so whatever lies here was verified by the same CA and name that the next
 * connection asks for.
 *
 * A TLS 1.3 ticket is used once (RFC 8446 C.4), so that nobody on the way can tell that two
 * connections are of one client, and so that each connection's keys have a ticket of their own. A
 * TLS 1.2 session may be used again. Neither is used when older than GW_SESSION_LIFE,
 * nor when the full handshake that it comes of is older than --session-age.
 */
#pragma once

#include "gateway/tls/trust.h"

#include <openssl/ssl.h>
#include <stdint.h>

enum {
    GW_SESSION_STACK_MAX = 32
};

struct gw_kept_session {
    SSL_SESSION *session;
    int64_t since_ns; /* gw_clock_ns() */
};

struct gw_session_stack {
    struct gw_kept_session kept[GW_SESSION_STACK_MAX]; /* oldest first */
    unsigned count;
};

/* Takes over the caller's reference; the oldest makes room. One that cannot be resumed, or whose
 * chain `trust` would not take now (gw_session_holds), goes. */
void gw_session_stack_push(struct gw_session_stack *stack, SSL_SESSION *session,
                           const struct gw_trust *trust);
/* The newest that is still good, as a reference of the caller's; NULL: none. */
SSL_SESSION *gw_session_stack_take(struct gw_session_stack *stack, const struct gw_trust *trust);
/* The session is not to be used again: a handshake with it came to nothing. */
void gw_session_stack_drop(struct gw_session_stack *stack, const SSL_SESSION *session);
void gw_session_stack_done(struct gw_session_stack *stack);
