/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes keys and certificates with libcrypto: ECDSA P-256, random serial numbers, SHA-256. Used by
 * the demo and by tests.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/error.h"

#include <stdint.h>

enum gw_pki_kind {
    GW_PKI_CA,
    GW_PKI_SERVER, /* extended key usage serverAuth */
    GW_PKI_CLIENT, /* clientAuth */
};

struct gw_pki_request {
    enum gw_pki_kind kind;
    const char *cn;  /* required */
    const char *ou;  /* NULL: none */
    const char *san; /* as in openssl.cnf: "DNS:localhost,IP:127.0.0.1"; NULL: none */
    int64_t from_s;  /* begin and end of validity, seconds from now */
    int64_t until_s;
};

/* A certificate with its private key. */
struct gw_pki_cert;

/* Makes a key and a certificate signed by `issuer` (NULL: by itself). The caller frees *ret.
 * Returns 0; -EIO with *err filled. */
gw_must_check int gw_pki_issue(struct gw_pki_cert **ret, const struct gw_pki_request *request,
                               const struct gw_pki_cert *issuer, struct gw_error *err);
void gw_pki_free(struct gw_pki_cert *cert);

/* Writes NAME.pem (the certificate, mode 0644) and NAME.key (mode 0600) into `dir`; a file of that
 * name must not exist. Returns 0; -EIO with *err filled. */
gw_must_check int gw_pki_write(const struct gw_pki_cert *cert, const char *dir, const char *name,
                               struct gw_error *err);
