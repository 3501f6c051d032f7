/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, its chain and its private key out of a PKCS #12 file (.p12, .pfx). */
#pragma once

#include "gateway/tls/pemkey.h"

struct gw_pkcs12 {
    X509 *leaf;             /* of the key */
    STACK_OF(X509) * chain; /* what else is in the file; may be empty */
    EVP_PKEY *key;
    int key_type; /* EVP_PKEY_…, as of gw_pemkey_read */
};

/* Whether the file looks like one; it is in DER. */
bool gw_pkcs12_is(const struct gw_pemfile *file);

/*
 * Opened by the reader's pass phrase or by none. Returns 0; negative errno with *err filled
 * (GW_EXIT_USAGE), and *ret zeroed.
 */
gw_must_check int gw_pkcs12_read(const struct gw_pemkey_reader *reader,
                                 const struct gw_pemfile *file, struct gw_pkcs12 *ret,
                                 struct gw_error *err);
