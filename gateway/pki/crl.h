/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs (RFC 5280 5), version 2, with authority key identifier and a number that only grows. Pure:
 * no files. */
#pragma once

#include "gateway/pki/certificate.h"
#include "gateway/pki/register.h"

enum {
    GW_PKI_CRL_MAX = 64 << 20, /* bytes of the file; 100,000 entries take 6 MiB */
    /* How long an entry stays after its certificate expired, so that it is in a CRL made after that
     * (RFC 5280 3.3). */
    GW_PKI_CRL_KEEP_S = 32 * 86400,
};

struct gw_pki_crl_draft {
    const struct gw_pki_signer *signer;
    const struct gw_pki_register *reg; /* its revoked certificates are listed; NULL: none */
    const X509_CRL *before;            /* the new number is above this one's; NULL: none */
    int64_t now;
    int64_t span_s; /* from now to the next update */
};

/* The caller frees *ret. Returns 0; -EIO with *err filled (GW_EXIT_OTHER). */
gw_must_check int gw_pki_crl_make(X509_CRL **ret, const struct gw_pki_crl_draft *draft,
                                  OSSL_LIB_CTX *library, struct gw_error *err);

/* Finds the CRL signed by this CA in a PEM file. NULL when there is none. */
X509_CRL *gw_pki_crl_find(const struct gw_pki_text *text, X509 *issuer, OSSL_LIB_CTX *library);
/* Appends the CRL as PEM. */
gw_must_check int gw_pki_crl_write(struct gw_pki_text *text, X509_CRL *crl, struct gw_error *err);

/* Whether the CRL lists every revoked certificate that still counts. */
bool gw_pki_crl_complete(X509_CRL *crl, const struct gw_pki_register *reg, int64_t now);
/* Seconds from its making to its next update. 0 when one of the dates is invalid. */
int64_t gw_pki_crl_span(const X509_CRL *crl);
