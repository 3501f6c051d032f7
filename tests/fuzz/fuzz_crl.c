/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CRL as its issuer would have signed it. Input: --crl-soft (1 bit), PEM (1), which good one (2),
 * number of edits (4), the edits to what is signed. The accepted list is the one that libcrypto
 * reads.
 */
#include "gateway/base/log.h"
#include "gateway/tls/library.h"
#include "gateway/tls/trust.h"
#include "tests/fuzz/edits.h"
#include "tests/fuzz/fixed_random.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/target.h"
#include "tests/unit/certs.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum {
    SIGNATURE = 64, /* bytes, of Ed25519 */
    KINDS = 4,
};

static struct test_cert *ca, *leaf;
static struct block {
    uint8_t *der; /* what is signed */
    int len;
} blocks[KINDS];
static struct gw_anchors anchors;
static OSSL_LIB_CTX *library;

static void add_scope(X509_CRL *crl, bool point)
{
    ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
    gw_require(idp);
    idp->onlyuser = point ? 0 : 0xff;
    if (point) {
        idp->distpoint = DIST_POINT_NAME_new();
        idp->distpoint->type = 1;
        idp->distpoint->name.relativename = sk_X509_NAME_ENTRY_new_null();
    }
    gw_require(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0) == 1);
    ISSUING_DIST_POINT_free(idp);
}

static void for_users(X509_CRL *crl)
{
    add_scope(crl, false);
}

static void for_a_point(X509_CRL *crl)
{
    add_scope(crl, true);
}

static void of_changes(X509_CRL *crl)
{
    ASN1_INTEGER *base = ASN1_INTEGER_new();
    gw_require(base && ASN1_INTEGER_set(base, 1));
    gw_require(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0) == 1);
    ASN1_INTEGER_free(base);
}

static void set_up(void)
{
    static void (*const tweaks[KINDS])(X509_CRL *) = {NULL, for_users, of_changes, for_a_point};
    fixed_random_start();
    library = gw_tls_library_get();
    ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true, .key = TEST_KEY_ED25519});
    leaf = test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = ca});
    const struct test_cert *revoked[] = {leaf, ca, NULL};
    for (int i = 0; i < KINDS; i++) {
        X509_CRL *crl = test_crl_new(
            &(struct test_crl_spec){.ca = ca, .revoked = revoked, .number = 5, .tweak = tweaks[i]});
        blocks[i].len = i2d_re_X509_CRL_tbs(crl, &blocks[i].der);
        gw_require(blocks[i].len > 0);
        X509_CRL_free(crl);
    }
    gw_require(gw_anchors_init(&anchors, library) == 0 && gw_anchors_add(&anchors, ca->x509) == 1);
    gw_anchors_seal(&anchors);
}

/* SEQUENCE { the edited bytes, Ed25519, its signature }; the length in four bytes. */
static struct edited sign(const struct edited *tbs)
{
    static const uint8_t algorithm[] = {0x30, 5, 6, 3, 0x2b, 0x65, 0x70};
    static const uint8_t bits[] = {3, SIGNATURE + 1, 0};
    uint8_t signature[SIGNATURE];
    size_t signature_len = SIGNATURE;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    gw_require(md && EVP_DigestSignInit(md, NULL, NULL, NULL, ca->key) == 1 &&
               EVP_DigestSign(md, signature, &signature_len, tbs->data, tbs->len) == 1);
    EVP_MD_CTX_free(md);
    size_t inner = tbs->len + sizeof(algorithm) + sizeof(bits) + SIGNATURE;
    struct edited e = {malloc(inner + 6), inner + 6};
    gw_require(e.data);
    struct gw_writer w = gw_writer_of(e.data, e.len);
    gw_write_be(&w, 0x3084, 2);
    gw_write_be(&w, inner, 4);
    gw_write_bytes(&w, tbs->data, tbs->len);
    gw_write_bytes(&w, algorithm, sizeof(algorithm));
    gw_write_bytes(&w, bits, sizeof(bits));
    gw_write_bytes(&w, signature, SIGNATURE);
    gw_require(!w.failed && gw_writer_len(&w) == e.len);
    return e;
}

static const char *write_crl(const struct edited *crl, bool pem)
{
    if (!pem)
        return memory_file(crl->data, crl->len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    gw_require(bio && PEM_write_bio(bio, "X509 CRL", "", crl->data, (long)crl->len) > 0);
    long len = BIO_get_mem_data(bio, &text);
    const char *path = memory_file(text, (size_t)len);
    BIO_free(bio);
    return path;
}

/* Each entry that libcrypto sees revokes a certificate of the CA, of users or of CAs, when it may
 * be of any distribution point. */
static void check_taken(struct gw_revocation *taken, const struct edited *crl, bool soft)
{
    const unsigned char *at = crl->data;
    X509_CRL *read = d2i_X509_CRL(NULL, &at, (long)crl->len);
    gw_require(read && at == crl->data + crl->len);
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(read);
    int count = entries ? sk_X509_REVOKED_num(entries) : 0;
    time_t now = time(NULL);
    gw_require(gw_revocation_size(taken) == (size_t)count);
    int end = X509_cmp_current_time(X509_CRL_get0_nextUpdate(read)); /* 0: no date that it takes */
    gw_require(end > 0 || (soft && end < 0));
    gw_require(X509_cmp_current_time(X509_CRL_get0_lastUpdate(read)) != 0);
    gw_require(X509_CRL_get_ext_by_NID(read, NID_delta_crl, -1) < 0);
    for (int i = 0; i < count; i++) {
        const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        struct gw_chain_entry e = {.is_ca = false, .points.more = true};
        memcpy(e.issuer, anchors.all[0].id, sizeof(e.issuer));
        gw_require(gw_anchors_serial(&anchors, X509_REVOKED_get0_serialNumber(entry), &e.serial));
        bool user = gw_revocation_look(taken, &e, now) == X509_V_ERR_CERT_REVOKED;
        e.is_ca = true;
        gw_require(user || gw_revocation_look(taken, &e, now) == X509_V_ERR_CERT_REVOKED);
        e.issuer[0] ^= 1;
        gw_require(gw_revocation_look(taken, &e, now) == X509_V_ERR_UNABLE_TO_GET_CRL);
    }
    X509_CRL_free(read);
}

static void swallow(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    gw_require(level == GW_LOG_WARNING && strlen(message) > 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_tls_side side = {.session_scope = "fuzz", .verify = GW_VERIFY_REQUIRED};
    struct gw_reader r = gw_reader_of(data, size);
    struct gw_error err = {.text = ""};
    struct gw_revocation *taken = NULL;
    if (!library) {
        set_up();
        gw_log_setup(&(struct gw_log_config){.level = GW_LOG_INFO, .sink = swallow});
    }
    uint8_t choice = gw_read_u8(&r);
    const struct block *b = &blocks[choice >> 4 & (KINDS - 1)];
    struct edited tbs = edit_copy(b->der, (size_t)b->len, choice & 15, &r);
    struct edited crl = sign(&tbs);
    side.crl_soft = choice & 0x80;
    side.crls[0] = write_crl(&crl, choice & 0x40);
    struct gw_files *files = gw_files_new();
    gw_require(files);
    if (gw_revocation_load(&taken, &side, &anchors, files, library, &err)) {
        gw_require(err.exit >= GW_EXIT_OTHER && err.exit <= GW_EXIT_START);
        gw_require(strncmp(err.text, "--crl ", 6) == 0 && strlen(err.text) > 20);
    } else {
        check_taken(taken, &crl, side.crl_soft);
    }
    gw_revocation_free(taken);
    gw_log_notes(gw_files_notes(files));
    gw_files_free(files);
    ERR_clear_error();
    free(crl.data);
    free(tbs.data);
    return 0;
}
