/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, made at test time by libcrypto. Nothing here returns an error: what fails
 * ends the test program with a sentence.
 *
 *   struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true});
 *   struct test_cert *server = test_cert_new(&(struct test_cert_spec){
 *       .cn = "server", .san = "DNS:gate.test", .issuer = ca});
 *   struct test_dir *dir = test_dir_new();
 *   const char *cert_file = test_dir_cert(dir, "server.pem", server, NULL);
 *   const char *key_file = test_dir_key(dir, "server.key", server);
 *   …
 *   test_dir_free(dir); test_cert_free(server); test_cert_free(ca);
 */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

enum test_key {
    TEST_KEY_EC,  /* P-256 */
    TEST_KEY_RSA, /* 2048 bits */
    TEST_KEY_RSA_1024,
    TEST_KEY_ED25519,
    TEST_KEY_P521,
};

struct test_cert {
    X509 *x509;
    EVP_PKEY *key;
    const struct test_cert *issuer; /* NULL: signed by itself */
};

struct test_cert_spec {
    const char *cn;  /* NULL: none */
    const char *ou;  /* NULL: none */
    const char *san; /* as in openssl.cnf: "DNS:a.test,URI:spiffe://x/y,IP:127.0.0.1"; NULL: none */
    const char *eku; /* "clientAuth", "serverAuth" or both with a comma; NULL: none */
    const char
        *points; /* CRL distribution points: "URI:http://x/1.crl,URI:…", one each; NULL: none */
    const char *key_usage; /* NULL: that of a CA, or none */
    bool ca;
    bool bare; /* without key identifiers, as `openssl x509 -req` makes them */
    enum test_key key;
    /* Validity in seconds from now; both 0: from an hour ago for 90 days. */
    long begins;
    long ends;
    const struct test_cert *issuer; /* NULL: signed by itself; must outlive the certificate */
    /* Changes the certificate in any way before it is signed; NULL: no. */
    void (*tweak)(X509 *cert);
};

/* A certificate with a fresh key. */
struct test_cert *test_cert_new(const struct test_cert_spec *spec);
void test_cert_free(struct test_cert *cert);

/* A list of revoked certificates, signed by `ca`; changed by `tweak` before, NULL: not. Its times
 * are in seconds from now; both 0: from an hour ago for a day. */
struct test_crl_spec {
    const struct test_cert *ca;
    const struct test_cert *const *revoked; /* NULL after the last; NULL: none */
    long number;                            /* 0: without */
    long begins;
    long ends;
    bool endless; /* without nextUpdate */
    bool weak;    /* signed with SHA-1 */
    bool pss;     /* by RSA-PSS; the CA's key must be RSA */
    void (*tweak)(X509_CRL *crl);
};
X509_CRL *test_crl_new(const struct test_crl_spec *spec);

/* A fresh directory under /tmp and the files written into it; paths live until test_dir_free,
 * which removes all of it. */
struct test_dir;
struct test_dir *test_dir_new(void);
void test_dir_free(struct test_dir *dir);
const char *test_dir_path(const struct test_dir *dir);
/* Makes a folder in it, and returns its path; its files are made with names like "folder/file". */
const char *test_dir_folder(struct test_dir *dir, const char *name);
/* Removes all files of such a folder. */
void test_dir_empty(struct test_dir *dir, const char *name);

/* Writes a file with mode 0600 and returns its path. An existing one is replaced. */
const char *test_dir_file(struct test_dir *dir, const char *name, const void *data, size_t len);
/* PEM: the certificate, then `more` (NULL: nothing). */
const char *test_dir_cert(struct test_dir *dir, const char *name, const struct test_cert *cert,
                          const struct test_cert *more);
/* PEM: the CRL, then `more` (NULL: nothing). Frees neither. */
const char *test_dir_crl(struct test_dir *dir, const char *name, X509_CRL *crl, X509_CRL *more);
/* PEM: the private key (PKCS #8). */
const char *test_dir_key(struct test_dir *dir, const char *name, const struct test_cert *cert);
/* PEM: the private key as PKCS #1 (RSA) or SEC 1 (EC), encrypted unless `phrase` and the cipher are
 * NULL. */
const char *test_dir_key_traditional(struct test_dir *dir, const char *name,
                                     const struct test_cert *cert, const char *phrase,
                                     const EVP_CIPHER *cipher);
/* PEM: the certificate, `more` (NULL: nothing), the private key. */
const char *test_dir_bundle(struct test_dir *dir, const char *name, const struct test_cert *cert,
                            const struct test_cert *more);
/* PKCS #8, encrypted with a pass phrase. */
const char *test_dir_key_encrypted(struct test_dir *dir, const char *name,
                                   const struct test_cert *cert, const char *phrase,
                                   const EVP_CIPHER *cipher);
