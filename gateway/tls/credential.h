/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate with its chain and private key, loaded from its files and checked. */
#pragma once

#include "gateway/tls/ocsp.h"
#include "gateway/tls/pemkey.h"

#include <openssl/ssl.h>

/* Where it is: files, and the flags that named them. */
struct gw_credential_files {
    const char *cert_flag, *cert_file;
    const char *key_flag, *key_file;
    const char *ocsp_flag, *ocsp_file; /* NULL: none */
};

struct gw_credential {
    const char *flag; /* "--cert", "--cert-dir" */
    char *file;       /* its path; for messages */
    X509 *leaf;
    STACK_OF(X509) * chain; /* what follows the leaf in the file; may be empty */
    EVP_PKEY *key;
    int key_type; /* EVP_PKEY_RSA, _RSA_PSS, _EC, _ED25519 or _ED448 */
    char **names; /* DNS names it is good for: lower case, may begin with "*." */
    unsigned name_count;
    int64_t begins, ends; /* seconds since 1970 */
    bool kept;            /* as it was in force before: its files are not good now */
    struct gw_ocsp ocsp;
};

/* What loading many has in common. */
struct gw_credential_loader {
    struct gw_files *files;
    SSL *trial;        /* lets libssl judge what handshakes will give it */
    X509_STORE *known; /* of the service's CAs; NULL: none */
    OSSL_LIB_CTX *library;
    struct gw_pemkey_reader keys;
    struct gw_pemfile_shared shared;
};

/* `ctx`: whose policy the certificates must satisfy. `known`: the CAs of the service, NULL without.
 * Returns 0 or -ENOMEM; then, too, _done is
 * allowed. */
gw_must_check int gw_credential_loader_init(struct gw_credential_loader *loader,
                                            struct gw_files *files, OSSL_LIB_CTX *library,
                                            SSL_CTX *ctx, X509_STORE *known);
void gw_credential_loader_done(struct gw_credential_loader *loader);

/*
 * Loads and checks: readable, PEM or PKCS #12, key fits certificate, key type usable in TLS 1.2
 * and 1.3, leaf in date, nothing that the policy forbids, not revoked by its own OCSP response.
 * Where the files are not good and others were in force (gw_files_before), those stay, with a note;
 * such a certificate may have expired: a reload takes none away that is served. An OCSP response
 * that cannot be used is left out in the same way. Other notes: a key file that is open to others,
 * what is wrong with the chain (chainfile.h). Returns 0; negative errno with *err filled
 * (GW_EXIT_OTHER: without memory); on failure *ret may still be passed to _done.
 */
gw_must_check int gw_credential_load(struct gw_credential *ret, struct gw_credential_loader *loader,
                                     const struct gw_credential_files *files, struct gw_error *err);
/* A zeroed object is allowed. */
void gw_credential_done(struct gw_credential *credential);

/* Whether it is good for every name that `other` is good for. */
bool gw_credential_covers(const struct gw_credential *credential,
                          const struct gw_credential *other);
