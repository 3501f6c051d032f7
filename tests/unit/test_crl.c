/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/crl: which CRLs are not taken, and in which words. */
#include "tests/unit/lists.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void indirect(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->indirectCRL = 0xff;
    add_scope(crl, idp);
}

static void attributes_only(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->onlyattr = 0xff;
    add_scope(crl, idp);
}

static void nobodys(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->onlyuser = idp->onlyCA = 0xff;
    add_scope(crl, idp);
}

static void some_reasons(X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp = new_scope();
    idp->onlysomereasons = ASN1_BIT_STRING_new();
    assert_true(ASN1_BIT_STRING_set_bit(idp->onlysomereasons, 1, 1));
    add_scope(crl, idp);
}

/* More names than are kept, for which one could be missed. */
static void many_points(X509_CRL *crl)
{
    static const char *const uris[] = {"http://test/1", "http://test/2", "http://test/3",
                                       "http://test/4", "http://test/5", NULL};
    add_scope(crl, scope_of(uris));
}

static void no_point(X509_CRL *crl)
{
    static const char *const none[] = {NULL};
    add_scope(crl, scope_of(none));
}

static void delta(X509_CRL *crl)
{
    ASN1_INTEGER *base = ASN1_INTEGER_new();
    assert_true(base && ASN1_INTEGER_set(base, 7));
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
    ASN1_INTEGER_free(base);
}

static X509_EXTENSION *unknown_extension(void)
{
    ASN1_OBJECT *kind = OBJ_txt2obj("1.2.3.4.5", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_true(value && ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5\0", 2));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, kind, 1, value);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(kind);
    assert_non_null(e);
    return e;
}

static void unknown(X509_CRL *crl)
{
    X509_EXTENSION *e = unknown_extension();
    assert_true(X509_CRL_add_ext(crl, e, -1));
    X509_EXTENSION_free(e);
}

static void unknown_in_entry(X509_CRL *crl)
{
    X509_EXTENSION *e = unknown_extension();
    X509_REVOKED *entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0);
    assert_true(X509_REVOKED_add_ext(entry, e, -1));
    X509_EXTENSION_free(e);
}

static void number_twice(X509_CRL *crl)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    assert_true(number && ASN1_INTEGER_set(number, 7));
    for (int i = 0; i < 2; i++)
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_APPEND),
                         1);
    ASN1_INTEGER_free(number);
}

static void what_is_not_understood_is_refused(void **state)
{
    const struct tlsworld *w = *state;
    const struct test_cert *revoked[] = {w->client, NULL};
    static const struct {
        void (*tweak)(X509_CRL *crl);
        const char *says;
    } rows[] = {
        {indirect, "indirect"},
        {attributes_only, "attribute certificates"},
        {nobodys, "neither users' nor CAs'"},
        {some_reasons, "some revocation reasons"},
        {many_points, "more than four"},
        {no_point, "distribution point that cannot be read"},
        {delta, "only changes"},
        {unknown, "critical extension"},
        {unknown_in_entry, "entry with an unknown critical extension"},
        {number_twice, "extension twice"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_tls_side side =
            side_with(w, crl_of(w, &(struct test_crl_spec){
                                       .ca = w->ca, .revoked = revoked, .tweak = rows[i].tweak}));
        refused(&side, GW_EXIT_USAGE, rows[i].says);
        side.crl_soft = true; /* which is about time, not about this */
        refused(&side, GW_EXIT_USAGE, rows[i].says);
    }
}

/* The extensions show neither. */
static void what_nobody_could_rely_on_is_refused(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .endless = true}));
    refused(&side, GW_EXIT_USAGE, "when the next one is due");
    side.crls[0] = crl_of(w, &(struct test_crl_spec){.ca = w->ca, .weak = true});
    refused(&side, GW_EXIT_USAGE, "broken hash");
}

/* RSA-PSS says in its parameters which hash it is. */
static void a_broken_hash_is_found_in_pss_too(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *ca =
        test_cert_new(&(struct test_cert_spec){.cn = "RSA CA", .ca = true, .key = TEST_KEY_RSA});
    struct test_crl_spec spec = {.ca = ca, .weak = true};
    struct gw_tls_side side = side_with(w, NULL);
    side.cacerts[0] = test_dir_cert(w->dir, "rsa.pem", ca, NULL);
    for (int pss = 0; pss < 2; pss++) {
        spec.pss = pss;
        side.crls[0] = crl_of(w, &spec);
        refused(&side, GW_EXIT_USAGE, "broken hash");
    }
    spec.weak = false;
    side.crls[0] = crl_of(w, &spec);
    gw_tls_context_free(tlsworld_context(&side, NULL));
    test_cert_free(ca);
}

/* What the next CRL's two dates are made of. */
static const char *date_text;
static int date_type;

static ASN1_TIME *odd_date(void)
{
    ASN1_TIME *t = ASN1_STRING_type_new(date_type);
    assert_true(t && ASN1_STRING_set(t, date_text, -1));
    return t;
}

static void odd_end(X509_CRL *crl)
{
    ASN1_TIME *t = odd_date();
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, t), 1);
    ASN1_TIME_free(t);
}

static void odd_begin(X509_CRL *crl)
{
    ASN1_TIME *t = odd_date();
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, t), 1);
    ASN1_TIME_free(t);
}

/* Forms that ASN1_TIME_to_tm reads: the first as the year 2612. */
/* libcrypto 3.5 itself refuses some dates that 3.0 reads. */
static bool libcrypto_reads(const char *path)
{
    BIO *bio = BIO_new_file(path, "r");
    X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    BIO_free(bio);
    X509_CRL_free(crl);
    ERR_clear_error();
    return crl != NULL;
}

static void dates_have_one_form(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        int type;
        const char *text;
    } rows[] = {
        {V_ASN1_GENERALIZEDTIME, "261201221111Z"},
        {V_ASN1_GENERALIZEDTIME, "204912012211Z"},
        {V_ASN1_GENERALIZEDTIME, "20491201221111"},
        {V_ASN1_GENERALIZEDTIME, "20491201221111.5Z"},
        {V_ASN1_UTCTIME, "4912012211Z"},
        {V_ASN1_UTCTIME, "491201221111+0100"},
        {V_ASN1_UTCTIME, "20491201221111Z"},
        {V_ASN1_GENERALIZEDTIME, "20491301221111Z"},
        {V_ASN1_UTCTIME, "49120122111 Z"},
        {V_ASN1_UTCTIME, ""},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        for (int end = 0; end < 2; end++) {
            date_type = rows[i].type;
            date_text = rows[i].text;
            const char *path =
                crl_of(w, &(struct test_crl_spec){.ca = w->ca, .tweak = end ? odd_end : odd_begin});
            struct gw_tls_side side = side_with(w, path);
            refused(&side, GW_EXIT_USAGE,
                    libcrypto_reads(path) ? "date that cannot be read" : "is damaged");
        }
    date_type = V_ASN1_GENERALIZEDTIME;
    date_text = "20491201221111Z";
    struct gw_tls_side side =
        side_with(w, crl_of(w, &(struct test_crl_spec){.ca = w->ca, .tweak = odd_end}));
    gw_tls_context_free(tlsworld_context(&side, NULL));
}

static const char *bent(const struct tlsworld *w)
{
    X509_CRL *crl = test_crl_new(&(struct test_crl_spec){.ca = w->ca});
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    der[len - 1] ^= 1;
    const char *path = test_dir_file(w->dir, "bent.crl", der, (size_t)len);
    OPENSSL_free(der);
    X509_CRL_free(crl);
    return path;
}

static void no_crl_sign(X509 *cert)
{
    X509_EXTENSION *old = X509_delete_ext(cert, X509_get_ext_by_NID(cert, NID_key_usage, -1));
    X509_EXTENSION_free(old);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,keyCertSign");
    assert_true(e && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
}

static void whose_they_are_must_be_known(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = side_with(w, crl_file(w, "one.crl", w->foreign_ca, NULL, NULL));
    refused(&side, GW_EXIT_USAGE, "none of the CAs in --cacert");
    struct test_cert *mimic = test_cert_new(&(struct test_cert_spec){.cn = "Test CA", .ca = true});
    side.crls[0] = crl_file(w, "one.crl", mimic, NULL, NULL);
    refused(&side, GW_EXIT_USAGE, "not signed with that CA's key");
    side.crls[0] = bent(w);
    refused(&side, GW_EXIT_USAGE, "not signed with that CA's key");
    struct test_cert *mute =
        test_cert_new(&(struct test_cert_spec){.cn = "Mute CA", .ca = true, .tweak = no_crl_sign});
    side.cacerts[1] = test_dir_cert(w->dir, "mute.pem", mute, NULL);
    side.crls[0] = crl_file(w, "one.crl", mute, NULL, NULL);
    refused(&side, GW_EXIT_USAGE, "does not permit it to sign CRLs");
    test_cert_free(mute);
    test_cert_free(mimic);
}

static void files_that_are_none(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side = side_with(w, "/nonexistent/x.crl");
    refused(&side, GW_EXIT_START, "/nonexistent/x.crl: the file cannot be read");
    side.crls[0] = w->ca_file;
    refused(&side, GW_EXIT_USAGE, "no CRL in the file");
    side.crls[0] = test_dir_file(w->dir, "empty.crl", "", 0);
    refused(&side, GW_EXIT_USAGE, "no CRL in the file");
    side.crls[0] = test_dir_file(w->dir, "cut.crl", "\x30\x82\1\1", 4);
    refused(&side, GW_EXIT_USAGE, "a CRL in the file is damaged");
    static const char cut[] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    side.crls[0] = test_dir_file(w->dir, "cut.crl", cut, sizeof(cut) - 1);
    refused(&side, GW_EXIT_USAGE, "a CRL in the file is damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(what_nobody_could_rely_on_is_refused),
        cmocka_unit_test(a_broken_hash_is_found_in_pss_too),
        cmocka_unit_test(dates_have_one_form),
        cmocka_unit_test(whose_they_are_must_be_known),
        cmocka_unit_test(files_that_are_none),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
