/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as RFC 5280 and current clients require them: version 3, SHA-256, key identifiers,
 * one profile (a row of a table) for each kind. Pure: no files.
 */
#pragma once

#include "gateway/pki/request.h"
#include "gateway/pki/serial.h"

#include <openssl/types.h>

enum {
    GW_PKI_BACKDATE_S = 3600 /* certificates and CRLs begin this much earlier, for slow clocks */
};

/* A CA's certificate and its key; the key is NULL if it is not available. */
struct gw_pki_signer {
    X509 *cert;
    EVP_PKEY *key;
};

void gw_pki_signer_done(struct gw_pki_signer *signer);

/* The contents of a new certificate. */
struct gw_pki_draft {
    enum gw_pki_kind kind;
    const char *name;                     /* common name */
    const struct gw_pki_request *request; /* server, client: OU and subject alternative names */
    const struct gw_pki_permits *permits; /* root, intermediate; NULL: no restriction */
    unsigned path_len;                    /* root, intermediate: the number of CAs allowed below */
    struct gw_pki_serial serial;
    EVP_PKEY *key; /* the certificate's own key, not the signer's */
    int64_t from;  /* validity, Unix time */
    int64_t until;
    const struct gw_pki_signer *signer; /* NULL: self-signed */
};

/* The caller frees *ret. Returns 0; -EIO or -EINVAL with *err filled. */
gw_must_check int gw_pki_certificate_make(X509 **ret, const struct gw_pki_draft *draft,
                                          OSSL_LIB_CTX *library, struct gw_error *err);

/* Makes the same certificate with a new serial number and the validity of the draft, signed by the
 * draft's signer. The key stays. */
gw_must_check int gw_pki_certificate_again(X509 **ret, const struct gw_pki_draft *draft, X509 *old,
                                           struct gw_error *err);

/* Checks the arguments of init. Returns 0; -EINVAL with *err filled (GW_EXIT_USAGE). */
gw_must_check int gw_pki_permits_check(const struct gw_pki_permits *permits, struct gw_error *err);

/* Whether clients that trust `root` accept the certificate at the time `now`, through
 * `intermediate` (NULL: none). Returns 0; -EIO with the reason in *err (GW_EXIT_OTHER). */
gw_must_check int gw_pki_certificate_verify(X509 *cert, enum gw_pki_kind kind, X509 *root,
                                            X509 *intermediate, int64_t now, OSSL_LIB_CTX *library,
                                            struct gw_error *err);

/* The Unix time of a time in a certificate or CRL. -1 when it is invalid or not in the form of RFC
 * 5280 4.1.2.5. */
int64_t gw_pki_certificate_time(const ASN1_TIME *time);

/* Appends a certificate as PEM. */
gw_must_check int gw_pki_certificate_write(struct gw_pki_text *text, X509 *cert,
                                           struct gw_error *err);
/* Reads the first certificate. `file` is its name for errors. The caller frees *ret. */
gw_must_check int gw_pki_certificate_read(X509 **ret, const struct gw_pki_text *text,
                                          const char *file, OSSL_LIB_CTX *library,
                                          struct gw_error *err);
/* Writes key, certificate and `chain` (NULL: none) as PKCS #12 with a pass phrase; "" for none. */
gw_must_check int gw_pki_certificate_bundle(struct gw_pki_text *ret, const char *name,
                                            EVP_PKEY *key, X509 *cert, X509 *const chain[2],
                                            const char *pass, OSSL_LIB_CTX *library,
                                            struct gw_error *err);
