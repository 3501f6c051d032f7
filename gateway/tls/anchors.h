/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust anchors of a side: the certificates of --cacert, without duplicates. A chain ends at
 * any of them, an intermediate included. If an intermediate's own issuer is an anchor too, that
 * matters for revocation. An anchor that is not a CA is a chain of its own.
 */
#pragma once

#include "gateway/tls/chain.h"

#include "gateway/base/attr.h"

#include <openssl/types.h>
#include <openssl/x509.h>

struct gw_anchor {
    X509 *cert;                           /* owned reference */
    uint8_t fingerprint[GW_CHAIN_ID_LEN]; /* SHA-256 of its DER */
    uint8_t id[GW_CHAIN_ID_LEN];          /* its id as an issuer: gw_anchors_id */
    struct gw_serial serial;              /* assigned by its own issuer, as are its points */
    struct gw_points points;
    int64_t not_after;
    bool is_ca;                     /* false: it is trusted for itself alone */
    bool has_namesake;              /* another anchor has its name but another key */
    const struct gw_anchor *issuer; /* NULL: itself, or not among the anchors */
};

struct gw_anchors {
    struct gw_anchor *all; /* sorted by fingerprint once sealed */
    unsigned count;
    EVP_MD *sha256;
};

/* Returns 0 or -ENOMEM. gw_anchors_done is allowed after either, and on a zeroed object. */
gw_must_check int gw_anchors_init(struct gw_anchors *anchors, OSSL_LIB_CTX *library);
void gw_anchors_done(struct gw_anchors *anchors);

/* Adds a reference to a certificate unless it is present. Call it before gw_anchors_seal. Returns 1
 * when it was added, 0 when it was present, -EINVAL when its dates, number or key cannot be read,
 * -ENOMEM. */
gw_must_check int gw_anchors_add(struct gw_anchors *anchors, X509 *ca);
/* Sorts the anchors, and finds namesakes and issuers among them. */
void gw_anchors_seal(struct gw_anchors *anchors);

/* The anchor that is this very object, or has this fingerprint. NULL: none. */
const struct gw_anchor *gw_anchors_of(const struct gw_anchors *anchors, const X509 *cert);
const struct gw_anchor *gw_anchors_find(const struct gw_anchors *anchors,
                                        const uint8_t fingerprint[GW_CHAIN_ID_LEN]);

/* The identity of an issuer: a hash of its subject name and public key. A CA that changed its key
 * is another issuer; a CA with two certificates for one key is one issuer. False without memory, or
 * for a key that cannot be encoded. */
gw_must_check bool gw_anchors_id(const struct gw_anchors *anchors, const X509 *ca,
                                 uint8_t ret[GW_CHAIN_ID_LEN]);
gw_must_check bool gw_anchors_serial(const struct gw_anchors *anchors, const ASN1_INTEGER *number,
                                     struct gw_serial *ret);
/* Seconds since 1970 UTC. False when the time is not in the form of RFC 5280 4.1.2.5, which
 * includes every time that X509_cmp_time refuses. */
gw_must_check bool gw_anchors_time(const ASN1_TIME *time, int64_t *ret);
