/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CRL of 100,000 entries costs on one processor: milliseconds to read it, and microseconds
 * a handshake, full and resumed, for a chain of leaf, intermediate CA and root; and for
 * comparison, what libcrypto's own check of the same CRL costs. Run it by `meson test -C build
 * --benchmark`.
 */
#include "gateway/tls/library.h"
#include "gateway/tls/trust.h"
#include "tests/unit/certs.h"

#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ENTRIES = 100000,
    SERIAL = 16,
    JUDGED = 100000,
    VERIFIED = 20,
    ROUNDS = 5,
};

static uint8_t serials[ENTRIES][SERIAL];

struct world {
    struct test_dir *dir;
    struct test_cert *root, *middle, *leaf;
    X509_CRL *root_crl, *middle_crl;
    STACK_OF(X509) * chain;
    struct gw_tls_side side;
    OSSL_LIB_CTX *library;
};

static double cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "crl_speed: %s\n", what);
    exit(1);
}

static void revoke_many(X509_CRL *crl)
{
    ASN1_TIME *when = X509_gmtime_adj(NULL, -60);
    for (int i = 0; i < ENTRIES; i++) {
        must(RAND_bytes(serials[i], SERIAL) == 1, "no random bytes");
        serials[i][0] = (serials[i][0] & 0x7f) | 1;
        X509_REVOKED *entry = X509_REVOKED_new();
        BIGNUM *n = BN_bin2bn(serials[i], SERIAL, NULL);
        ASN1_INTEGER *number = BN_to_ASN1_INTEGER(n, NULL);
        must(entry && number && X509_REVOKED_set_serialNumber(entry, number) &&
                 X509_REVOKED_set_revocationDate(entry, when) && X509_CRL_add0_revoked(crl, entry),
             "no entry");
        ASN1_INTEGER_free(number);
        BN_free(n);
    }
    ASN1_TIME_free(when);
}

static void make_world(struct world *w)
{
    *w = (struct world){.dir = test_dir_new(), .library = gw_tls_library_get()};
    w->root = test_cert_new(&(struct test_cert_spec){.cn = "Root", .ca = true});
    w->middle =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle", .ca = true, .issuer = w->root});
    w->leaf = test_cert_new(
        &(struct test_cert_spec){.cn = "leaf", .eku = "clientAuth", .issuer = w->middle});
    w->root_crl = test_crl_new(&(struct test_crl_spec){.ca = w->root});
    w->middle_crl = test_crl_new(&(struct test_crl_spec){.ca = w->middle, .tweak = revoke_many});
    w->side = (struct gw_tls_side){
        .session_scope = "bench",
        .verify = GW_VERIFY_REQUIRED,
        .verify_depth = GW_VERIFY_DEPTH_MAX,
        .cacerts = {test_dir_cert(w->dir, "ca.pem", w->root, w->middle)},
    };
}

static void free_world(struct world *w)
{
    X509_CRL_free(w->root_crl);
    X509_CRL_free(w->middle_crl);
    test_cert_free(w->leaf);
    test_cert_free(w->middle);
    test_cert_free(w->root);
    test_dir_free(w->dir);
    gw_tls_library_put();
}

/* Milliseconds to load the trust with these CRLs; it is kept. */
static double load_ms(const struct world *w, const char *const crls[2], struct gw_trust *ret)
{
    struct gw_tls_side side = w->side;
    double best = 1e18;
    side.crls[0] = crls[0];
    side.crls[1] = crls[1];
    for (int round = 0; round < ROUNDS; round++) {
        struct gw_error err = {.text = ""};
        gw_trust_done(ret);
        struct gw_files *files = gw_files_new();
        double t0 = cpu_ns();
        must(files && gw_trust_load(ret, &side, files, w->library, &err) == 0, err.text);
        double took = cpu_ns() - t0;
        best = took < best ? took : best;
        gw_files_free(files);
    }
    return best / 1e6;
}

/* Random numbers, half of them revoked; each time others, so that caches help as they would. */
static void choose_serial(struct gw_serial *s, int i, bool revoked)
{
    s->len = SERIAL;
    memcpy(s->bytes, serials[(unsigned)i * 7919U % ENTRIES], SERIAL);
    s->bytes[SERIAL - 1] ^= !revoked;
}

/* Microseconds for all that a resumed handshake does about its chain. */
static double resumed_us(const struct gw_trust *trust, const struct gw_chain *chain)
{
    uint8_t bytes[GW_CHAIN_BYTES_MAX];
    struct gw_chain one = *chain;
    time_t now = time(NULL);
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double total = 0;
        for (int i = 0; i < JUDGED; i++) {
            choose_serial(&one.entries[0].serial, i, i & 1);
            size_t len = gw_chain_encode(&one, bytes);
            struct gw_chain read;
            double t0 = cpu_ns();
            bool ok = gw_chain_decode(&read, bytes, len);
            int result = gw_trust_judge(trust, &read, now, NULL);
            total += cpu_ns() - t0;
            must(ok && result == (i & 1 ? X509_V_ERR_CERT_REVOKED : X509_V_OK), "judged wrong");
        }
        best = total < best ? total : best;
    }
    return best / JUDGED / 1e3;
}

/* The time of a full handshake's check, after libcrypto has verified it. The leaf is always the
 * same. */
static double full_us(const struct gw_trust *trust, STACK_OF(X509) * verified)
{
    time_t now = time(NULL);
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double t0 = cpu_ns();
        for (int i = 0; i < JUDGED; i++) {
            struct gw_chain chain;
            must(gw_trust_read_chain(trust, verified, &chain) &&
                     gw_trust_judge(trust, &chain, now, NULL) == X509_V_OK,
                 "judged wrong");
        }
        double took = cpu_ns() - t0;
        best = took < best ? took : best;
    }
    return best / JUDGED / 1e3;
}

/* Microseconds of libcrypto's verification of the chain, with or without its own CRL check;
 * *ret_chain (NULL: unwanted) is what it found. */
static double verify_us(const struct world *w, X509_STORE *store, unsigned long flags,
                        STACK_OF(X509) * *ret_chain)
{
    double t0 = cpu_ns();
    for (int i = 0; i < VERIFIED; i++) {
        X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(w->library, NULL);
        must(ctx && X509_STORE_CTX_init(ctx, store, w->leaf->x509, NULL), "no memory");
        X509_STORE_CTX_set_flags(ctx, flags);
        must(X509_verify_cert(ctx) == 1, "libcrypto does not verify the chain");
        if (ret_chain && i == 0)
            *ret_chain = X509_STORE_CTX_get1_chain(ctx);
        X509_STORE_CTX_free(ctx);
    }
    return (cpu_ns() - t0) / VERIFIED / 1e3;
}

static const char *write_der(const struct world *w, X509_CRL *crl)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    must(len > 0, "no DER");
    const char *path = test_dir_file(w->dir, "middle.der", der, (size_t)len);
    OPENSSL_free(der);
    return path;
}

/* As libcrypto has it of a file. */
static bool add_crl(X509_STORE *store, X509_CRL *crl)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    const unsigned char *at = der;
    X509_CRL *copy = d2i_X509_CRL(NULL, &at, len);
    bool ok = copy && X509_STORE_add_crl(store, copy);
    X509_CRL_free(copy);
    OPENSSL_free(der);
    return ok;
}

static void compare_with_libcrypto(const struct world *w)
{
    X509_STORE *store = X509_STORE_new();
    must(store && X509_STORE_add_cert(store, w->root->x509) &&
             X509_STORE_add_cert(store, w->middle->x509) && add_crl(store, w->root_crl) &&
             add_crl(store, w->middle_crl),
         "no store");
    double without = verify_us(w, store, 0, NULL);
    double with = verify_us(w, store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL, NULL);
    printf("libcrypto's own CRL check     %10.1f us a full handshake (the verification alone takes "
           "%.1f)\n",
           with - without, without);
    X509_STORE_free(store);
}

int main(void)
{
    struct world w;
    struct gw_trust trust = {0};
    struct gw_chain chain;
    STACK_OF(X509) *verified = NULL;
    make_world(&w);
    const char *none[2] = {NULL, NULL};
    const char *pem[2] = {test_dir_crl(w.dir, "root.pem", w.root_crl, NULL),
                          test_dir_crl(w.dir, "middle.pem", w.middle_crl, NULL)};
    const char *der[2] = {pem[0], write_der(&w, w.middle_crl)};
    printf("a CRL of %d entries; CPU time\n", ENTRIES);
    double base = load_ms(&w, none, &trust);
    (void)verify_us(&w, trust.store, 0, &verified);
    double without = full_us(&trust, verified);
    printf("reading it in PEM             %10.1f ms\n", load_ms(&w, pem, &trust) - base);
    sk_X509_pop_free(verified, X509_free);
    printf("reading it in DER             %10.1f ms\n", load_ms(&w, der, &trust) - base);
    (void)verify_us(&w, trust.store, 0, &verified);
    double with = full_us(&trust, verified);
    must(gw_trust_read_chain(&trust, verified, &chain), "no chain");
    printf("a look-up, full handshake     %10.2f us (%.2f with keeping the chain)\n",
           with - without, with);
    printf("a look-up, resumed handshake  %10.2f us, reading the chain from the ticket too\n",
           resumed_us(&trust, &chain));
    sk_X509_pop_free(verified, X509_free);
    gw_trust_done(&trust);
    compare_with_libcrypto(&w);
    free_world(&w);
    return 0;
}
