/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate with its chain and private key, loaded from the two files of a pair and checked. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct gw_credential {
    const struct gw_cert_pair *pair; /* for messages; owned by the configuration */
    X509 *leaf;
    STACK_OF(X509) * chain; /* what follows the leaf in the file; may be empty */
    EVP_PKEY *key;
    int key_type; /* EVP_PKEY_RSA, _RSA_PSS, _EC, _ED25519 or _ED448 */
    char **names; /* DNS names it is good for: lower case, may begin with "*." */
    unsigned name_count;
};

/*
 * Loads and checks: readable, PEM, key fits certificate, key type usable in TLS 1.2 and 1.3, leaf
 * in date. Warns through gw_log: key file open to others, an end within 30 days.
 * Returns 0; negative errno with *err filled; on failure *ret may still be passed to _done.
 */
gw_must_check int gw_credential_load(struct gw_credential *ret, struct gw_files *files,
                                     const struct gw_cert_pair *pair, OSSL_LIB_CTX *library,
                                     struct gw_error *err);
/* A zeroed object is allowed. */
void gw_credential_done(struct gw_credential *credential);

/* Whether it is good for every name that `other` is good for. */
bool gw_credential_covers(const struct gw_credential *credential,
                          const struct gw_credential *other);
