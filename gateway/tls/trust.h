/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the gateway believes: the CA certificates of --cacert and how the peers' certificates are
 * verified against them, those of clients or, in the client role, the target's, with its name; and
 * the session id context, which keeps a ticket from being accepted where the trust is another one.
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
    const char *peer_name;            /* client role: as gw_service.target_name; NULL: none */
    bool peer_is_address;             /* … which is no name to send (RFC 6066 3) */
    bool peer_unnamed;                /* … and need not stand in the certificate */
    unsigned depth;                   /* certificates between leaf and anchor at most */
    int64_t session_age;              /* seconds after a full handshake that sessions of it live */
    struct gw_anchors anchors;        /* empty when verify is none, as are the next two */
    struct gw_revocation *revocation; /* NULL: no --crl */
    bool crl_soft;
    X509_STORE *store;           /* NULL: none */
    STACK_OF(X509_NAME) * names; /* sent to clients (canames.h); NULL: client role */
    /* SHA-256 of service name, verify mode and CA certificates, however their files are cut and
     * named, so the same on each machine of a fleet (SSL_set_session_id_context). */
    uint8_t session_context[GW_SESSION_CONTEXT_LEN];
};

/* Loads --cacert if verification is asked for. Every certificate in it must be a CA, or signed by
 * itself: then it is trusted for itself alone. An expired one is a warning. Returns 0; negative
 * errno with *err filled; on failure *ret may still be passed to _done. */
gw_must_check int gw_trust_load(struct gw_trust *ret, const struct gw_service *service,
                                struct gw_files *files, OSSL_LIB_CTX *library,
                                struct gw_error *err);
/* A zeroed object is allowed. */
void gw_trust_done(struct gw_trust *trust);

/* Sets verification, the name to verify, CA names and session id context. Returns 0 or -ENOMEM. */
gw_must_check int gw_trust_apply(const struct gw_trust *trust, SSL_CTX *ctx);

/* Verifies as a handshake does, by libcrypto and then by what is ours; X509_V_OK fills *ret.
 * *ret_tolerated as below. */
gw_must_check int gw_trust_verify(const struct gw_trust *trust, X509_STORE_CTX *verification,
                                  struct gw_chain *ret, bool *ret_tolerated);

/* Keeps what a chain that libcrypto has just verified, leaf first and anchor last, must be judged
 * by later. False: the last one is no anchor, it is too long, or what it holds cannot be read. */
gw_must_check bool gw_trust_read_chain(const struct gw_trust *trust, STACK_OF(X509) * verified,
                                       struct gw_chain *ret);
/*
 * Whether a chain that is present would still be good: X509_V_OK, or what it would be refused for.
 * *ret_tolerated (NULL: unwanted): it is good though a CA of it has no current CRL (--crl-soft).
 */
gw_must_check int gw_trust_judge(const struct gw_trust *trust, const struct gw_chain *chain,
                                 time_t now, bool *ret_tolerated);
/* The same as a reason, in a server's language; GW_REASON_NONE: good. An absent one is good where
 * no certificate is required. */
gw_must_check enum gw_reason gw_trust_judge_reason(const struct gw_trust *trust,
                                                   const struct gw_chain *chain, time_t now,
                                                   bool *ret_tolerated);
