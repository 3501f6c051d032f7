/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session resumption by stateless tickets (RFC 5077, RFC 8446 4.6.1), and the rule that it never
 * bypasses policy: before a ticket is accepted, and before one leaves, the peer's certificate in
 * the session is looked at again, and the chain that it was verified by, which the session carries
 * along as its application data. What fails is no error but a full handshake.
 *
 * The session context, which binds a session to a service and its CAs (trust.h), does not hang on
 * CRLs or rules: they change often, and are looked at here each time.
 */
#pragma once

#include "gateway/tls/context_private.h"
#include "gateway/tls/handshake.h"

enum {
    /* Seconds a session may be used, also one that a target gave us. The key that sealed it lives
     * at least that long: keys rotate every GW_TICKET_KEY_LIFE_NS and the last GW_TICKET_KEYS of
     * them open. Each resumption may bring the next session; --session-age bounds them all. */
    GW_SESSION_LIFE = 7200,
};

/* Seconds that a fresh ticket is good for. */
static inline int64_t gw_session_life(const struct gw_trust *trust)
{
    return GW_MIN((int64_t)GW_SESSION_LIFE, trust->session_age);
}

/* Sets the ticket callbacks, or nothing when tickets are off. Returns 0 or negative errno. */
gw_must_check int gw_session_apply(const struct gw_tls_context *tls, SSL_CTX *ctx);

/* The key that seals a ticket for this peer. False: the peer may not pass, or there is no key, and
 * *ret holds none. */
gw_must_check bool gw_session_ticket_key(const struct gw_handshake *hs, struct gw_ticket_key *ret);

/* Whether its peer, if it showed a certificate, would still be trusted, and the full handshake that
 * it comes of is not older than --session-age; in either role. *ret_tolerated as in trust.h. */
gw_must_check bool gw_session_holds(SSL_SESSION *session, const struct gw_trust *trust,
                                    bool *ret_tolerated);
/* The chain that a session carries, in either role. False: none, or not one of ours. */
gw_must_check bool gw_session_read_chain(SSL_SESSION *session, struct gw_chain *ret);
/* Gives a session of this handshake the chain; one that came of a resumed one has it already. */
gw_must_check bool gw_session_keep_chain(const struct gw_handshake *hs, SSL_SESSION *session);
