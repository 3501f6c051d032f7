/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/pemkey and pkcs12: keys and certificates in encrypted files, and in forms that
 * OpenSSL no longer opens; in the files of --explain, too. */
#include "gateway/tls/explain.h"
#include "tests/unit/certfolder.h"
#include "tests/unit/lists.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- keys ---- */

static const char by_md5_and_des[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MFcwGwYJKoZIhvcNAQUDMA4ECOD/RByqgYKXAgIIAAQ4TniHIUQr9r6Y2CKB0KRz\n"
    "ktcorhGCT35suZfI6oe77XVnK+mv8wxsFGDcMuV2cowlQFefhq9juNw=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static const char by_rc2[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                             "MIGSMFYGCSqGSIb3DQEFDTBJMCwGCSqGSIb3DQEFDDAfBAjbzqqGhsrTIgICCAAC\n"
                             "ARAwDAYIKoZIhvcNAgkFADAZBggqhkiG9w0DAjANAgE6BAhvkzgzlHneNwQ4BXTU\n"
                             "HE9qMl6HfzlrI84F/t4EH5okKYRJiicTsnunr3NXh5HsdLT6vGmVsBzkTI9RoVrd\n"
                             "FI0gT6c=\n"
                             "-----END ENCRYPTED PRIVATE KEY-----\n";

/* As `openssl ec -des` made them. */
static const char by_headed_des[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: DES-CBC,DAE715ABD3117C2F\n"
    "\n"
    "pqosAje0MXCkoww2Azbs+VwLjr7jxlTGPnATpjTq8mTEs1kmZnXeyrD2InvkOAKp\n"
    "FtQ1s2SM24n96ceEG1da2J0QhChlk3O4HsiGitxYv4h3mO9BA/1mfgxNqiNojcys\n"
    "ilNzZ5hsAoO2QCGArN/8V1taFY7LQwKeVXdw0mqwLmY=\n"
    "-----END EC PRIVATE KEY-----\n";

static void what_libcrypto_opens_no_more_is_named(void **state)
{
    const struct tlsworld *w = *state;
    const struct {
        const char *key, *says;
    } rows[] = {{by_md5_and_des, "encrypted with PBKDF1, which OpenSSL supports only with"},
                {by_rc2, "encrypted with RC2-CBC, which OpenSSL supports only with"},
                {by_headed_des, "encrypted with DES-CBC, which OpenSSL supports only with"},
                {by_headed_des, "encrypt it again, for example with openssl pkcs8 -topk8 "}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_files *files = gw_files_new();
        struct gw_tls_side side;
        tlsworld_side(w, &side);
        side.certs[0].key_file =
            test_dir_file(w->dir, "legacy.key", rows[i].key, strlen(rows[i].key));
        side.cert_count = 1;
        side.key_pass_file = test_dir_file(w->dir, "legacy.pass", "x\n", 2);
        certfolder_refuses(&side, files, rows[i].says);
        gw_files_free(files);
    }
}

/* ---- PKCS #12 ---- */

struct seal {
    const char *phrase;
    int algorithm; /* a NID of libcrypto, 0: its default, -1: nothing is encrypted */
    bool bare;     /* without a MAC */
};

static const char *put_p12(const struct tlsworld *w, const char *name, const struct test_cert *cert,
                           struct seal s)
{
    STACK_OF(X509) *more = sk_X509_new_null();
    unsigned char *der = NULL;
    assert_true(sk_X509_push(more, w->ca->x509));
    PKCS12 *p = PKCS12_create(s.phrase, "name", cert->key, cert->x509, more, s.algorithm,
                              s.algorithm, 1000, s.bare ? -1 : 1000, 0);
    int len = i2d_PKCS12(p, &der);
    assert_true(len > 0);
    const char *path = test_dir_file(w->dir, name, der, (size_t)len);
    OPENSSL_free(der);
    PKCS12_free(p);
    sk_X509_free(more);
    return path;
}

/* As `openssl pkcs12 -export -legacy` makes it: RC2 of 40 bits for the certificate, Triple DES for
 * the key. The pass phrase is x. */
static const char by_rc2_of_40_bits[] =
    "MIIDcgIBAzCCAzgGCSqGSIb3DQEHAaCCAykEggMlMIIDITCCAhcGCSqGSIb3DQEHBqCCAggwggIE"
    "AgEAMIIB/QYJKoZIhvcNAQcBMBwGCiqGSIb3DQEMAQYwDgQIQ5DpMCBo2y0CAggAgIIB0B7/U6CC"
    "VCGWdJd4qEnzCdGnj1EsnDifqXeR9onzc8M2Koi8TJuhqo5x12dQ6Y3jQ6iCdJWztsFwrva9PO35"
    "ccDZQNKKqDnm+3VxurLZP2sSiY2Ph2byf6vXjkIKmIY3HUOyHBksrImKUFJTKfdnYIlOi/OpI+YN"
    "67QT/S6I6DX1dOtNKpuvlpcN0p82J3psvWn40er/cF7loT1+vK91CxFoOnJAQSCeXlJR22OuYJYj"
    "30cFTf82tpBEafAgeLgLV36LczddM1S1GElHvXU+D0NlcvZyM2b46ErQg8QPhFOkEKlDs10kwOyK"
    "SMEov0QMDkt6dr7njmT5TWpR2t5tdrElgCHsctmgoeYlMUCXLysHR5ZxHr40/ae5uStSEqODzp4S"
    "SELmqkZw4BR1HV7WshOd0cQo57cJ2i3GEomJBChjA4Q+UX5ZnkGpRb6/GrMRUjpK4mqF3BMW7fNR"
    "EbfepfTdR2dt1Enre8452mC3yUGAaG60r2VIufqVxz6MryRu2l6H0kyG/MPZElropycH/0reGo2r"
    "Aq9/ACKS5w8s1ps6EcpIOfgCO5RuWiI3hWHQsxfnf5/EsjxNUttQmiJuzJGzBn3BUkKPIOrJ16xe"
    "4d/xMIIBAgYJKoZIhvcNAQcBoIH0BIHxMIHuMIHrBgsqhkiG9w0BDAoBAqCBtDCBsTAcBgoqhkiG"
    "9w0BDAEDMA4ECJn1Vu5KXejEAgIIAASBkLjKmsf8p69lVxLGHi7jTz5HAEZW8nEJZ+WamYDq3FSe"
    "WZHeyhcIMwO7Pv90mU2E+PxTI4InM6Vhq+Cja7RHFhHvC4GF9gSNs2pLmGWq6TkKedDbJbdK9YhL"
    "DmjAzMUwRdvp/fx1GXFykcd/xPHSUslEYzvJyVnpEIO7SBIMdCFPH8VbzGRIVHJSVOHhC4psXTEl"
    "MCMGCSqGSIb3DQEJFTEWBBRkW0Sx4aVoTMy4z1Pi2BzKrHIKvTAxMCEwCQYFKw4DAhoFAAQU9v5J"
    "UCnKS1npk0e3rZhsM/D6ImQECN6EK1kF/3O5AgIIAA==";

/* What is old but still opened is taken; what is not is named, with the way out of it. */
static void pkcs12_of_old(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_files *files = gw_files_new();
    uint8_t der[1024];
    int len =
        EVP_DecodeBlock(der, (const uint8_t *)by_rc2_of_40_bits, (int)strlen(by_rc2_of_40_bits));
    assert_true(len > 2);
    tlsworld_side(w, &side);
    side.cert_count = 1;
    side.key_pass_file = test_dir_file(w->dir, "old.pass", "x\n", 2);
    const char *path = put_p12(w, "old.p12", w->server_ec,
                               (struct seal){"x", NID_pbe_WithSHA1And3_Key_TripleDES_CBC});
    side.certs[0] = (struct gw_cert_pair){path, path};
    struct gw_tls_context *tls = certfolder_load(&side, files);
    assert_true(certfolder_shows(w, tls, "gate.test", w->server_ec));
    gw_tls_context_free(tls);
    gw_files_free(files);
    files = gw_files_new();
    (void)test_dir_file(w->dir, "old.p12", der, (size_t)len - 2); /* the padding's */
    certfolder_refuses(&side, files,
                       "old.p12: it is encrypted with RC2-40-CBC, which OpenSSL supports ");
    certfolder_refuses(&side, files,
                       "convert it, for example with openssl pkcs12 -legacy -in … -nodes -out ");
    gw_files_free(files);
}

static void pkcs12_holds_all(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *certs[] = {w->server_ec, w->server_rsa};
    const struct {
        struct seal seal;
        const char *pass; /* --key-pass-file */
    } rows[] = {
        {{"secret"}, "secret\n"},
        {{""}, NULL},
        {{NULL}, NULL},
        {{""}, "other\n"},
        {{"secret", .bare = true}, "secret\n"},
        {{"", .bare = true}, NULL},
        {{"", NID_pbe_WithSHA1And3_Key_TripleDES_CBC, true}, "other\n"},
        {{NULL, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, true}, NULL},
        {{NULL, -1, true}, "other\n"},
        {{NULL, -1, true}, NULL},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_files *files = gw_files_new();
        struct gw_tls_side side;
        tlsworld_side(w, &side);
        const char *path = put_p12(w, "all.p12", certs[i % 2], rows[i].seal);
        side.certs[0] = (struct gw_cert_pair){path, path};
        side.cert_count = 1;
        if (rows[i].pass)
            side.key_pass_file =
                test_dir_file(w->dir, "p12.pass", rows[i].pass, strlen(rows[i].pass));
        struct gw_tls_context *tls = certfolder_load(&side, files);
        assert_true(certfolder_shows(w, tls, "gate.test", certs[i % 2]));
        assert_int_equal(gw_files_notes(files)->count, 0);
        gw_tls_context_free(tls);
        gw_files_free(files);
    }
}

static void what_is_wrong_with_pkcs12(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_files *files = gw_files_new();
    const char *path = put_p12(w, "sealed.pfx", w->server_ec, (struct seal){"secret"});
    tlsworld_side(w, &side);
    side.certs[0] = (struct gw_cert_pair){path, path};
    side.cert_count = 1;
    certfolder_refuses(&side, files, "sealed.pfx: it is encrypted; give its pass phrase");
    side.key_pass_file = test_dir_file(w->dir, "p12.pass", "wrong\n", 6);
    certfolder_refuses(&side, files, "sealed.pfx: it cannot be opened with the pass phrase");
    path = put_p12(w, "bare.pfx", w->server_ec, (struct seal){"secret", .bare = true});
    side.certs[0] = (struct gw_cert_pair){path, path};
    certfolder_refuses(&side, files,
                       "bare.pfx: it is damaged, or the pass phrase of --key-pass-file");
    side.key_pass_file = NULL;
    certfolder_refuses(&side, files, "bare.pfx: it is damaged or encrypted; if encrypted");
    gw_files_free(files);
    files = gw_files_new();
    (void)test_dir_file(w->dir, "bare.pfx", "\x30\x03\x02\x01\x03", 5);
    certfolder_refuses(&side, files, "bare.pfx: it is neither PEM nor PKCS #12");
    gw_files_free(files);
}

/* With --key, that key is used, not the one in the file. */
static void a_named_key_counts_beside_pkcs12(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_files *files = gw_files_new();
    const char *path = put_p12(w, "keyed.p12", w->server_ec, (struct seal){""});
    tlsworld_side(w, &side);
    side.cert_count = 1;
    side.certs[0] = (struct gw_cert_pair){path, test_dir_key(w->dir, "own.key", w->server_ec)};
    struct gw_tls_context *tls = certfolder_load(&side, files);
    assert_true(certfolder_shows(w, tls, "gate.test", w->server_ec));
    gw_tls_context_free(tls);
    side.certs[0].key_file = test_dir_key(w->dir, "not.key", w->server_rsa);
    certfolder_refuses(&side, files,
                       "not.key: this key does not belong to the certificate of --cert ");
    side.certs[0].key_file = test_dir_file(w->dir, "no.key", "none", 4);
    certfolder_refuses(&side, files, "no.key: no PEM private key in the file");
    gw_files_free(files);
}

/* Its own key counts, also in a folder. */
static void pkcs12_in_a_folder(void **state)
{
    const struct tlsworld *w = *state;
    struct certfolder f;
    struct gw_files *files = gw_files_new();
    certfolder_init(&f, w, "p12");
    (void)put_p12(w, certfolder_in(&f, "gate.p12"), w->server_ec, (struct seal){""});
    struct gw_tls_context *tls = certfolder_load(&f.side, files);
    assert_true(certfolder_shows(w, tls, "gate.test", w->server_ec));
    assert_true(certfolder_shows(w, tls, "other.test", w->other));
    gw_tls_context_free(tls);
    gw_files_free(files);
}

/* ---- check --explain ---- */

/* The file is explained as a certificate with this CN and reason; with `words`, it is refused with
 * these. */
static void explained_as(const struct gw_tls_side *side, const char *path, const char *cn,
                         enum gw_reason reason, const char *words)
{
    struct gw_tls_context *tls = tlsworld_context(side, NULL);
    struct gw_explained e;
    struct gw_error err = {.text = ""};
    int r = gw_explain(tls, side, path, NULL, &e, &err);
    if (words) {
        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(err.text, words));
    } else {
        assert_int_equal(r, 0);
        assert_string_equal(gw_identity_first(&e.id, GW_NAME_CN), cn);
        assert_int_equal(e.reason, reason);
        gw_explained_done(&e);
    }
    gw_tls_context_free(tls);
}

/* With the intermediate that its holder would send. */
static const char *put_client(const struct tlsworld *w, const char *name,
                              const struct test_cert *cert, const struct test_cert *more,
                              const char *phrase, bool with_key)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    unsigned char *der = NULL;
    assert_true((with_key || sk_X509_push(others, cert->x509)) && sk_X509_push(others, more->x509));
    PKCS12 *p = PKCS12_create(phrase, "name", with_key ? cert->key : NULL,
                              with_key ? cert->x509 : NULL, others, 0, 0, 1000, 1000, 0);
    int len = i2d_PKCS12(p, &der);
    assert_true(len > 0);
    const char *path = test_dir_file(w->dir, name, der, (size_t)len);
    OPENSSL_free(der);
    PKCS12_free(p);
    sk_X509_free(others);
    return path;
}

static void der_and_pkcs12_are_explained(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = side_with(w, NULL);
    struct test_cert *middle =
        test_cert_new(&(struct test_cert_spec){.cn = "Middle CA", .ca = true, .issuer = w->ca});
    struct test_cert *leaf =
        test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = middle});
    unsigned char *der = NULL;
    int len = i2d_X509(leaf->x509, &der);
    const char *path = test_dir_file(w->dir, "leaf.der", der, (size_t)len);
    explained_as(&side, path, "leaf", GW_REASON_CERT_UNTRUSTED, NULL);
    path = test_dir_file(w->dir, "leaf.der", der, (size_t)len - 1);
    explained_as(&side, path, NULL, 0, "neither PEM, nor a certificate in DER, nor PKCS #12");
    path = put_client(w, "leaf.p12", leaf, middle, "", true);
    explained_as(&side, path, "leaf", GW_REASON_NONE, NULL);
    path = put_client(w, "leaf.p12", leaf, middle, "secret", false);
    explained_as(&side, path, NULL, 0, "--explain ");
    explained_as(&side, path, NULL, 0, "give its pass phrase in a file with --key-pass-file");
    side.key_pass_file = test_dir_file(w->dir, "leaf.pass", "secret\n", 7);
    explained_as(&side, path, "leaf", GW_REASON_NONE, NULL);
    OPENSSL_free(der);
    test_cert_free(leaf);
    test_cert_free(middle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_libcrypto_opens_no_more_is_named),
        cmocka_unit_test(pkcs12_of_old),
        cmocka_unit_test(pkcs12_holds_all),
        cmocka_unit_test(what_is_wrong_with_pkcs12),
        cmocka_unit_test(a_named_key_counts_beside_pkcs12),
        cmocka_unit_test(pkcs12_in_a_folder),
        cmocka_unit_test(der_and_pkcs12_are_explained),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
