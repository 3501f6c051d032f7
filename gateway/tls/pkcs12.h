/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, its chain and its private key from a PKCS #12 file (.p12, .pfx). */
#pragma once

#include "gateway/tls/pemkey.h"

struct gw_pkcs12 {
    X509 *leaf;             /* the certificate of the key */
    STACK_OF(X509) * chain; /* the other certificates of the file; may be empty */
    EVP_PKEY *key;
    int key_type; /* EVP_PKEY_…, as from gw_pemkey_read */
};

/*
 * Reads the file with the reader's pass phrase or none. Returns 0, or a negative errno with *err
 * filled (GW_EXIT_USAGE) and *ret zeroed.
 */
gw_must_check int gw_pkcs12_read(const struct gw_pemkey_reader *reader,
                                 const struct gw_pemfile *file, struct gw_pkcs12 *ret,
                                 struct gw_error *err);

/* All certificates of the file, that of its private key first, at least one. The file need not hold
 * a key. For a file that may be PEM or a single certificate in DER, too, and is neither. Returns as
 * gw_pkcs12_read; *ret is then NULL. */
gw_must_check int gw_pkcs12_certs(const struct gw_pemkey_reader *reader,
                                  const struct gw_pemfile *file, STACK_OF(X509) * *ret,
                                  struct gw_error *err);
