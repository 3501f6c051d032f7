/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/context: what is refused at start, in which words, and which certificate answers
 * for which name.
 */
#include "gateway/base/log.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/library.h"
#include "tests/support/best_group.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char warnings[4096];

static void keep_warning(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    assert_int_equal(level, GW_LOG_WARNING);
    strncat(warnings, message, sizeof(warnings) - strlen(warnings) - 1);
}

/* No context comes about; the sentence holds all the parts (up to a NULL). */
static void refused(const struct gw_tls_side *side, enum gw_exit exit, const char *const parts[3])
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    int r = gw_tls_context_new(&tls, side, NULL, NULL, &err);
    if (r == 0)
        fail_msg("accepted, but '%s' was expected", parts[0]);
    assert_null(tls);
    assert_int_equal(err.exit, exit);
    for (int i = 0; i < 3 && parts[i]; i++)
        if (!strstr(err.text, parts[i]))
            fail_msg("'%s' does not say '%s'", err.text, parts[i]);
}

#define refused_with(side, exit, ...) refused(side, exit, (const char *const[3]){__VA_ARGS__})

static struct gw_tls_side plain(const struct tlsworld *w)
{
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.cert_count = 1;
    return side;
}

static struct gw_tls_side with_pair(const struct tlsworld *w, const char *cert, const char *key)
{
    struct gw_tls_side side = plain(w);
    side.certs[0] = (struct gw_cert_pair){cert, key};
    return side;
}

static const char *garbage(const struct tlsworld *w)
{
    return test_dir_file(w->dir, "garbage.pem", "not a PEM file\n", 15);
}

static const char *damaged(const struct tlsworld *w, const char *what)
{
    char text[256];
    int len = snprintf(text, sizeof(text),
                       "-----BEGIN %s-----\nAAAAAAAAAAAAAAAA\n-----END %s-----\n", what, what);
    return test_dir_file(w->dir, "damaged.pem", text, (size_t)len);
}

static void files_that_cannot_be_read(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = with_pair(w, "/nonexistent/cert.pem", w->ec_pair.key_file);
    refused_with(&side, GW_EXIT_START, "--cert /nonexistent/cert.pem", "No such file");
    side = with_pair(w, w->ec_pair.cert_file, "/nonexistent/key.pem");
    refused_with(&side, GW_EXIT_START, "--key /nonexistent/key.pem", "No such file");
    side = with_pair(w, test_dir_path(w->dir), w->ec_pair.key_file);
    refused_with(&side, GW_EXIT_START, "--cert", "directory");
    side = plain(w);
    side.cacerts[0] = "/nonexistent/ca.pem";
    side.verify = GW_VERIFY_REQUIRED;
    refused_with(&side, GW_EXIT_START, "--cacert /nonexistent/ca.pem");
    side = with_pair(w, "/dev/zero", w->ec_pair.key_file);
    refused_with(&side, GW_EXIT_START, "--cert /dev/zero", "large");
}

static void files_with_the_wrong_content(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = with_pair(w, garbage(w), w->ec_pair.key_file);
    refused_with(&side, GW_EXIT_USAGE, "--cert", "garbage.pem", "no PEM certificate");
    side = with_pair(w, w->ec_pair.key_file, w->ec_pair.key_file);
    refused_with(&side, GW_EXIT_USAGE, "--cert", "no PEM certificate");
    side = with_pair(w, w->ec_pair.cert_file, garbage(w));
    refused_with(&side, GW_EXIT_USAGE, "--key", "garbage.pem", "no PEM private key");
    side = with_pair(w, w->ec_pair.cert_file, w->ec_pair.cert_file);
    refused_with(&side, GW_EXIT_USAGE, "--cert", "holds no private key; add --key");
    side = with_pair(w, damaged(w, "CERTIFICATE"), w->ec_pair.key_file);
    refused_with(&side, GW_EXIT_USAGE, "--cert", "damaged");
    side = with_pair(w, w->ec_pair.cert_file, damaged(w, "PRIVATE KEY"));
    refused_with(&side, GW_EXIT_USAGE, "--key", "damaged");
    side = with_pair(w, test_dir_file(w->dir, "empty.pem", "", 0), w->ec_pair.key_file);
    refused_with(&side, GW_EXIT_USAGE, "--cert", "empty.pem", "no PEM certificate");
    side.cert_count = 0;
    refused_with(&side, GW_EXIT_USAGE, "--cert");
}

static void keys_that_do_not_fit(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = with_pair(w, w->ec_pair.cert_file, w->other_pair.key_file);
    refused_with(&side, GW_EXIT_USAGE, w->ec_pair.cert_file, w->other_pair.key_file,
                 "does not belong");
    side = with_pair(w, w->ec_pair.cert_file, w->rsa_pair.key_file);
    refused_with(&side, GW_EXIT_USAGE, "does not belong");
    struct test_cert *small = test_cert_new(
        &(struct test_cert_spec){.cn = "small", .key = TEST_KEY_RSA_1024, .issuer = w->ca});
    side = with_pair(w, test_dir_cert(w->dir, "small.pem", small, NULL),
                     test_dir_key(w->dir, "small.key", small));
    refused_with(&side, GW_EXIT_USAGE, "--cert", "small.pem", "2048 bits");
    test_cert_free(small);
}

static void keys_that_are_encrypted(void **state)
{
    const struct tlsworld *w = *state;
    const char *right = test_dir_file(w->dir, "right.txt", "secret\nmore\n", 12);
    const char *wrong = test_dir_file(w->dir, "wrong.txt", "Secret", 6);
    const EVP_CIPHER *aes = EVP_aes_256_cbc();
    const char *none = test_dir_file(w->dir, "none.txt", "\nsecret\n", 8);
    const struct {
        const struct gw_cert_pair *pair;
        const char *key;
    } rows[] = {
        {&w->ec_pair, test_dir_key_encrypted(w->dir, "ec8.key", w->server_ec, "secret", aes)},
        {&w->rsa_pair, test_dir_key_encrypted(w->dir, "rsa8.key", w->server_rsa, "secret", aes)},
        {&w->ec_pair, test_dir_key_traditional(w->dir, "sec1.key", w->server_ec, "secret", aes)},
        {&w->rsa_pair, test_dir_key_traditional(w->dir, "rsa1.key", w->server_rsa, "secret", aes)},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_tls_side side = with_pair(w, rows[i].pair->cert_file, rows[i].key);
        refused_with(&side, GW_EXIT_USAGE, "--key", rows[i].key,
                     "encrypted; give its pass phrase in a file with --key-pass-file");
        side.key_pass_file = right;
        gw_tls_context_free(tlsworld_context(&side, NULL));
        side.key_pass_file = wrong;
        refused_with(&side, GW_EXIT_USAGE, "--key", rows[i].key,
                     "cannot be decrypted with the pass phrase of --key-pass-file");
        side.key_pass_file = none;
        refused_with(&side, GW_EXIT_USAGE, "--key-pass-file", none, "first line");
        side.key_pass_file = "/nonexistent/phrase";
        refused_with(&side, GW_EXIT_START, "--key-pass-file /nonexistent/phrase");
    }
    /* A key that is not encrypted needs none of it. */
    struct gw_tls_side side = plain(w);
    side.key_pass_file = right;
    gw_tls_context_free(tlsworld_context(&side, NULL));
}

static void keys_encrypted_by_each_cipher(void **state)
{
    const struct tlsworld *w = *state;
    const EVP_CIPHER *const ciphers[] = {
        EVP_des_ede3_cbc(),     EVP_aes_128_cbc(),      EVP_aes_192_cbc(),      EVP_aes_256_cbc(),
        EVP_camellia_128_cbc(), EVP_camellia_192_cbc(), EVP_camellia_256_cbc(), EVP_aria_128_cbc(),
        EVP_aria_192_cbc(),     EVP_aria_256_cbc(),
    };
    const char *phrase = test_dir_file(w->dir, "each.txt", "secret\n", 7);
    for (size_t i = 0; i < GW_ARRAY_SIZE(ciphers); i++) {
        const struct {
            const struct gw_cert_pair *pair;
            const char *key;
        } rows[] = {
            {&w->ec_pair,
             test_dir_key_encrypted(w->dir, "each8.key", w->server_ec, "secret", ciphers[i])},
            {&w->rsa_pair,
             test_dir_key_traditional(w->dir, "each1.key", w->server_rsa, "secret", ciphers[i])},
        };
        for (size_t k = 0; k < GW_ARRAY_SIZE(rows); k++) {
            struct gw_tls_side side = with_pair(w, rows[k].pair->cert_file, rows[k].key);
            side.key_pass_file = phrase;
            gw_tls_context_free(tlsworld_context(&side, NULL));
        }
    }
}

static void certificates_out_of_date(void **state)
{
    const struct tlsworld *w = *state;
    const struct {
        long begins;
        long ends;
        const char *says;
    } cases[] = {{-7200, -3600, "expired on 20"}, {3600, 7200, "not valid before 20"}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(cases); i++) {
        struct test_cert *cert = test_cert_new(&(struct test_cert_spec){
            .cn = "late", .begins = cases[i].begins, .ends = cases[i].ends, .issuer = w->ca});
        struct gw_tls_side side = with_pair(w, test_dir_cert(w->dir, "late.pem", cert, NULL),
                                            test_dir_key(w->dir, "late.key", cert));
        refused_with(&side, GW_EXIT_USAGE, "--cert", "late.pem", cases[i].says);
        test_cert_free(cert);
    }
}

static void authorities_that_are_none(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = plain(w);
    side.verify = GW_VERIFY_REQUIRED;
    refused_with(&side, GW_EXIT_USAGE, "--cacert");
    side.cacerts[0] = garbage(w);
    refused_with(&side, GW_EXIT_USAGE, "--cacert", "no PEM certificate");
    side.cacerts[0] = test_dir_file(w->dir, "empty.pem", "", 0);
    refused_with(&side, GW_EXIT_USAGE, "--cacert", "no PEM certificate");
    side.cacerts[0] = w->ec_pair.cert_file;
    refused_with(&side, GW_EXIT_USAGE, "--cacert", "CN=server", "neither a CA's");
}

static void let_in(const struct tlsworld *w, const struct gw_tls_side *side,
                   const struct test_cert *const *shown, size_t count)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    for (size_t i = 0; i < count; i++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, 0);
        struct tlspair p;
        tlspair_show(ctx, shown[i]);
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

static void authorities_in_several_files_and_folders(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *both[] = {w->client, w->client_foreign};
    unsigned char *der = NULL;
    int len = i2d_X509(w->foreign_ca->x509, &der);
    struct gw_tls_side side = plain(w);
    side.verify = GW_VERIFY_REQUIRED;
    side.cacerts[0] = w->ca_file;
    side.cacerts[1] = test_dir_file(w->dir, "foreign-der.crt", der, (size_t)len);
    let_in(w, &side, both, 2);

    const char *path = test_dir_folder(w->dir, "authorities");
    side.cacerts[0] = path;
    side.cacerts[1] = NULL;
    refused_with(&side, GW_EXIT_USAGE, path, "no file with a name like *.pem");
    (void)test_dir_cert(w->dir, "authorities/one.pem", w->ca, NULL);
    (void)test_dir_file(w->dir, "authorities/two.cer", der, (size_t)len);
    (void)test_dir_file(w->dir, "authorities/README", "not one of them", 15);
    let_in(w, &side, both, 2);
    (void)test_dir_file(w->dir, "authorities/three.crt", der, (size_t)len - 1);
    refused_with(&side, GW_EXIT_USAGE, "authorities/three.crt", "neither PEM nor");
    (void)test_dir_file(w->dir, "authorities/three.crt", "\x30 and no more", 14);
    refused_with(&side, GW_EXIT_USAGE, "authorities/three.crt", "neither PEM nor");
    OPENSSL_free(der);
}

/* A chain may be as long as --verify-depth says, and not longer. */
static void the_depth_is_kept(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *upper =
        test_cert_new(&(struct test_cert_spec){.cn = "upper", .ca = true, .issuer = w->ca});
    struct test_cert *lower =
        test_cert_new(&(struct test_cert_spec){.cn = "lower", .ca = true, .issuer = upper});
    struct test_cert *leaf = test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = lower});
    struct gw_tls_side side = plain(w);
    side.verify = GW_VERIFY_REQUIRED;
    side.cacerts[0] = w->ca_file;
    for (unsigned depth = 0; depth < 4; depth++) {
        side.verify_depth = depth;
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        SSL_CTX *ctx = tlspair_client_ctx(w, 0);
        struct tlspair p;
        tlspair_show(ctx, leaf);
        assert_true(SSL_CTX_add1_chain_cert(ctx, lower->x509));
        assert_true(SSL_CTX_add1_chain_cert(ctx, upper->x509));
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), depth < 2 ? GW_HANDSHAKE_FAILED : GW_HANDSHAKE_DONE);
        if (depth < 2)
            assert_int_equal(gw_handshake_reason(p.server), GW_REASON_CERT_UNTRUSTED);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
        gw_tls_context_free(tls);
    }
    test_cert_free(leaf);
    test_cert_free(lower);
    test_cert_free(upper);
}

static void ciphers_below_policy(void **state)
{
    const struct {
        const char *ciphers;
        const char *suites;
        const char *names;
        const char *says;
    } cases[] = {
        {"ECDHE-RSA-AES128-SHA", NULL, "ECDHE-RSA-AES128-SHA", "not allowed"},
        {"ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256", NULL, "'AES128-GCM-SHA256'",
         "not allowed"},
        {"DHE-RSA-AES128-GCM-SHA256", NULL, "DHE-RSA-AES128-GCM-SHA256", "not allowed"},
        {"ECDHE-ECDSA-AES128-CCM", NULL, "ECDHE-ECDSA-AES128-CCM", "not allowed"},
        {"NULL-SHA256", NULL, "NULL-SHA256", "not allowed"},
        {"ADH-AES128-GCM-SHA256", NULL, "ADH-AES128-GCM-SHA256", "not allowed"},
        {"SSLv3", NULL, "SSLv3", "has no cipher"},
        {"HIGH", NULL, "HIGH", "has no cipher"},
        {"ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", NULL, "@SECLEVEL=0", "has no cipher"},
        {"!aNULL", NULL, "!aNULL", "has no cipher"},
        {"", NULL, "--ciphers", "the list names no cipher"},
        {"TLS_AES_128_GCM_SHA256", NULL, "TLS_AES_128_GCM_SHA256", "belongs in --ciphersuites"},
        {NULL, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256", "not allowed"},
        {NULL, "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256", "not allowed"},
        {NULL, "TLS_NONE", "TLS_NONE", "has no cipher"},
        {NULL, "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA", "belongs in --ciphers"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(cases); i++) {
        struct gw_tls_side side = plain(*state);
        side.ciphers = cases[i].ciphers;
        side.ciphersuites = cases[i].suites;
        refused_with(&side, GW_EXIT_USAGE, cases[i].suites ? "--ciphersuites" : "--ciphers",
                     cases[i].names, cases[i].says);
    }
}

static void groups_alpn_and_versions(void **state)
{
    struct gw_tls_side side = plain(*state);
    side.groups = "X25519:nonsense";
    refused_with(&side, GW_EXIT_USAGE, "--groups", "'nonsense'");
    side = plain(*state);
    side.alpn[0] = "";
    side.alpn_count = 1;
    refused_with(&side, GW_EXIT_USAGE, "--alpn");
    side = plain(*state);
    side.tls_min = 0x0302;
    refused_with(&side, GW_EXIT_USAGE, "--tls-min");
    side = plain(*state);
    side.tls_min = 0x0304;
    side.tls_max = 0x0303;
    refused_with(&side, GW_EXIT_USAGE, "--tls-min");
}

/* What a client gets with its offers. */
static void negotiates(const struct tlsworld *w, const struct gw_tls_side *side, int version,
                       const char *cipher, const char *group)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    struct tlspair p;
    struct gw_handshake_info info;
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    gw_handshake_get_info(p.server, &info);
    if (cipher)
        assert_string_equal(info.suite, cipher);
    if (group)
        assert_string_equal(info.group, group);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

static void given_lists_are_used(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.ciphers = "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256";
    side.ciphersuites = "TLS_AES_256_GCM_SHA384";
    side.groups = "P-384";
    negotiates(w, &side, TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", "secp384r1");
    negotiates(w, &side, TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", "secp384r1");
    side.ciphers = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"; /* IANA's name */
    negotiates(w, &side, TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", NULL);
}

static void defaults(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    negotiates(w, &side, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "x25519");
    negotiates(w, &side, TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", test_best_group());
}

/* A client that could, but has sent a share for another group only, is asked for the better one. */
static void the_preferred_group_is_asked_for(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_handshake_info info;
    char text[64];
    tlsworld_side(w, &side);
    const char *best = test_best_group();
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
    bool hybrid = strcmp(best, "x25519") != 0;
    (void)snprintf(text, sizeof(text), hybrid ? "*X25519:%s" : "X25519", best);
    assert_true(SSL_CTX_set1_groups_list(ctx, text));
    struct tlspair p;
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    gw_handshake_get_info(p.server, &info);
    assert_string_equal(info.group, best);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
    assert_true(strncasecmp(gw_tls_library_groups(), best, strlen(best)) == 0);
}

/* The certificate that a client of this name gets (NULL: it sends none). */
static void answers(const struct tlsworld *w, struct gw_tls_context *tls, const char *name,
                    const char *sigalg, const struct test_cert *expected)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    struct tlspair p;
    char text[300];
    if (sigalg) {
        (void)snprintf(text, sizeof(text), "%s", sigalg);
        assert_true(tlspair_sigalgs(ctx, text));
    }
    tlspair_init(&p, tls, ctx, NULL);
    (void)snprintf(text, sizeof(text), "%s", name ? name : "");
    char *sent = name ? text : NULL;
    assert_true(SSL_set_tlsext_host_name(p.client, sent));
    tlspair_succeed(&p);
    if (X509_cmp(SSL_get0_peer_certificate(p.client), expected->x509) != 0)
        fail_msg("another certificate for '%s'", name ? name : "no name");
    tlspair_done(&p);
    SSL_CTX_free(ctx);
}

static void the_name_chooses_the_certificate(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.certs[2] = w->other_pair;
    side.cert_count = 3;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    answers(w, tls, "gate.test", NULL, w->server_ec);
    answers(w, tls, "gate.test", "rsa_pss_rsae_sha256", w->server_rsa);
    answers(w, tls, "GATE.test", NULL, w->server_ec);
    answers(w, tls, "other.test", NULL, w->other);
    answers(w, tls, "a.wild.test", NULL, w->server_ec);
    answers(w, tls, "exact.wild.test", NULL, w->other);
    answers(w, tls, "a.b.wild.test", NULL, w->server_ec); /* no match: the first pair */
    answers(w, tls, "wild.test", NULL, w->server_ec);
    answers(w, tls, "unknown.test", NULL, w->server_ec);
    answers(w, tls, NULL, NULL, w->server_ec);
    gw_tls_context_free(tls);

    /* The other one first: it answers where no name fits. */
    side.certs[0] = w->other_pair;
    side.certs[1] = w->rsa_pair;
    side.certs[2] = w->ec_pair;
    tls = tlsworld_context(&side, NULL);
    answers(w, tls, "gate.test", NULL, w->server_ec);
    answers(w, tls, "gate.test", "rsa_pss_rsae_sha256", w->server_rsa);
    answers(w, tls, "unknown.test", NULL, w->other);
    answers(w, tls, NULL, NULL, w->other);
    gw_tls_context_free(tls);
}

/* Of two certificates for a name the one goes first that can call on the other. */
static void key_types_are_joined_where_names_allow(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *both = test_cert_new(&(struct test_cert_spec){
        .san = "DNS:a.test,DNS:b.test", .key = TEST_KEY_RSA, .issuer = w->ca});
    struct test_cert *one = test_cert_new(
        &(struct test_cert_spec){.san = "DNS:a.test", .key = TEST_KEY_EC, .issuer = w->ca});
    struct gw_tls_side side = with_pair(w, test_dir_cert(w->dir, "both.pem", both, NULL),
                                        test_dir_key(w->dir, "both.key", both));
    side.certs[1] = (struct gw_cert_pair){test_dir_cert(w->dir, "one.pem", one, NULL),
                                          test_dir_key(w->dir, "one.key", one)};
    side.cert_count = 2;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    answers(w, tls, "a.test", NULL, one);
    answers(w, tls, "a.test", "rsa_pss_rsae_sha256:ECDSA+SHA256", one); /* our order counts */
    answers(w, tls, "b.test", NULL, both);
    answers(w, tls, "a.test.", NULL, one);
    gw_tls_context_free(tls);
    test_cert_free(one);
    test_cert_free(both);
}

/* What a ClientHello with this name (NULL: none) comes to; the session, if one is asked for. */
static enum gw_handshake_verdict asks_for(const struct tlsworld *w, struct gw_tls_context *tls,
                                          int version, const char *name, SSL_SESSION *offered,
                                          SSL_SESSION **ret_session)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    struct tlspair p;
    struct gw_handshake_info info;
    char text[300];
    tlspair_init(&p, tls, ctx, offered);
    (void)snprintf(text, sizeof(text), "%s", name ? name : "");
    char *sent = name ? text : NULL;
    assert_true(SSL_set_tlsext_host_name(p.client, sent));
    enum gw_handshake_verdict verdict = tlspair_run(&p);
    gw_handshake_get_info(p.server, &info);
    assert_string_equal(info.sni, text);
    if (verdict == GW_HANDSHAKE_FAILED) {
        assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_SNI);
        assert_int_equal(p.client_alert, SSL_AD_UNRECOGNIZED_NAME);
    } else if (ret_session) {
        tlspair_handover(&p);
        tlspair_exchange(&p);
        *ret_session = tlspair_take_session(&p);
        assert_non_null(*ret_session);
    }
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    return verdict;
}

static void strict_names(void **state)
{
    const struct tlsworld *w = *state;
    enum {
        OFF = 1U << GW_STRICT_SNI_OFF,
        UNKNOWN = 1U << GW_STRICT_SNI_UNKNOWN,
        ON = 1U << GW_STRICT_SNI_ON,
        ALL = OFF | UNKNOWN | ON
    };
    static const struct {
        const char *name;
        unsigned served; /* the index of the certificate that answers */
    } rows[] = {
        {"gate.test", ALL}, {"GATE.TEST", ALL},   {"a.wild.test", ALL}, {"a.b.wild.test", OFF},
        {"wild.test", OFF}, {"*.wild.test", OFF}, {"other.test", OFF},  {NULL, OFF | UNKNOWN},
    };
    for (unsigned strict = GW_STRICT_SNI_OFF; strict <= GW_STRICT_SNI_ON; strict++) {
        struct gw_tls_side side = plain(w);
        side.strict_sni = (enum gw_strict_sni)strict;
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
            for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
                assert_int_equal(asks_for(w, tls, version, rows[i].name, NULL, NULL),
                                 rows[i].served & 1U << strict ? GW_HANDSHAKE_DONE
                                                               : GW_HANDSHAKE_FAILED);
        gw_tls_context_free(tls);
    }
}

/* A server_name without a name that could be one is no ClientHello without server_name. (What
 * --strict-sni lets through libssl refuses.) */
static void what_is_no_name_is_asked_for(void **state)
{
    static const struct {
        ptrdiff_t at; /* from the beginning of the name */
        char byte;
    } rows[] = {{4, '\0'}, {-3, 1 /* another type than host_name */}};
    const struct tlsworld *w = *state;
    for (unsigned strict = GW_STRICT_SNI_OFF; strict <= GW_STRICT_SNI_ON; strict++) {
        struct gw_tls_side side = plain(w);
        side.strict_sni = (enum gw_strict_sni)strict;
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
            SSL_CTX *ctx = tlspair_client_ctx(w, 0);
            struct tlspair p;
            char hello[2048];
            tlspair_init(&p, tls, ctx, NULL);
            assert_true(tlspair_name(&p, "gate.test"));
            (void)SSL_do_handshake(p.client);
            int len = BIO_read(p.from_client, hello, sizeof(hello));
            char *name = memmem(hello, (size_t)GW_MAX(len, 0), "gate.test", 9);
            assert_non_null(name);
            name[rows[i].at] = rows[i].byte;
            assert_int_equal(gw_handshake_input(p.server, hello, (size_t)len), GW_HANDSHAKE_FAILED);
            assert_int_equal(gw_handshake_reason(p.server) == GW_REASON_HANDSHAKE_SNI,
                             strict != GW_STRICT_SNI_OFF);
            tlspair_done(&p);
            SSL_CTX_free(ctx);
        }
        gw_tls_context_free(tls);
    }
}

/* A session does not get around it, though libssl then takes the name from the session. */
static void strict_names_count_for_sessions_too(void **state)
{
    const struct tlsworld *w = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct gw_tls_side side = plain(w);
        struct gw_ticket_keys *keys = tlsworld_ticket_keys();
        side.strict_sni = GW_STRICT_SNI_ON;
        struct gw_tls_context *tls = tlsworld_context(&side, keys);
        SSL_SESSION *session = NULL;
        (void)asks_for(w, tls, version, "gate.test", NULL, &session);
        static const char *const names[] = {"gate.test", "other.test", NULL};
        for (size_t i = 0; i < GW_ARRAY_SIZE(names); i++)
            assert_int_equal(asks_for(w, tls, version, names[i], session, NULL),
                             i ? GW_HANDSHAKE_FAILED : GW_HANDSHAKE_DONE);
        SSL_SESSION_free(session);
        gw_tls_context_free(tls);
        gw_wipe_pages_free(keys, sizeof(*keys));
    }
}

static void strict_names_need_names(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *none =
        test_cert_new(&(struct test_cert_spec){.san = "IP:127.0.0.1", .issuer = w->ca});
    struct gw_tls_side side = with_pair(w, test_dir_cert(w->dir, "none.pem", none, NULL),
                                        test_dir_key(w->dir, "none.key", none));
    gw_tls_context_free(tlsworld_context(&side, NULL));
    side.strict_sni = GW_STRICT_SNI_UNKNOWN;
    gw_tls_context_free(tlsworld_context(&side, NULL));
    side.strict_sni = GW_STRICT_SNI_ON;
    refused_with(&side, GW_EXIT_USAGE, "--strict-sni", "no client could connect");
    test_cert_free(none);
}

/* A folder of certificates, after the pair of the command line. */
static void a_folder_of_certificates(void **state)
{
    const struct tlsworld *w = *state;
    static const char *folder;
    struct gw_tls_side side = with_pair(w, w->other_pair.cert_file, w->other_pair.key_file);
    folder = test_dir_folder(w->dir, "certs");
    side.cert_dirs = &folder;
    side.cert_dir_count = 1;
    (void)test_dir_bundle(w->dir, "certs/gate.pem", w->server_ec, NULL);
    (void)test_dir_folder(w->dir, "certs/gate");
    (void)test_dir_cert(w->dir, "certs/gate/tls.crt", w->server_rsa, NULL);
    (void)test_dir_key(w->dir, "certs/gate/tls.key", w->server_rsa);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    answers(w, tls, "gate.test", NULL, w->server_ec);
    answers(w, tls, "gate.test", "rsa_pss_rsae_sha256", w->server_rsa);
    answers(w, tls, "a.wild.test", NULL, w->server_ec);
    answers(w, tls, "other.test", NULL, w->other);
    answers(w, tls, NULL, NULL, w->other);
    gw_tls_context_free(tls);
    side.cert_count = 0;
    tls = tlsworld_context(&side, NULL);
    answers(w, tls, NULL, "rsa_pss_rsae_sha256", w->server_rsa); /* gate/ comes before gate.pem */
    gw_tls_context_free(tls);
    (void)test_dir_file(w->dir, "certs/gate.pem", "", 0);
    (void)test_dir_file(w->dir, "certs/gate/tls.key", "", 0);
    refused_with(&side, GW_EXIT_USAGE, "--cert-dir", "gate/tls.key", "no PEM private key");
    (void)test_dir_key(w->dir, "certs/gate/tls.key", w->server_ec);
    refused_with(&side, GW_EXIT_USAGE, "--cert-dir", "gate/tls.key: this key does not belong",
                 "--cert-dir");
}

/* With names of files that say nothing by themselves. */
static void a_folder_by_a_pattern(void **state)
{
    const struct tlsworld *w = *state;
    static const char *folder;
    struct gw_tls_side side = with_pair(w, w->other_pair.cert_file, w->other_pair.key_file);
    folder = test_dir_folder(w->dir, "any");
    side.cert_dirs = &folder;
    side.cert_dir_count = 1;
    side.cert_glob = "gate*";
    (void)test_dir_bundle(w->dir, "any/gate.both", w->server_ec, NULL);
    (void)test_dir_cert(w->dir, "any/gate.rsa", w->server_rsa, NULL);
    (void)test_dir_key(w->dir, "any/gate.rsa.key", w->server_rsa);
    (void)test_dir_file(w->dir, "any/notes.pem", "", 0);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    answers(w, tls, "gate.test", NULL, w->server_ec);
    answers(w, tls, "gate.test", "rsa_pss_rsae_sha256", w->server_rsa);
    answers(w, tls, NULL, NULL, w->other);
    gw_tls_context_free(tls);
}

static void keys_of_all_forms(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *edwards = test_cert_new(
        &(struct test_cert_spec){.san = "DNS:gate.test", .key = TEST_KEY_ED25519, .issuer = w->ca});
    const struct {
        const struct test_cert *cert;
        bool traditional;
        const char *label;
    } rows[] = {
        {w->server_ec, false, "BEGIN PRIVATE"},  {w->server_ec, true, "BEGIN EC PRIVATE"},
        {w->server_rsa, false, "BEGIN PRIVATE"}, {w->server_rsa, true, "BEGIN RSA PRIVATE"},
        {edwards, false, "BEGIN PRIVATE"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const char *key = rows[i].traditional ? test_dir_key_traditional(w->dir, "form.key",
                                                                         rows[i].cert, NULL, NULL)
                                              : test_dir_key(w->dir, "form.key", rows[i].cert);
        struct gw_tls_side side =
            with_pair(w, test_dir_cert(w->dir, "form.pem", rows[i].cert, NULL), key);
        struct gw_files *files = gw_files_new();
        struct gw_file file;
        assert_int_equal(gw_files_read(files, key, 10000, &file), 0);
        assert_non_null(strstr((const char *)file.data, rows[i].label));
        gw_files_free(files);
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        answers(w, tls, "gate.test", NULL, rows[i].cert);
        gw_tls_context_free(tls);
    }
    test_cert_free(edwards);
}

/* What another name has does not answer for this one, not even in want of a certificate. */
static void only_its_own_certificates_answer(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct tlspair p;
    char name[] = "other.test";
    tlsworld_side(w, &side);
    side.certs[2] = w->other_pair; /* ECDSA, while the first two are of both types */
    side.cert_count = 3;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
    assert_true(tlspair_sigalgs(ctx, "rsa_pss_rsae_sha256"));
    tlspair_init(&p, tls, ctx, NULL);
    assert_true(SSL_set_tlsext_host_name(p.client, name));
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_CIPHER);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* Whether the certificate is good for a name exactly or by a wildcard does not matter. */
static void the_first_of_a_type_joins(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert_spec specs[] = {
        {.san = "DNS:a.wild.test", .issuer = w->ca},
        {.san = "DNS:*.wild.test", .key = TEST_KEY_RSA, .issuer = w->ca},
        {.san = "DNS:a.wild.test", .key = TEST_KEY_RSA, .issuer = w->ca},
    };
    struct test_cert *certs[GW_ARRAY_SIZE(specs)];
    struct gw_tls_side side = plain(w);
    for (unsigned i = 0; i < GW_ARRAY_SIZE(specs); i++) {
        char name[16];
        certs[i] = test_cert_new(&specs[i]);
        (void)snprintf(name, sizeof(name), "join%u.pem", i);
        const char *file = test_dir_bundle(w->dir, name, certs[i], NULL);
        side.certs[i] = (struct gw_cert_pair){file, file};
    }
    side.cert_count = GW_ARRAY_SIZE(specs);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    answers(w, tls, "a.wild.test", NULL, certs[0]);
    answers(w, tls, "a.wild.test", "rsa_pss_rsae_sha256", certs[1]);
    gw_tls_context_free(tls);
    for (unsigned i = 0; i < GW_ARRAY_SIZE(specs); i++)
        test_cert_free(certs[i]);
}

static void the_chain_is_sent(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *middle =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle CA", .ca = true, .issuer = w->ca});
    struct test_cert *leaf = test_cert_new(
        &(struct test_cert_spec){.cn = "leaf", .san = "DNS:gate.test", .issuer = middle});
    struct gw_tls_side side = with_pair(w, test_dir_cert(w->dir, "chain.pem", leaf, middle),
                                        test_dir_key(w->dir, "chain.key", leaf));
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    answers(w, tls, "gate.test", NULL, leaf);
    gw_tls_context_free(tls);
    test_cert_free(leaf);
    test_cert_free(middle);
}

/* An intermediate CA alone in --cacert is trusted as it stands. */
static void an_intermediate_authority_will_do(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *middle =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle CA", .ca = true, .issuer = w->ca});
    struct test_cert *client =
        test_cert_new(&(struct test_cert_spec){.cn = "alice", .issuer = middle});
    struct gw_tls_side side = plain(w);
    side.cacerts[0] = test_dir_cert(w->dir, "middle.pem", middle, NULL);
    side.verify = GW_VERIFY_REQUIRED;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    const struct test_cert *shown[] = {client, w->client};
    for (int i = 0; i < 2; i++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, 0);
        struct tlspair p;
        tlspair_show(ctx, shown[i]);
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), i ? GW_HANDSHAKE_FAILED : GW_HANDSHAKE_DONE);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
    test_cert_free(client);
    test_cert_free(middle);
}

static void warnings_are_logged(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side =
        with_pair(w, w->ec_pair.cert_file, test_dir_key(w->dir, "open.key", w->server_ec));
    const struct gw_log_config before = *gw_log_config();
    struct gw_log_config config = before;
    config.sink = keep_warning;
    gw_log_setup(&config);
    warnings[0] = '\0';
    assert_int_equal(chmod(side.certs[0].key_file, 0640), 0);
    gw_tls_context_free(tlsworld_context(&side, NULL));
    assert_non_null(strstr(warnings, "open.key"));
    assert_non_null(strstr(warnings, "0640"));
    warnings[0] = '\0';
    side = plain(w);
    gw_tls_context_free(tlsworld_context(&side, NULL));
    assert_string_equal(warnings, "");
    gw_log_setup(&before);
}

static void the_library_has_a_version(void **state)
{
    (void)state;
    assert_non_null(strstr(gw_tls_library_version(), "OpenSSL 3."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(files_with_the_wrong_content),
        cmocka_unit_test(keys_that_do_not_fit),
        cmocka_unit_test(keys_that_are_encrypted),
        cmocka_unit_test(keys_encrypted_by_each_cipher),
        cmocka_unit_test(certificates_out_of_date),
        cmocka_unit_test(authorities_that_are_none),
        cmocka_unit_test(authorities_in_several_files_and_folders),
        cmocka_unit_test(the_depth_is_kept),
        cmocka_unit_test(ciphers_below_policy),
        cmocka_unit_test(groups_alpn_and_versions),
        cmocka_unit_test(given_lists_are_used),
        cmocka_unit_test(defaults),
        cmocka_unit_test(the_preferred_group_is_asked_for),
        cmocka_unit_test(the_name_chooses_the_certificate),
        cmocka_unit_test(key_types_are_joined_where_names_allow),
        cmocka_unit_test(only_its_own_certificates_answer),
        cmocka_unit_test(the_first_of_a_type_joins),
        cmocka_unit_test(strict_names),
        cmocka_unit_test(what_is_no_name_is_asked_for),
        cmocka_unit_test(strict_names_count_for_sessions_too),
        cmocka_unit_test(strict_names_need_names),
        cmocka_unit_test(a_folder_of_certificates),
        cmocka_unit_test(a_folder_by_a_pattern),
        cmocka_unit_test(keys_of_all_forms),
        cmocka_unit_test(the_chain_is_sent),
        cmocka_unit_test(an_intermediate_authority_will_do),
        cmocka_unit_test(warnings_are_logged),
        cmocka_unit_test(the_library_has_a_version),
    };
    tlsworld_choose_crypto();
    /* First, as in the gateway: what was used before it would have named all ciphers. */
    if (!gw_tls_library_get())
        return 1;
    int failed = cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
    gw_tls_library_put();
    return failed;
}
