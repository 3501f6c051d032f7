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

/* Whether the file looks like PKCS #12, which is DER. */
bool gw_pkcs12_is(const struct gw_pemfile *file);

/*
 * Reads the file with the reader's pass phrase or none. Returns 0, or a negative errno with *err
 * filled (GW_EXIT_USAGE) and *ret zeroed.
 */
gw_must_check int gw_pkcs12_read(const struct gw_pemkey_reader *reader,
                                 const struct gw_pemfile *file, struct gw_pkcs12 *ret,
                                 struct gw_error *err);
