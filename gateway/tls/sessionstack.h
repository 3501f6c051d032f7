/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that a target issued, for later connections to it: few, newest first. One stack per
 * side and worker, so every session in it was verified against the CA and name that the next
 * connection requires.
 *
 * A TLS 1.3 ticket is used once (RFC 8446 C.4), so that an observer cannot link two connections of
 * one client, and each connection's keys come from a ticket of their own. A TLS 1.2 session may be
 * reused. Neither is used once it is older than GW_SESSION_LIFE, or its full handshake older than
 * --session-age.
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

/* Takes over the caller's reference and drops the oldest session if the stack is full. A session
 * that cannot be resumed, or whose chain `trust` would refuse now (gw_session_holds), is
 * dropped. */
void gw_session_stack_push(struct gw_session_stack *stack, SSL_SESSION *session,
                           const struct gw_trust *trust);
/* The newest usable session; the caller gets the reference. NULL: none. */
SSL_SESSION *gw_session_stack_take(struct gw_session_stack *stack, const struct gw_trust *trust);
/* Removes a session that must not be used again, since a handshake with it failed. */
void gw_session_stack_drop(struct gw_session_stack *stack, const SSL_SESSION *session);
void gw_session_stack_done(struct gw_session_stack *stack);
