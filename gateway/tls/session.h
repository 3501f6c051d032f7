/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session resumption by stateless tickets (RFC 5077, RFC 8446 4.6.1). It never bypasses policy:
 * before a ticket is accepted, and before one is sent, the gateway checks the peer's certificate in
 * the session again, and its verified chain, which the session carries as application data. A
 * failed check is no error, but leads to a full handshake.
 *
 * The session context, which binds a session to a scope and its CAs (trust.h), does not include
 * CRLs or rules: they change often, and are checked here each time.
 */
#pragma once

#include "gateway/tls/context_private.h"
#include "gateway/tls/handshake.h"

enum {
    /* Seconds that a session may be used, including one that a target issued. The key that sealed
     * it lives at least that long: keys rotate every GW_TICKET_KEY_LIFE_NS, and the last
     * GW_TICKET_KEYS of them open tickets. Each resumption may bring a new session; --session-age
     * limits them all. */
    GW_SESSION_LIFE = 7200,
};

/* The lifetime of a new ticket, in seconds. */
static inline int64_t gw_session_life(const struct gw_trust *trust)
{
    return GW_MIN((int64_t)GW_SESSION_LIFE, trust->session_age);
}

/* Sets the ticket callbacks, unless tickets are off. Returns 0 or a negative errno. */
gw_must_check int gw_session_apply(const struct gw_tls_context *tls, SSL_CTX *ctx);

/* Whether `allows` admits the peer with this certificate (NULL: none). False when the certificate
 * cannot be read. */
bool gw_session_peer_allowed(const struct gw_handshake *hs, X509 *cert);

/* The key that seals a ticket for this peer. False when the peer may not pass or there is no key;
 * *ret then holds none. */
gw_must_check bool gw_session_ticket_key(const struct gw_handshake *hs, struct gw_ticket_key *ret);

/* Whether the session's peer, if it showed a certificate, would still be trusted, and its full
 * handshake is no older than --session-age; in either role. *ret_tolerated as in trust.h. */
gw_must_check bool gw_session_holds(SSL_SESSION *session, const struct gw_trust *trust,
                                    bool *ret_tolerated);
/* Reads the chain that a session carries, in either role. False: none, or not one of ours. */
gw_must_check bool gw_session_read_chain(SSL_SESSION *session, struct gw_chain *ret);
/* Stores the chain in a session of this handshake. A session from a resumed one has it already. */
gw_must_check bool gw_session_keep_chain(const struct gw_handshake *hs, SSL_SESSION *session);
