/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CA issued a certificate, where several have the name for it: a CA that got a new key and
 * kept its name, above all. libcrypto takes the first whose name and key identifier fit, and fails
 * when the signature does not. Here a CA counts as the issuer only when the signature fits, too,
 * wherever another one could be meant.
 *
 * That is about finding a path only: libcrypto verifies each signature of what was found.
 */
#pragma once

#include "gateway/tls/anchors.h"

#include <openssl/x509_vfy.h>

enum {
    /* Signatures tried in one verification. Beyond, the first fitting name counts, as it does for
     * libcrypto: a peer that sends many CAs of one name buys no more work than this. */
    GW_ISSUER_TRIES = 16,
    /* Nor are signatures tried with larger keys that a peer sent: one of 16,384 bits costs
     * milliseconds each time. */
    GW_ISSUER_KEY_BITS = 4096
};

struct gw_issuer_search {
    const struct gw_anchors *anchors;
    unsigned tries; /* left */
    /* The last try; NULL: none. */
    const X509 *cert;
    const X509 *ca;
    bool fits;
};

/* Has the verifications of a store search this way, once they are begun so. */
void gw_issuer_apply(X509_STORE *store);

/* Around X509_verify_cert. `search` must live until the end, `anchors` are those of the store. */
void gw_issuer_begin(struct gw_issuer_search *search, const struct gw_anchors *anchors,
                     X509_STORE_CTX *verification);
void gw_issuer_end(X509_STORE_CTX *verification);
