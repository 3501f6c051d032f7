/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the CA that issued a certificate when several have its name; mainly when a CA got a new key
 * and kept its name. libcrypto takes the first CA whose name and key identifier fit, and fails when
 * the signature does not. Here, wherever another CA could fit, a CA counts as the issuer only when
 * the signature fits too.
 *
 * This only finds a path: libcrypto verifies each signature of the result.
 */
#pragma once

#include "gateway/tls/anchors.h"

#include <openssl/x509_vfy.h>

enum {
    /* The maximum number of signatures tried in one verification. Beyond it the first fitting name
     * counts, as in libcrypto: a peer that sends many CAs of one name causes no more work than
     * this. */
    GW_ISSUER_TRIES = 16,
    /* The maximum size of a key, sent by the peer, that signatures are tried with: one of 16,384
     * bits costs milliseconds each time. */
    GW_ISSUER_KEY_BITS = 4096
};

struct gw_issuer_search {
    const struct gw_anchors *anchors;
    unsigned tries; /* tries left */
    /* the last try; NULL: none */
    const X509 *cert;
    const X509 *ca;
    bool fits;
};

/* Makes verifications of a store search this way, if they are begun by gw_issuer_begin. */
void gw_issuer_apply(X509_STORE *store);

/* Call them around X509_verify_cert. `search` must live until the end; `anchors` are the
 * store's. */
void gw_issuer_begin(struct gw_issuer_search *search, const struct gw_anchors *anchors,
                     X509_STORE_CTX *verification);
void gw_issuer_end(X509_STORE_CTX *verification);
