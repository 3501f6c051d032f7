/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of certificates and keys, given as --cert, --key and --cacert at once. Input: parts of one
 * byte and what they need: text as it is, or a good block with some edits to its DER. Loading it
 * twice with the same decoders must come to the same.
 */
#include "gateway/base/log.h"
#include "gateway/tls/credential.h"
#include "gateway/tls/library.h"
#include "gateway/tls/trust.h"
#include "tests/fuzz/edits.h"
#include "tests/fuzz/fixed_random.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/target.h"
#include "tests/unit/certs.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

static const char *const labels[] = {
    "CERTIFICATE", "PRIVATE KEY",     "EC PRIVATE KEY",        "TRUSTED CERTIFICATE",
    "X509 CRL",    "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "X509 CERTIFICATE",
};

struct block {
    uint8_t *der;
    int len;
};

/* CA, leaf, its key, and the same with another kind of key. */
static struct block blocks[5];
/* The leaf's key, encrypted with the pass phrase that the reader has. */
static struct block sealed_key;

#define PHRASE "secret"

static struct block cert_block(const struct test_cert *cert)
{
    struct block b = {NULL, 0};
    b.len = i2d_X509(cert->x509, &b.der);
    gw_require(b.len > 0);
    return b;
}

static struct block key_block(const struct test_cert *cert)
{
    struct block b = {NULL, 0};
    b.len = i2d_PrivateKey(cert->key, &b.der);
    gw_require(b.len > 0);
    return b;
}

static struct block sealed_block(const struct test_cert *cert)
{
    struct block b = {NULL, 0};
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(cert->key);
    X509_SIG *sealed =
        info ? PKCS8_encrypt(-1, EVP_aes_128_cbc(), PHRASE, (int)strlen(PHRASE), NULL, 0, 1, info)
             : NULL;
    b.len = i2d_X509_SIG(sealed, &b.der);
    gw_require(b.len > 0);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    return b;
}

static void make_blocks(void)
{
    fixed_random_start();
    struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true});
    struct test_cert *leaf = test_cert_new(&(struct test_cert_spec){
        .cn = "gate", .san = "DNS:Gate.test,DNS:*.gate.test", .issuer = ca});
    struct test_cert *other =
        test_cert_new(&(struct test_cert_spec){.cn = "other.test", .key = TEST_KEY_ED25519});
    blocks[0] = cert_block(ca);
    blocks[1] = cert_block(leaf);
    blocks[2] = key_block(leaf);
    blocks[3] = cert_block(other);
    blocks[4] = key_block(other);
    sealed_key = sealed_block(leaf);
    test_cert_free(other);
    test_cert_free(leaf);
    test_cert_free(ca);
}

/* Text up to a NUL, or: number of a block and of edits (1 byte; 0x40: the encrypted one), its label
 * (1), the edits. */
static void add_part(BIO *file, struct gw_reader *r)
{
    uint8_t choice = gw_read_u8(r);
    if (choice & 0x80) {
        char *text = input_text(r, '\0');
        (void)BIO_puts(file, text);
        free(text);
        return;
    }
    const struct block *b = choice & 0x40 ? &sealed_key : &blocks[choice % GW_ARRAY_SIZE(blocks)];
    const char *label = labels[gw_read_u8(r) % GW_ARRAY_SIZE(labels)];
    struct edited e = edit_copy(b->der, (size_t)b->len, choice / 8 % 8, r);
    (void)PEM_write_bio(file, label, "", e.data, (long)e.len);
    free(e.data);
}

static void check_error(const struct gw_error *err)
{
    gw_require(err->exit >= GW_EXIT_OTHER && err->exit <= GW_EXIT_START);
    gw_require(strncmp(err->text, "--", 2) == 0 && strlen(err->text) > 20);
}

static void check_good(const struct gw_credential *c)
{
    gw_require(c->leaf && c->key && X509_check_private_key(c->leaf, c->key) == 1);
    gw_require(EVP_PKEY_get_base_id(c->key) == c->key_type);
    gw_require(X509_cmp_current_time(X509_get0_notAfter(c->leaf)) > 0);
    for (unsigned i = 0; i < c->name_count; i++) {
        const char *name = c->names[i];
        gw_require(*name);
        for (; *name; name++)
            gw_require(!isupper((unsigned char)*name) && (unsigned char)*name > ' ');
    }
    gw_require(gw_credential_covers(c, c));
}

static void check_credential(const char *path, struct gw_files *files, OSSL_LIB_CTX *library)
{
    static SSL_CTX *ctx;
    const struct gw_credential_files paths = {"--cert", path, "--key", path, NULL, NULL};
    struct gw_credential_loader loader;
    struct gw_error errors[2] = {{.text = ""}, {.text = ""}};
    if (!ctx)
        ctx = SSL_CTX_new_ex(library, NULL, TLS_server_method());
    gw_require(ctx && gw_credential_loader_init(&loader, files, library, ctx) == 0);
    loader.keys.phrase_file = "phrase";
    (void)snprintf(loader.keys.phrase, sizeof(loader.keys.phrase), PHRASE);
    for (int i = 0; i < 2; i++) {
        struct gw_credential c = {0};
        if (gw_credential_load(&c, &loader, &paths, &errors[i]))
            check_error(&errors[i]);
        else
            check_good(&c);
        gw_credential_done(&c);
    }
    gw_require(strcmp(errors[0].text, errors[1].text) == 0);
    gw_credential_loader_done(&loader);
}

static void check_trust(const char *path, struct gw_files *files, OSSL_LIB_CTX *library)
{
    static struct gw_tls_side side = {.session_scope = "fuzz", .verify = GW_VERIFY_REQUIRED};
    struct gw_error err = {.text = ""};
    struct gw_trust trust = {0};
    side.cacerts[0] = path;
    if (gw_trust_load(&trust, &side, files, library, &err))
        check_error(&err);
    else
        gw_require(trust.store && sk_X509_NAME_num(trust.names) > 0);
    gw_trust_done(&trust);
}

static void swallow(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    gw_require(level == GW_LOG_WARNING && strlen(message) > 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static OSSL_LIB_CTX *library;
    struct gw_reader r = gw_reader_of(data, size);
    if (!library) {
        library = gw_tls_library_get();
        make_blocks();
        gw_log_setup(&(struct gw_log_config){.level = GW_LOG_INFO, .sink = swallow});
    }
    BIO *file = BIO_new(BIO_s_mem());
    gw_require(library && file);
    while (gw_reader_left(&r) > 0)
        add_part(file, &r);
    char *text = NULL;
    long len = BIO_get_mem_data(file, &text);
    const char *path = memory_file(text, (size_t)len);
    struct gw_files *files = gw_files_new();
    gw_require(files);
    check_credential(path, files, library);
    check_trust(path, files, library);
    gw_log_notes(gw_files_notes(files));
    gw_files_free(files);
    ERR_clear_error(); /* as the creator of the context does, once */
    BIO_free(file);
    return 0;
}
