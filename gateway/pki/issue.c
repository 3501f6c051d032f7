/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/issue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

struct gw_pki_cert {
    EVP_PKEY *key;
    X509 *cert;
};

/* Extensions of each kind, RFC 5280 4.2. */
static const struct {
    const char *constraints;
    const char *usage;
    const char *extended;
} profiles[] = {
    [GW_PKI_CA] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign", NULL},
    [GW_PKI_SERVER] = {"critical,CA:FALSE", "critical,digitalSignature", "serverAuth"},
    [GW_PKI_CLIENT] = {"critical,CA:FALSE", "critical,digitalSignature", "clientAuth"},
};

void gw_pki_free(struct gw_pki_cert *cert)
{
    if (!cert)
        return;
    EVP_PKEY_free(cert->key);
    X509_free(cert->cert);
    free(cert);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    if (!value)
        return true;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext && X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    return ok;
}

static bool add_name(X509_NAME *name, int nid, const char *value)
{
    return !value || X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                                (const unsigned char *)value, -1, -1, 0);
}

/* 127 random bits: positive, and never the same twice (RFC 5280 4.1.2.2). */
static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return ok;
}

static bool fill(X509 *cert, const struct gw_pki_request *req, EVP_PKEY *key, X509 *issuer)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), req->from_s) &&
           X509_gmtime_adj(X509_getm_notAfter(cert), req->until_s) && X509_set_pubkey(cert, key) &&
           add_name(name, NID_organizationalUnitName, req->ou) &&
           add_name(name, NID_commonName, req->cn) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer));
}

static bool extend(X509 *cert, const struct gw_pki_request *req, X509 *issuer)
{
    return add_extension(cert, issuer, NID_basic_constraints, profiles[req->kind].constraints) &&
           add_extension(cert, issuer, NID_key_usage, profiles[req->kind].usage) &&
           add_extension(cert, issuer, NID_ext_key_usage, profiles[req->kind].extended) &&
           add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(cert, issuer, NID_authority_key_identifier, "keyid") &&
           add_extension(cert, issuer, NID_subject_alt_name, req->san);
}

static bool make(struct gw_pki_cert *out, const struct gw_pki_request *req,
                 const struct gw_pki_cert *issuer)
{
    out->key = EVP_EC_gen("P-256");
    out->cert = X509_new();
    if (!out->key || !out->cert)
        return false;
    X509 *signer = issuer ? issuer->cert : out->cert;
    EVP_PKEY *signing_key = issuer ? issuer->key : out->key;
    return fill(out->cert, req, out->key, signer) && extend(out->cert, req, signer) &&
           X509_sign(out->cert, signing_key, EVP_sha256()) > 0;
}

int gw_pki_issue(struct gw_pki_cert **ret, const struct gw_pki_request *request,
                 const struct gw_pki_cert *issuer, struct gw_error *err)
{
    struct gw_pki_cert *cert = calloc(1, sizeof(*cert));
    if (cert && make(cert, request, issuer)) {
        *ret = cert;
        return 0;
    }
    gw_pki_free(cert);
    const char *why = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return gw_error_set(err, GW_EXIT_OTHER, "cannot make a certificate for %s: %s", request->cn,
                        why ? why : "out of memory");
}

static FILE *create(const char *dir, const char *name, const char *suffix, mode_t mode)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return NULL;
    FILE *f = fdopen(fd, "w");
    if (!f)
        (void)close(fd);
    return f;
}

static bool finish(FILE *f, bool written)
{
    return f && fclose(f) == 0 && written;
}

static bool write_key(const struct gw_pki_cert *cert, const char *dir, const char *name)
{
    FILE *f = create(dir, name, ".key", 0600);
    return finish(f, f && PEM_write_PrivateKey(f, cert->key, NULL, NULL, 0, NULL, NULL) == 1);
}

static bool write_cert(const struct gw_pki_cert *cert, const char *dir, const char *name)
{
    FILE *f = create(dir, name, ".pem", 0644);
    return finish(f, f && PEM_write_X509(f, cert->cert) == 1);
}

int gw_pki_write(const struct gw_pki_cert *cert, const char *dir, const char *name,
                 struct gw_error *err)
{
    if (write_key(cert, dir, name) && write_cert(cert, dir, name))
        return 0;
    return gw_error_set(err, GW_EXIT_OTHER, "cannot write %s.pem and %s.key into %s: %s", name,
                        name, dir, strerror(errno));
}
