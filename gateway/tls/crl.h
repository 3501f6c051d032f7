/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One CRL (RFC 5280 5), as the serial numbers that it lists. libcrypto would verify a CRL's
 * signature at each handshake. Here it is verified once, when the list is read, and only the facts
 * needed later are kept: its times, which stay in effect, and a sorted table.
 *
 * A list may cover a part of its issuer's certificates (issuing distribution point, RFC 5280
 * 5.2.5): those of users or of CAs, or those that name one of its distribution points. A list that
 * is not fully understood is refused, never read in part: unknown critical extensions, delta CRLs,
 * indirect CRLs, CRLs for some reasons only or for attribute certificates.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/tls/anchors.h"

enum {
    GW_CRL_USERS = 1, /* it covers end-entity certificates */
    GW_CRL_CAS = 2,   /* it covers CA certificates */
};

struct gw_crl {
    uint8_t issuer[GW_CHAIN_ID_LEN]; /* gw_anchors_id of the CA that signed it */
    unsigned scope;                  /* GW_CRL_USERS, GW_CRL_CAS or both */
    struct gw_points points;         /* it covers certificates that name one of them; none: all */
    char *points_text;               /* these for people (gw_points_print_crl); NULL: none */
    int64_t this_update;             /* seconds since 1970 UTC */
    int64_t next_update;
    struct gw_serial number; /* the CRL number; 0 when it has none */
    struct gw_serial *revoked;
    unsigned count;
    char *issuer_name; /* "/CN=…", for people */
    char *path;        /* the file it was read from */
};

/* Extracts the relevant facts of a CRL, which must be signed by one of the anchors. Returns 0, or a
 * negative errno with *err filled and nothing in *ret. Leaves libcrypto's error queue empty. */
gw_must_check int gw_crl_read(struct gw_crl *ret, X509_CRL *crl, const char *path,
                              const struct gw_anchors *anchors, struct gw_error *err);
/* A zeroed object is allowed. */
void gw_crl_done(struct gw_crl *crl);

bool gw_crl_has(const struct gw_crl *crl, const struct gw_serial *serial);
/* Whether the CRL covers this certificate of its issuer (RFC 5280 6.3.3 b 2). If it does and does
 * not list the certificate, that is not revoked. */
bool gw_crl_covers(const struct gw_crl *crl, const struct gw_chain_entry *entry);
/* Like gw_crl_covers, but also true if that is unknown, since not all points of the certificate are
 * kept. If the CRL lists the certificate, that is revoked. */
bool gw_crl_may_cover(const struct gw_crl *crl, const struct gw_chain_entry *entry);
/* Whether two lists have the same issuer and cover the same part of its certificates. */
bool gw_crl_same_scope(const struct gw_crl *a, const struct gw_crl *b);
/* Whether `a` is newer than `b`, which has the same issuer and scope. */
bool gw_crl_is_newer(const struct gw_crl *a, const struct gw_crl *b);
