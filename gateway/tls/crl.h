/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One list of revoked certificates (RFC 5280 5), as the numbers in it. libcrypto would verify a
 * CRL's signature again at each handshake; here it is verified once, when the list is read, and
 * only what is asked for later is kept: its times, which go on to count, and a sorted table.
 *
 * A list may be about a part of its issuer's certificates (issuing distribution point, RFC 5280
 * 5.2.5): those of users or of CAs, those that name one of its distribution points. What is not
 * understood whole is refused, never read in part: unknown critical extensions, lists of changes
 * (delta), of other issuers' certificates (indirect), for some reasons, of attribute certificates.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/tls/anchors.h"

enum {
    GW_CRL_USERS = 1, /* it is about certificates of no CA … */
    GW_CRL_CAS = 2,   /* … and about those of CAs */
};

struct gw_crl {
    uint8_t issuer[GW_CHAIN_ID_LEN]; /* gw_anchors_id of the CA whose key signed it */
    unsigned scope;                  /* GW_CRL_USERS, GW_CRL_CAS or both */
    struct gw_points points;         /* about certificates that name one; none: about all */
    int64_t this_update;             /* seconds since 1970 UTC */
    int64_t next_update;
    struct gw_serial number; /* of the CRL; 0 when it has none */
    struct gw_serial *revoked;
    unsigned count;
    char *issuer_name; /* "/CN=…", for people */
    char *path;        /* where it was read */
};

/* Takes over what counts of a CRL, which one of the anchors must have signed. Returns 0; negative
 * errno with *err filled, and nothing in *ret. The queue of libcrypto's errors is left empty. */
gw_must_check int gw_crl_read(struct gw_crl *ret, X509_CRL *crl, const char *path,
                              const struct gw_anchors *anchors, struct gw_error *err);
/* A zeroed object is allowed. */
void gw_crl_done(struct gw_crl *crl);

bool gw_crl_has(const struct gw_crl *crl, const struct gw_serial *serial);
/* Whether it is about this certificate of its issuer (RFC 5280 6.3.3 b 2): what is not on it is
 * then not revoked. */
bool gw_crl_covers(const struct gw_crl *crl, const struct gw_chain_entry *entry);
/* The same, or it cannot be told, as not all points of the certificate are known: what is on it is
 * then revoked. */
bool gw_crl_may_cover(const struct gw_crl *crl, const struct gw_chain_entry *entry);
/* Whether two lists are of one issuer and about the same part of its certificates. */
bool gw_crl_same_scope(const struct gw_crl *a, const struct gw_crl *b);
/* Whether `a` was made after `b`, of the same issuer and scope. */
bool gw_crl_is_newer(const struct gw_crl *a, const struct gw_crl *b);
