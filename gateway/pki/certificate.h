/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as RFC 5280 and today's clients want them: version 3, SHA-256, key identifiers, one
 * profile (a row of a table) for each kind. Pure: no files.
 */
#pragma once

#include "gateway/pki/request.h"
#include "gateway/pki/serial.h"

#include <openssl/types.h>

enum {
    GW_PKI_BACKDATE_S =
        3600 /* certificates and lists begin so much earlier, for clocks that are slow */
};

/* A CA's certificate and its key; NULL when the key is not at hand. */
struct gw_pki_signer {
    X509 *cert;
    EVP_PKEY *key;
};

void gw_pki_signer_done(struct gw_pki_signer *signer);

/* One certificate to be made. */
struct gw_pki_draft {
    enum gw_pki_kind kind;
    const char *name;                     /* common name */
    const struct gw_pki_request *request; /* server, client: OU and subject alternative names */
    const struct gw_pki_permits *permits; /* root, intermediate; NULL: anything */
    unsigned path_len;                    /* root, intermediate: CAs below it */
    struct gw_pki_serial serial;
    EVP_PKEY *key; /* its own, not the signer's */
    int64_t from;  /* validity, Unix time */
    int64_t until;
    const struct gw_pki_signer *signer; /* NULL: signs itself */
};

/* The caller frees *ret. Returns 0; -EIO or -EINVAL with *err filled. */
gw_must_check int gw_pki_certificate_make(X509 **ret, const struct gw_pki_draft *draft,
                                          OSSL_LIB_CTX *library, struct gw_error *err);

/* The same certificate with another serial number and validity, those of the draft, signed by its
 * signer; the key stays. */
gw_must_check int gw_pki_certificate_again(X509 **ret, const struct gw_pki_draft *draft, X509 *old,
                                           struct gw_error *err);

/* Checks what init was given. Returns 0; -EINVAL with *err filled (GW_EXIT_USAGE). */
gw_must_check int gw_pki_permits_check(const struct gw_pki_permits *permits, struct gw_error *err);

/* Whether clients that trust `root` take the certificate at the time `now`, through `intermediate`
 * (NULL: none). Returns 0; -EIO with *err saying why not (GW_EXIT_OTHER). */
gw_must_check int gw_pki_certificate_verify(X509 *cert, enum gw_pki_kind kind, X509 *root,
                                            X509 *intermediate, int64_t now, OSSL_LIB_CTX *library,
                                            struct gw_error *err);

/* Unix time of a time in a certificate or CRL; -1 when it is none, or not in the form of RFC 5280
 * 4.1.2.5. */
int64_t gw_pki_certificate_time(const ASN1_TIME *time);

/* Appends a certificate as PEM. */
gw_must_check int gw_pki_certificate_write(struct gw_pki_text *text, X509 *cert,
                                           struct gw_error *err);
/* Reads the first certificate; `file` names it in the error. The caller frees *ret. */
gw_must_check int gw_pki_certificate_read(X509 **ret, const struct gw_pki_text *text,
                                          const char *file, OSSL_LIB_CTX *library,
                                          struct gw_error *err);
/* Key, certificate and `chain` (NULL: none) as PKCS #12 under a pass phrase, "" for none. */
gw_must_check int gw_pki_certificate_bundle(struct gw_pki_text *ret, const char *name,
                                            EVP_PKEY *key, X509 *cert, X509 *const chain[2],
                                            const char *pass, OSSL_LIB_CTX *library,
                                            struct gw_error *err);
