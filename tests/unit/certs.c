/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/certs.h"

#include "gateway/base/attr.h"
#include "tests/support/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #cond);                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static EVP_PKEY *make_key(enum test_key kind)
{
    switch (kind) {
    case TEST_KEY_RSA:
        return EVP_RSA_gen(2048);
    case TEST_KEY_RSA_1024:
        return EVP_RSA_gen(1024);
    case TEST_KEY_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case TEST_KEY_P521:
        return EVP_EC_gen("P-521");
    default:
        return EVP_EC_gen("P-256");
    }
}

static void add_name(X509_NAME *name, const char *field, const char *value)
{
    if (value)
        must(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value,
                                        -1, -1, 0));
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(e && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
}

static void add_extensions(X509 *cert, const struct test_cert_spec *spec)
{
    X509 *issuer = spec->issuer ? spec->issuer->x509 : cert;
    const struct {
        bool wanted;
        int nid;
        const char *value;
    } rows[] = {
        {true, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE"},
        {!spec->bare, NID_subject_key_identifier, "hash"},
        {spec->issuer && !spec->bare, NID_authority_key_identifier,
         "keyid:always"}, /* Python 3.13 asks for it */
        {spec->ca && !spec->key_usage, NID_key_usage, "critical,keyCertSign,cRLSign"},
        {spec->key_usage, NID_key_usage, spec->key_usage},
        {spec->points, NID_crl_distribution_points, spec->points},
        {spec->san, NID_subject_alt_name, spec->san},
        {spec->eku, NID_ext_key_usage, spec->eku},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        if (rows[i].wanted)
            add_extension(cert, issuer, rows[i].nid, rows[i].value);
}

static void set_serial(X509 *cert)
{
    unsigned char bytes[8];
    must(RAND_bytes(bytes, sizeof(bytes)) == 1);
    bytes[0] &= 0x7f;
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    must(n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)));
    BN_free(n);
}

static void set_validity(X509 *cert, const struct test_cert_spec *spec)
{
    bool usual = !spec->begins && !spec->ends;
    must(X509_gmtime_adj(X509_getm_notBefore(cert), usual ? -3600 : spec->begins));
    must(X509_gmtime_adj(X509_getm_notAfter(cert), usual ? 90L * 86400 : spec->ends));
}

struct test_cert *test_cert_new(const struct test_cert_spec *spec)
{
    struct test_cert *c = calloc(1, sizeof(*c));
    must(c);
    c->issuer = spec->issuer;
    must((c->key = make_key(spec->key)));
    must((c->x509 = X509_new()));
    must(X509_set_version(c->x509, X509_VERSION_3));
    set_serial(c->x509);
    set_validity(c->x509, spec);
    add_name(X509_get_subject_name(c->x509), "OU", spec->ou);
    add_name(X509_get_subject_name(c->x509), "CN", spec->cn);
    const X509 *issuer = spec->issuer ? spec->issuer->x509 : c->x509;
    must(X509_set_issuer_name(c->x509, X509_get_subject_name(issuer)));
    must(X509_set_pubkey(c->x509, c->key));
    add_extensions(c->x509, spec);
    if (spec->tweak)
        spec->tweak(c->x509);
    EVP_PKEY *signer = spec->issuer ? spec->issuer->key : c->key;
    const EVP_MD *md = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    must(X509_sign(c->x509, signer, md));
    return c;
}

static void add_revoked(X509_CRL *crl, const struct test_cert *cert)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = X509_gmtime_adj(NULL, -60);
    must(entry && when && X509_REVOKED_set_revocationDate(entry, when));
    must(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert->x509)));
    must(X509_CRL_add0_revoked(crl, entry));
    ASN1_TIME_free(when);
}

static void set_times(X509_CRL *crl, const struct test_crl_spec *spec)
{
    bool usual = !spec->begins && !spec->ends;
    ASN1_TIME *begins = X509_gmtime_adj(NULL, usual ? -3600 : spec->begins);
    ASN1_TIME *ends = X509_gmtime_adj(NULL, usual ? 86400 : spec->ends);
    must(begins && ends && X509_CRL_set1_lastUpdate(crl, begins));
    must(spec->endless || X509_CRL_set1_nextUpdate(crl, ends));
    ASN1_TIME_free(begins);
    ASN1_TIME_free(ends);
}

static void sign_crl(X509_CRL *crl, const struct test_crl_spec *spec)
{
    const EVP_MD *hash = spec->weak ? EVP_sha1() : EVP_sha256();
    const EVP_MD *md = EVP_PKEY_get_base_id(spec->ca->key) == EVP_PKEY_ED25519 ? NULL : hash;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key = NULL;
    must(ctx && EVP_DigestSignInit(ctx, &key, md, NULL, spec->ca->key) == 1);
    must(!spec->pss || EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1);
    must(X509_CRL_sign_ctx(crl, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

X509_CRL *test_crl_new(const struct test_crl_spec *spec)
{
    X509_CRL *crl = X509_CRL_new();
    must(crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2));
    must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(spec->ca->x509)));
    set_times(crl, spec);
    for (size_t i = 0; spec->revoked && spec->revoked[i]; i++)
        add_revoked(crl, spec->revoked[i]);
    if (spec->number) {
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        must(number && ASN1_INTEGER_set(number, spec->number));
        must(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0));
        ASN1_INTEGER_free(number);
    }
    if (spec->tweak)
        spec->tweak(crl);
    sign_crl(crl, spec);
    return crl;
}

void test_cert_free(struct test_cert *c)
{
    if (!c)
        return;
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    free(c);
}

enum {
    FILES_MAX = 1200
};

struct test_dir {
    char path[FOLDER_MAX];
    char *files[FILES_MAX];
    unsigned count;
};

struct test_dir *test_dir_new(void)
{
    struct test_dir *dir = calloc(1, sizeof(*dir));
    must(dir);
    must(folder_make(dir->path, "test"));
    return dir;
}

/* Ours, and what the programs that were tested left there; folders too, one deep. */
static void empty(const char *path)
{
    char inner[512];
    DIR *dir = opendir(path);
    must(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) == 0)
            continue;
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
        empty(inner);
        (void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    }
    (void)closedir(dir);
}

void test_dir_free(struct test_dir *dir)
{
    if (!dir)
        return;
    empty(dir->path);
    must(rmdir(dir->path) == 0);
    for (unsigned i = 0; i < dir->count; i++)
        free(dir->files[i]);
    free(dir);
}

const char *test_dir_path(const struct test_dir *dir)
{
    return dir->path;
}

static const char *remember(struct test_dir *dir, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", dir->path, name);
    for (unsigned i = 0; i < dir->count; i++)
        if (strcmp(dir->files[i], path) == 0)
            return dir->files[i];
    must(dir->count < FILES_MAX);
    must((dir->files[dir->count] = strdup(path)));
    return dir->files[dir->count++];
}

const char *test_dir_folder(struct test_dir *dir, const char *name)
{
    const char *path = remember(dir, name);
    must(mkdir(path, 0700) == 0);
    return path;
}

void test_dir_empty(struct test_dir *dir, const char *name)
{
    empty(remember(dir, name));
}

const char *test_dir_file(struct test_dir *dir, const char *name, const void *data, size_t len)
{
    const char *path = remember(dir, name);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0);
    must(write(fd, data, len) == (ssize_t)len);
    must(close(fd) == 0);
    return path;
}

/* Writes what the memory BIO holds and frees it. */
static const char *write_bio(struct test_dir *dir, const char *name, BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    const char *path = test_dir_file(dir, name, data, (size_t)len);
    BIO_free(bio);
    return path;
}

const char *test_dir_cert(struct test_dir *dir, const char *name, const struct test_cert *cert,
                          const struct test_cert *more)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(bio && PEM_write_bio_X509(bio, cert->x509));
    must(!more || PEM_write_bio_X509(bio, more->x509));
    return write_bio(dir, name, bio);
}

const char *test_dir_crl(struct test_dir *dir, const char *name, X509_CRL *crl, X509_CRL *more)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(bio && PEM_write_bio_X509_CRL(bio, crl));
    must(!more || PEM_write_bio_X509_CRL(bio, more));
    return write_bio(dir, name, bio);
}

const char *test_dir_key(struct test_dir *dir, const char *name, const struct test_cert *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(bio && PEM_write_bio_PKCS8PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL));
    return write_bio(dir, name, bio);
}

const char *test_dir_bundle(struct test_dir *dir, const char *name, const struct test_cert *cert,
                            const struct test_cert *more)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(bio && PEM_write_bio_X509(bio, cert->x509));
    must(!more || PEM_write_bio_X509(bio, more->x509));
    must(PEM_write_bio_PKCS8PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL));
    return write_bio(dir, name, bio);
}

const char *test_dir_key_traditional(struct test_dir *dir, const char *name,
                                     const struct test_cert *cert, const char *phrase,
                                     const EVP_CIPHER *cipher)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const unsigned char *text = (const unsigned char *)phrase;
    must(bio && PEM_write_bio_PrivateKey_traditional(bio, cert->key, cipher, text,
                                                     phrase ? (int)strlen(phrase) : 0, NULL, NULL));
    return write_bio(dir, name, bio);
}

const char *test_dir_key_encrypted(struct test_dir *dir, const char *name,
                                   const struct test_cert *cert, const char *phrase,
                                   const EVP_CIPHER *cipher)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char text[64];
    (void)snprintf(text, sizeof(text), "%s", phrase);
    must(bio && PEM_write_bio_PKCS8PrivateKey(bio, cert->key, cipher, text, (int)strlen(text), NULL,
                                              NULL));
    return write_bio(dir, name, bio);
}
