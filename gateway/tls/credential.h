/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate with its chain and private key, loaded from its files and checked. */
#pragma once

#include "gateway/tls/ocsp.h"
#include "gateway/tls/pemkey.h"

#include <openssl/ssl.h>

/* The files of a certificate, and the flags that named them. */
struct gw_credential_files {
    const char *cert_flag, *cert_file;
    const char *key_flag, *key_file;
    const char *ocsp_flag, *ocsp_file; /* NULL: none */
};

struct gw_credential {
    const char *flag; /* "--cert", "--cert-dir" */
    char *file;       /* its path, for messages */
    X509 *leaf;
    STACK_OF(X509) * chain; /* the certificates after the leaf in the file; may be empty */
    EVP_PKEY *key;
    int key_type; /* EVP_PKEY_RSA, _RSA_PSS, _EC, _ED25519 or _ED448 */
    char **names; /* the DNS names it is good for: lower case, may begin with "*." */
    unsigned name_count;
    int64_t begins, ends; /* seconds since 1970 */
    bool kept;            /* the version in force before, since its current files are unusable */
    struct gw_ocsp ocsp;
};

/* The state that many loads share. */
struct gw_credential_loader {
    struct gw_files *files;
    SSL *trial; /* an SSL on which libssl checks what handshakes will use */
    OSSL_LIB_CTX *library;
    struct gw_pemkey_reader keys;
    struct gw_pemfile_shared shared;
};

/* `ctx`: the policy that certificates must satisfy. Returns 0 or -ENOMEM;
 * gw_credential_loader_done is allowed after either. */
gw_must_check int gw_credential_loader_init(struct gw_credential_loader *loader,
                                            struct gw_files *files, OSSL_LIB_CTX *library,
                                            SSL_CTX *ctx);
void gw_credential_loader_done(struct gw_credential_loader *loader);

/*
 * Loads and checks: readable, PEM or PKCS #12, key fits certificate, key type usable in TLS 1.2 and
 * 1.3, leaf in date, permitted by the policy, not revoked by its own OCSP response. If the files
 * are unusable and others were in force (gw_files_before), those stay, with a note. They may have
 * expired: a reload never removes a certificate that is served. An unusable OCSP response is
 * skipped in the same way. Further notes: a key file that others can read, and faults of the chain
 * (chainfile.h). Returns 0, or a negative errno with *err filled (GW_EXIT_OTHER: out of memory). On
 * failure *ret may still be passed to gw_credential_done.
 */
gw_must_check int gw_credential_load(struct gw_credential *ret, struct gw_credential_loader *loader,
                                     const struct gw_credential_files *files, struct gw_error *err);
/* A zeroed object is allowed. */
void gw_credential_done(struct gw_credential *credential);

/* Whether the credential is good for every name that `other` is good for. */
bool gw_credential_covers(const struct gw_credential *credential,
                          const struct gw_credential *other);
