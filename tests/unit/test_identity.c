/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/identity: what is read from a certificate, and what makes one unusable. */
#include "gateway/tls/identity_private.h"

#include "tests/unit/certs.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct gw_identity id;

static bool read_spec(const struct test_cert_spec *spec)
{
    struct test_cert *cert = test_cert_new(spec);
    memset(&id, 0xa5, sizeof(id));
    bool ok = gw_identity_read(&id, cert->x509);
    test_cert_free(cert);
    return ok;
}

static const char *nth(enum gw_name_kind kind, unsigned n)
{
    for (unsigned i = 0; i < id.name_count; i++)
        if (id.names[i].kind == kind && n-- == 0)
            return id.names[i].text;
    return NULL;
}

static void serial_of_ff(X509 *cert)
{
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(cert), 0xab01));
}

static void reads_every_kind(void **state)
{
    (void)state;
    assert_true(read_spec(&(struct test_cert_spec){
        .cn = "alice ü",
        .ou = "ops",
        .san = "DNS:a.test,DNS:*.b.test,URI:spiffe://t/a,IP:192.0.2.1,IP:2001:db8::1,"
               "email:alice@a.test,otherName:1.2.3.4;UTF8:unknown",
        .tweak = serial_of_ff,
    }));
    assert_true(id.present);
    assert_int_equal(id.name_count, 8);
    assert_string_equal(gw_identity_first(&id, GW_NAME_CN), "alice ü");
    assert_string_equal(gw_identity_first(&id, GW_NAME_OU), "ops");
    assert_string_equal(nth(GW_NAME_DNS, 0), "a.test");
    assert_string_equal(nth(GW_NAME_DNS, 1), "*.b.test");
    assert_string_equal(gw_identity_first(&id, GW_NAME_URI), "spiffe://t/a");
    assert_string_equal(nth(GW_NAME_IP, 0), "192.0.2.1");
    assert_string_equal(nth(GW_NAME_IP, 1), "2001:db8::1");
    assert_string_equal(gw_identity_first(&id, GW_NAME_EMAIL), "alice@a.test");
    assert_string_equal(id.serial, "AB01");
    assert_int_equal(strlen(id.fingerprint), 64);
    assert_int_equal(strlen(id.spki), 64);
}

static void fingerprint_is_of_the_der(void **state)
{
    (void)state;
    struct test_cert *cert = test_cert_new(&(struct test_cert_spec){.cn = "x"});
    unsigned char digest[32];
    unsigned len = 0;
    char hex[65];
    assert_true(X509_digest(cert->x509, EVP_sha256(), digest, &len));
    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_true(gw_identity_read(&id, cert->x509));
    assert_string_equal(id.fingerprint, hex);
    test_cert_free(cert);
}

/* It stays when a certificate is renewed with the same key. */
static void spki_is_of_the_key(void **state)
{
    (void)state;
    struct test_cert *cert = test_cert_new(&(struct test_cert_spec){.cn = "x"});
    unsigned char *der = NULL;
    unsigned char digest[32];
    char hex[65];
    int len = i2d_PUBKEY(cert->key, &der);
    assert_true(len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL));
    OPENSSL_free(der);
    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_true(gw_identity_read(&id, cert->x509));
    assert_string_equal(id.spki, hex);
    test_cert_free(cert);
}

static void no_certificate_is_absent(void **state)
{
    (void)state;
    memset(&id, 0xa5, sizeof(id));
    assert_true(gw_identity_read(&id, NULL));
    assert_false(id.present);
    assert_int_equal(id.name_count, 0);
    assert_null(gw_identity_first(&id, GW_NAME_CN));
}

static void more_common_names(X509 *cert)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    const char *names[] = {"second", "third"};
    for (int i = 0; i < 2; i++)
        assert_true(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                               (const unsigned char *)names[i], -1, -1, 0));
}

static void the_last_common_name_comes_first(void **state)
{
    (void)state;
    assert_true(read_spec(&(struct test_cert_spec){.cn = "first", .tweak = more_common_names}));
    assert_string_equal(gw_identity_first(&id, GW_NAME_CN), "third");
    assert_string_equal(nth(GW_NAME_CN, 2), "first");
}

static void a_certificate_without_names_is_present(void **state)
{
    (void)state;
    assert_true(read_spec(&(struct test_cert_spec){0}));
    assert_true(id.present);
    assert_int_equal(id.name_count, 0);
}

/* One subject alternative name with any bytes, put in behind openssl.cnf's back. */
static int raw_type;
static const char *raw_bytes;
static size_t raw_len;

static void add_raw_san(X509 *cert)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *s =
        ASN1_STRING_type_new(raw_type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    assert_true(names && name && s && ASN1_STRING_set(s, raw_bytes, (int)raw_len));
    GENERAL_NAME_set0_value(name, raw_type, s);
    assert_true(sk_GENERAL_NAME_push(names, name));
    assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND), 1);
    GENERAL_NAMES_free(names);
}

#define RAW(type, literal, ok)                                                                     \
    {                                                                                              \
        literal, sizeof(literal) - 1, type, ok                                                     \
    }

static void malformed_names_make_it_unusable(void **state)
{
    static const char long_label[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test"; /* 64 */
    const struct {
        const char *bytes;
        size_t len;
        int type;
        bool ok;
    } cases[] = {
        RAW(GEN_DNS, "a.test", true),
        RAW(GEN_DNS, "_srv.a-1.test", true),
        RAW(GEN_DNS, "a.test\0.evil", false),
        RAW(GEN_DNS, "", false),
        RAW(GEN_DNS, "a..test", false),
        RAW(GEN_DNS, ".test", false),
        RAW(GEN_DNS, "a.test.", false),
        RAW(GEN_DNS, "a b.test", false),
        RAW(GEN_DNS, "a\n.test", false),
        RAW(GEN_DNS, "f*.test", false),
        RAW(GEN_DNS, "a.*.test", false),
        RAW(GEN_DNS, "*a.test", false),
        RAW(GEN_DNS, "*", true),
        RAW(GEN_DNS, "\xc3\xbc.test", false),
        RAW(GEN_DNS, long_label, false),
        RAW(GEN_URI, "spiffe://t/a", true),
        RAW(GEN_URI, "urn:x", true),
        RAW(GEN_URI, "spiffe://t/a\0b", false),
        RAW(GEN_URI, "no-scheme", false),
        RAW(GEN_URI, "1a:x", false),
        RAW(GEN_URI, ":x", false),
        RAW(GEN_URI, "a:", false),
        RAW(GEN_URI, "a b:x", false),
        RAW(GEN_URI, "spiffe://t/a b", false),
        RAW(GEN_URI, "", false),
        RAW(GEN_URI, "spiffe://t", true),
        RAW(GEN_URI, "spiffe://t.d-1_x/A.b/c", true),
        RAW(GEN_URI, "SPIFFE://t/a", false),
        RAW(GEN_URI, "spiffe://T/a", false),
        RAW(GEN_URI, "spiffe://t/a/", false),
        RAW(GEN_URI, "spiffe://t//a", false),
        RAW(GEN_URI, "spiffe://t/../a", false),
        RAW(GEN_URI, "spiffe://t/*", false),
        RAW(GEN_URI, "spiffe://t:1/a", false),
        RAW(GEN_URI, "spiffe://u@t/a", false),
        RAW(GEN_URI, "spiffe://t/%61", false),
        RAW(GEN_URI, "spiffe://t/a?b", false),
        RAW(GEN_URI, "spiffe:///a", false),
        RAW(GEN_URI, "spiffe:t", false),
        RAW(GEN_EMAIL, "a@b", true),
        RAW(GEN_EMAIL, "@b", false),
        RAW(GEN_EMAIL, "a@", false),
        RAW(GEN_EMAIL, "a@b@c", false),
        RAW(GEN_EMAIL, "ab", false),
        RAW(GEN_EMAIL, "a@b\0", false),
        RAW(GEN_IPADD, "\x7f\0\0\1", true),
        RAW(GEN_IPADD, "\x7f\0\0", false),
        RAW(GEN_IPADD, "", false),
        RAW(GEN_IPADD, "\x7f\0\0\1\xff\xff\xff\xff", false),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        raw_type = cases[i].type;
        raw_bytes = cases[i].bytes;
        raw_len = cases[i].len;
        bool ok = read_spec(&(struct test_cert_spec){.cn = "x", .tweak = add_raw_san});
        if (ok != cases[i].ok || id.present != cases[i].ok)
            fail_msg("case %zu '%s'", i, cases[i].bytes);
    }
}

static void two_san_extensions(X509 *cert)
{
    raw_type = GEN_DNS;
    raw_bytes = "a.test";
    raw_len = 6;
    add_raw_san(cert);
    add_raw_san(cert);
}

static void broken_san_extension(X509 *cert)
{
    ASN1_OCTET_STRING *junk = ASN1_OCTET_STRING_new();
    assert_true(junk && ASN1_OCTET_STRING_set(junk, (const unsigned char *)"\x30\x82\xff\xff", 4));
    X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, junk);
    assert_true(e && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(junk);
}

static void control_byte_in_subject(X509 *cert)
{
    assert_true(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName,
                                           V_ASN1_UTF8STRING, (const unsigned char *)"alice\0bob",
                                           9, -1, 0));
}

static const char *subject_text;

static void add_to_subject(X509 *cert)
{
    assert_true(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_organizationalUnitName,
                                           V_ASN1_UTF8STRING, (const unsigned char *)subject_text,
                                           -1, -1, 0));
}

static void control_characters_make_it_unusable(void **state)
{
    const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"a\xc2\xa0z", true}, /* a blank that does not break */
        {"\xc3\x9b", true},   /* Û */
        {"a\x1b[31mz", false}, {"a\x7fz", false},
        {"a\xc2\x80z", false}, {"a\xc2\x9b[31mz", false}, /* CSI in one character */
        {"a\xc2\x9f", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        subject_text = cases[i].text;
        if (read_spec(&(struct test_cert_spec){.cn = "x", .tweak = add_to_subject}) != cases[i].ok)
            fail_msg("case %zu", i);
    }
}

static void a_spiffe_id_is_the_only_uri(void **state)
{
    (void)state;
    assert_true(read_spec(&(struct test_cert_spec){.san = "URI:https://a/b,URI:urn:x"}));
    assert_true(read_spec(&(struct test_cert_spec){.san = "URI:spiffe://t/a,DNS:a.test"}));
    assert_false(read_spec(&(struct test_cert_spec){.san = "URI:spiffe://t/a,URI:spiffe://t/b"}));
    assert_false(read_spec(&(struct test_cert_spec){.san = "URI:https://a/b,URI:spiffe://t/a"}));
    assert_false(id.present);
}

static void broken_extensions_make_it_unusable(void **state)
{
    (void)state;
    assert_false(read_spec(&(struct test_cert_spec){.cn = "x", .tweak = two_san_extensions}));
    assert_false(read_spec(&(struct test_cert_spec){.cn = "x", .tweak = broken_san_extension}));
    assert_false(read_spec(&(struct test_cert_spec){.tweak = control_byte_in_subject}));
    assert_false(id.present);
}

/* `count` DNS names of `len` bytes. */
static char *many_names(unsigned count, unsigned len)
{
    char *text = calloc(count, len + 8);
    assert_non_null(text);
    char *at = text;
    for (unsigned i = 0; i < count; i++) {
        at += sprintf(at, "%sDNS:n%03u", i ? "," : "", i);
        for (unsigned k = 4; k < len; k++)
            *at++ = k % 50 ? 'a' : '.';
    }
    return text;
}

static void limits_hold(void **state)
{
    const struct {
        unsigned count;
        unsigned len;
        bool ok;
    } cases[] = {
        {GW_IDENTITY_NAMES_MAX - 1, 10, true}, /* and the CN */
        {GW_IDENTITY_NAMES_MAX, 10, false},
        {39, 209, true}, /* 39 × 210 + 2 = 8192 */
        {39, 210, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *san = many_names(cases[i].count, cases[i].len);
        bool ok = read_spec(&(struct test_cert_spec){.cn = "x", .san = san});
        assert_int_equal(ok, cases[i].ok);
        free(san);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(fingerprint_is_of_the_der),
        cmocka_unit_test(spki_is_of_the_key),
        cmocka_unit_test(no_certificate_is_absent),
        cmocka_unit_test(the_last_common_name_comes_first),
        cmocka_unit_test(a_certificate_without_names_is_present),
        cmocka_unit_test(malformed_names_make_it_unusable),
        cmocka_unit_test(control_characters_make_it_unusable),
        cmocka_unit_test(a_spiffe_id_is_the_only_uri),
        cmocka_unit_test(broken_extensions_make_it_unusable),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
