/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust of a side: the CA certificates of --cacert, and how peers' certificates are verified
 * against them: those of clients or, in the client role, the target's, together with its name. Also
 * the session id context, so that a ticket is not accepted under a different trust.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/base/reason.h"
#include "gateway/config/config.h"
#include "gateway/tls/anchors.h"
#include "gateway/tls/chain.h"
#include "gateway/tls/revocation.h"

#include <openssl/ssl.h>
#include <openssl/types.h>
#include <time.h>

enum {
    GW_SESSION_CONTEXT_LEN = 32
};

struct gw_trust {
    enum gw_role role;
    enum gw_verify verify;
    const char *peer_name;     /* client role: gw_tls_side.peer_name; NULL: none */
    bool peer_is_address;      /* the name is an address, which must not be sent (RFC 6066 3) */
    bool peer_unnamed;         /* the certificate need not contain the name */
    unsigned depth;            /* the maximum number of certificates between leaf and anchor */
    int64_t session_age;       /* how long sessions live after the full handshake, in seconds */
    struct gw_anchors anchors; /* empty when verify is none, like `revocation` and `store` */
    struct gw_revocation *revocation; /* NULL: no --crl */
    bool crl_soft;
    X509_STORE *store;           /* NULL: none */
    STACK_OF(X509_NAME) * names; /* sent to clients (canames.h); NULL in the client role */
    /* SHA-256 of session scope, verify mode and CA certificates, independent of their files' names
     * and division, so the same on each machine of a fleet (SSL_set_session_id_context). */
    uint8_t session_context[GW_SESSION_CONTEXT_LEN];
};

/* Loads --cacert if verification is requested. Every certificate in it must be a CA, or
 * self-signed: the latter is trusted for itself alone. An expired one is a warning. Returns 0, or a
 * negative errno with *err filled. On failure *ret may still be passed to gw_trust_done. */
gw_must_check int gw_trust_load(struct gw_trust *ret, const struct gw_tls_side *side,
                                struct gw_files *files, OSSL_LIB_CTX *library,
                                struct gw_error *err);
/* A zeroed object is allowed. */
void gw_trust_done(struct gw_trust *trust);

/* Sets verification, the name to verify, CA names and session id context. Returns 0 or -ENOMEM. */
gw_must_check int gw_trust_apply(const struct gw_trust *trust, SSL_CTX *ctx);

/* Verifies as a handshake does, first by libcrypto, then by this module's rules. X509_V_OK fills
 * *ret. *ret_tolerated as in gw_trust_judge. */
gw_must_check int gw_trust_verify(const struct gw_trust *trust, X509_STORE_CTX *verification,
                                  struct gw_chain *ret, bool *ret_tolerated);

/* Extracts from a chain that libcrypto has just verified, leaf first and anchor last, the facts
 * that later judgements need. False: the last certificate is no anchor, the chain is too long, or
 * its contents cannot be read. */
gw_must_check bool gw_trust_read_chain(const struct gw_trust *trust, STACK_OF(X509) * verified,
                                       struct gw_chain *ret);
/*
 * Judges a present chain by the current state: X509_V_OK, or the reason to refuse it.
 * *ret_tolerated (may be NULL): it is good though one of its CAs has no current CRL (--crl-soft).
 */
gw_must_check int gw_trust_judge(const struct gw_trust *trust, const struct gw_chain *chain,
                                 time_t now, bool *ret_tolerated);
/* Finds the certificate of a chain, as for gw_trust_read_chain, that has this result of
 * gw_revocation_look now. Returns it, a reference of the chain or the anchors, and fills *ret.
 * NULL: none has. */
const X509 *gw_trust_find(const struct gw_trust *trust, STACK_OF(X509) * verified, int result,
                          struct gw_chain_entry *ret);
/* Like gw_trust_judge, but returns a reason in server terms; GW_REASON_NONE: good. An absent chain
 * is good where no certificate is required. *ret_result (may be NULL) is what gw_trust_judge
 * returned, or X509_V_OK for an absent chain. */
gw_must_check enum gw_reason gw_trust_judge_reason(const struct gw_trust *trust,
                                                   const struct gw_chain *chain, time_t now,
                                                   int *ret_result, bool *ret_tolerated);
