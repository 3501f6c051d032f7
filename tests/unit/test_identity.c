/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/identity: what is read from a certificate, and what makes one unusable. */
#include "gateway/tls/dname.h"
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
    gw_identity_done(&id);
    memset(&id, 0xa5, sizeof(id));
    bool ok = gw_identity_read(&id, cert->x509);
    test_cert_free(cert);
    return ok;
}

static const char *nth(enum gw_name_kind kind, unsigned n)
{
    struct gw_name name;
    for (size_t at = 0; gw_identity_next(&id, &at, &name);)
        if (name.kind == kind && n-- == 0)
            return name.text;
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
    assert_int_equal(id.unusable.count, 0);
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

#define RAW(type, literal, why)                                                                    \
    {                                                                                              \
        literal, sizeof(literal) - 1, GEN_##type, GW_NAME_##type, why                              \
    }
#define GEN_IP GEN_IPADD
#define CHARACTER "it contains a character that is not a letter, a digit, '-' or '_'"
#define BLANK "it contains a blank, a control character or one that is not ASCII"
#define MORE "it is not a scheme, a colon and more"
#define SCHEME "it does not begin with a scheme"
#define SPIFFE "it is not a SPIFFE ID"
#define EMAIL "it is not an email address"
#define BYTES "it has neither 4 nor 16 bytes"

/* The whole certificate stays: without that name. */
static void what_is_not_what_its_kind_says_is_no_name(void **state)
{
    static const char long_label[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test"; /* 64 */
    static const struct {
        const char *bytes;
        size_t len;
        int type;
        enum gw_name_kind kind;
        const char *why; /* NULL: it is usable */
    } cases[] = {
        RAW(DNS, "a.test", NULL),
        RAW(DNS, "_srv.a-1.test", NULL),
        RAW(DNS, "a.test\0.evil", CHARACTER),
        RAW(DNS, "", "it is empty"),
        RAW(DNS, "a..test", "a label is empty"),
        RAW(DNS, ".test", "a label is empty"),
        RAW(DNS, "a.test.", "it ends in a dot"),
        RAW(DNS, "a b.test", CHARACTER),
        RAW(DNS, "a\n.test", CHARACTER),
        RAW(DNS, "f*.test", CHARACTER),
        RAW(DNS, "a.*.test", CHARACTER),
        RAW(DNS, "*a.test", CHARACTER),
        RAW(DNS, "2001:db8::1", CHARACTER),
        RAW(DNS, "*", NULL),
        RAW(DNS, "\xc3\xbc.test", CHARACTER),
        RAW(DNS, long_label, "it has a label of more than 63 bytes"),
        RAW(URI, "spiffe://t/a", NULL),
        RAW(URI, "urn:x", NULL),
        RAW(URI, "spiffe://t/a\0b", SPIFFE),
        RAW(URI, "urn:a\0b", BLANK),
        RAW(URI, "no-scheme", MORE),
        RAW(URI, "1a:x", SCHEME),
        RAW(URI, ":x", SCHEME),
        RAW(URI, "a:", MORE),
        RAW(URI, "a b:x", BLANK),
        RAW(URI, "urn:host:UA Application", BLANK),
        RAW(URI, "spiffe://t/a b", SPIFFE),
        RAW(URI, "", "it is empty"),
        RAW(URI, "HTTPS://x/a", "its scheme is not in small letters"),
        RAW(URI, "spiffe://t", NULL),
        RAW(URI, "spiffe://t.d-1_x/A.b/c", NULL),
        RAW(URI, "SPIFFE://t/a", SPIFFE),
        RAW(URI, "spiffe://T/a", SPIFFE),
        RAW(URI, "spiffe://t/a/", SPIFFE),
        RAW(URI, "spiffe://t//a", SPIFFE),
        RAW(URI, "spiffe://t/../a", SPIFFE),
        RAW(URI, "spiffe://t/*", SPIFFE),
        RAW(URI, "spiffe://t:1/a", SPIFFE),
        RAW(URI, "spiffe://u@t/a", SPIFFE),
        RAW(URI, "spiffe://t/%61", SPIFFE),
        RAW(URI, "spiffe://t/a?b", SPIFFE),
        RAW(URI, "spiffe:///a", SPIFFE),
        RAW(URI, "spiffe:t", SPIFFE),
        RAW(EMAIL, "a@b", NULL),
        RAW(EMAIL, "@b", EMAIL),
        RAW(EMAIL, "a@", EMAIL),
        RAW(EMAIL, "a@b@c", EMAIL),
        RAW(EMAIL, "ab", EMAIL),
        RAW(EMAIL, "a@b\0", BLANK),
        RAW(IP, "\x7f\0\0\1", NULL),
        RAW(IP, "\x7f\0\0", BYTES),
        RAW(IP, "", BYTES),
        RAW(IP, "\x7f\0\0\1\xff\xff\xff\xff", BYTES),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        raw_type = cases[i].type;
        raw_bytes = cases[i].bytes;
        raw_len = cases[i].len;
        assert_true(read_spec(&(struct test_cert_spec){.cn = "x", .tweak = add_raw_san}));
        const char *why = id.unusable.count ? id.unusables[0].why : "";
        if (strcmp(why, cases[i].why ? cases[i].why : "") != 0)
            fail_msg("case %zu '%s': %s", i, cases[i].bytes, why);
        assert_true(id.present);
        assert_int_equal(id.unusable.kinds, cases[i].why ? 1U << cases[i].kind : 0);
        assert_int_equal(!gw_identity_first(&id, cases[i].kind), cases[i].why != NULL);
        assert_string_equal(gw_identity_first(&id, GW_NAME_CN), "x");
    }
}

/* For the log: of any bytes that may be there. */
static void the_first_unusable_name_is_told(void **state)
{
    (void)state;
    raw_type = GEN_DNS;
    raw_bytes = "a\0b\x1b\xc3\xbc c";
    raw_len = 8;
    assert_true(read_spec(
        &(struct test_cert_spec){.san = "DNS:good.test,email:bad,DNS:also.test", .tweak = NULL}));
    assert_string_equal(id.unusables[0].text, "bad");
    assert_int_equal(id.unusables[0].kind, GW_NAME_EMAIL);
    assert_int_equal(id.name_count, 2);
    assert_true(read_spec(&(struct test_cert_spec){.tweak = add_raw_san}));
    assert_string_equal(id.unusables[0].text, "a?b??? c");
    assert_int_equal(id.unusable.count, 1);
}

/* The first of each kind is described, even after many of another kind. */
static void unusable_names_are_described(void **state)
{
    (void)state;
    gw_identity_init(&id);
    assert_null(gw_identity_unusable(&id, 0));
    for (unsigned i = 0; i < 3 * GW_UNUSABLE_DESCRIBED_MAX; i++)
        gw_identity_add_unusable(&id, GW_NAME_URI, "u", 1, "of the test");
    for (int kind = 0; kind < GW_NAME_KIND_COUNT; kind++)
        gw_identity_add_unusable(&id, (enum gw_name_kind)kind, "x", 1, "of the test");
    assert_int_equal(id.unusable.count, 3 * GW_UNUSABLE_DESCRIBED_MAX + GW_NAME_KIND_COUNT);
    assert_int_equal(id.unusable.described, GW_UNUSABLE_DESCRIBED_MAX - 1);
    for (int kind = 0; kind < GW_NAME_KIND_COUNT; kind++)
        assert_int_equal(gw_identity_unusable(&id, 1U << kind)->kind, kind);
    assert_string_equal(gw_identity_unusable(&id, 1U << GW_NAME_DNS)->text, "x");
    assert_string_equal(gw_identity_unusable(&id, 0)->text, "u");
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

static void control_characters_make_a_name_unusable(void **state)
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
        assert_true(read_spec(&(struct test_cert_spec){.cn = "x", .tweak = add_to_subject}));
        if (!id.unusable.count != cases[i].ok || !gw_identity_first(&id, GW_NAME_OU) == cases[i].ok)
            fail_msg("case %zu", i);
    }
}

static void a_spiffe_id_is_the_only_uri(void **state)
{
    static const char *const both[] = {
        "DNS:a.test,URI:spiffe://t/a,URI:spiffe://t/b",
        "DNS:a.test,URI:https://a/b,URI:spiffe://t/a",
        "DNS:a.test,URI:spiffe://t/a,URI:spiffe://T/",
        "DNS:a.test,URI:SPIFFE://t/a,URI:urn:x",
    };
    (void)state;
    assert_true(read_spec(&(struct test_cert_spec){.san = "URI:https://a/b,URI:urn:x"}));
    assert_int_equal(id.name_count, 2);
    assert_true(read_spec(&(struct test_cert_spec){.san = "URI:spiffe://t/a,DNS:a.test"}));
    assert_int_equal(id.name_count, 2);
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        assert_true(read_spec(&(struct test_cert_spec){.san = both[i]}));
        assert_int_equal(id.unusable.count, 2);
        assert_int_equal(id.unusable.kinds, 1U << GW_NAME_URI);
        assert_null(gw_identity_first(&id, GW_NAME_URI));
        assert_string_equal(gw_identity_first(&id, GW_NAME_DNS), "a.test");
    }
}

/* Else another one would count as the last. */
static void one_bad_common_name_makes_all_unusable(void **state)
{
    (void)state;
    assert_true(read_spec(&(struct test_cert_spec){
        .cn = "first", .ou = "ops", .san = "DNS:a.test", .tweak = control_byte_in_subject}));
    assert_null(gw_identity_first(&id, GW_NAME_CN));
    assert_int_equal(id.unusable.kinds, 1U << GW_NAME_CN);
    assert_string_equal(id.unusables[0].text, "alice?bob");
    assert_string_equal(id.unusables[0].why, "it contains a control character");
    assert_string_equal(gw_identity_first(&id, GW_NAME_OU), "ops");
    assert_string_equal(gw_identity_first(&id, GW_NAME_DNS), "a.test");
}

/* For the log there is still what else is known of it. */
static void broken_extensions_make_the_certificate_unusable(void **state)
{
    (void)state;
    assert_false(read_spec(&(struct test_cert_spec){.cn = "x", .tweak = two_san_extensions}));
    assert_false(id.present);
    assert_int_equal(id.name_count, 0);
    assert_int_equal(strlen(id.fingerprint), 64);
    assert_false(read_spec(&(struct test_cert_spec){.cn = "x", .tweak = broken_san_extension}));
    assert_false(id.present);
}

static void long_serial(X509 *cert)
{
    unsigned char bytes[200];
    memset(bytes, 0x5a, sizeof(bytes));
    assert_true(ASN1_STRING_set(X509_get_serialNumber(cert), bytes, sizeof(bytes)));
}

static void a_long_serial_number_is_cut(void **state)
{
    (void)state;
    assert_true(read_spec(&(struct test_cert_spec){.cn = "x", .tweak = long_serial}));
    assert_int_equal(strlen(id.serial), sizeof(id.serial) - 1);
    assert_string_equal(id.serial + sizeof(id.serial) - 6, "5A...");
}

/* ---- the subject as text ---- */

struct part {
    const char *field, *bytes;
    int type;
    int set; /* as X509_NAME_add_entry_by_txt has it */
};

/* The name of those parts, up to one without a field, printed into `size` bytes. */
static const char *printed(size_t size, const struct part parts[3])
{
    static char text[256];
    X509_NAME *name = X509_NAME_new();
    assert_non_null(name);
    for (size_t i = 0; i < 3 && parts[i].field; i++)
        if (!X509_NAME_add_entry_by_txt(name, parts[i].field, parts[i].type,
                                        (const unsigned char *)parts[i].bytes, -1, -1,
                                        parts[i].set))
            fail_msg("%s=%s is not taken", parts[i].field, parts[i].bytes);
    memset(text, 'x', sizeof(text));
    gw_dname_print(name, text, size);
    assert_true(strlen(text) < size);
    X509_NAME_free(name);
    return text;
}

static void a_distinguished_name_is_told_as_rfc_4514_has_it(void **state)
{
    enum {
        UTF8 = V_ASN1_UTF8STRING
    };
    static const struct {
        struct part parts[3];
        const char *text;
    } rows[] = {
        {{{NULL}}, ""},
        {{{"O", "Example", UTF8}, {"CN", "alice", UTF8}}, "CN=alice,O=Example"},
        {{{"O", "Example", UTF8}, {"CN", "alice", UTF8}, {"UID", "7", UTF8, -1}},
         "UID=7+CN=alice,O=Example"},
        {{{"CN", " a,b\"c\\d+#\n\x7f\xc3\xbc ", UTF8}},
         "CN=\\ a\\,b\\\"c\\\\d\\+#\\0a\\7f\xc3\xbc\\ "},
        {{{"1.2.3.4", "y", UTF8}, {"CN", "#x", UTF8}}, "CN=\\#x,1.2.3.4=y"},
        {{{"CN", "\xc2\x80\xc2\x9f\xc2\xa0", UTF8}}, "CN=\\c2\\80\\c2\\9f\xc2\xa0"},
        {{{"CN", "\xfc", V_ASN1_T61STRING}}, "CN=\xc3\xbc"},
        {{{"CN", "odd", V_ASN1_BIT_STRING}}, "CN=#6f6464"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(printed(256, rows[i].parts), rows[i].text);
}

/* In the middle of no character. */
static void a_long_distinguished_name_is_cut(void **state)
{
    static const struct part parts[3] = {{"CN", "abc\xc3\xbc.", V_ASN1_UTF8STRING}};
    (void)state;
    assert_string_equal(printed(13, parts), "CN=abc\xc3\xbc.");
    assert_string_equal(printed(12, parts), "CN=abc\xc3\xbc...");
    assert_string_equal(printed(11, parts), "CN=abc...");
    assert_string_equal(printed(8, parts), "CN=a...");
}

/* `count` DNS names of `len` bytes. */
static char *many_names(unsigned count, unsigned len)
{
    char *text = calloc(count, len + 8);
    assert_non_null(text);
    char *at = text;
    for (unsigned i = 0; i < count; i++) {
        at += sprintf(at, "%sDNS:n%04u", i ? "," : "", i);
        for (unsigned k = 5; k < len; k++)
            *at++ = k % 50 ? 'a' : '.';
    }
    return text;
}

/* Their number does not matter, but their bytes do: a name beyond the limit is unusable. */
static void limits_hold(void **state)
{
    enum {
        FULL = GW_IDENTITY_BYTES_MAX / 202,
    };
    static const struct {
        unsigned count;
        unsigned len;
        unsigned usable;
    } cases[] = {
        {1, 10, 1}, {64, 10, 64}, {1000, 20, 1000}, {FULL, 200, FULL}, {FULL + 3, 200, FULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char last[16];
        char *san = many_names(cases[i].count, cases[i].len);
        assert_true(read_spec(&(struct test_cert_spec){.san = san}));
        assert_int_equal(id.name_count, cases[i].usable);
        assert_int_equal(id.unusable.count, cases[i].count - cases[i].usable);
        (void)snprintf(last, sizeof(last), "n%04u", cases[i].usable - 1);
        assert_memory_equal(nth(GW_NAME_DNS, cases[i].usable - 1), last, strlen(last));
        free(san);
    }
    assert_string_equal(id.unusables[0].why, "the certificate has too many names");
    assert_int_equal(id.unusable.kinds, 1U << GW_NAME_DNS);
}

/* As a connection keeps it for --recheck-on-reload, of few names and of many. */
static void a_copy_is_as_long_as_its_names(void **state)
{
    static const unsigned counts[] = {2, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        char *san = many_names(counts[i], 20);
        assert_true(read_spec(&(struct test_cert_spec){.cn = "x", .san = san}));
        size_t len = gw_identity_len(&id);
        assert_int_equal(len, offsetof(struct gw_identity, own) + 3 + counts[i] * 22);
        struct gw_identity *copy = malloc(len);
        assert_non_null(copy);
        gw_identity_copy(copy, &id);
        struct gw_name a, b;
        size_t at = 0, other = 0;
        while (gw_identity_next(&id, &at, &a)) {
            assert_true(gw_identity_next(copy, &other, &b));
            assert_int_equal(a.kind, b.kind);
            assert_string_equal(a.text, b.text);
        }
        assert_false(gw_identity_next(copy, &other, &b));
        free(copy);
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
        cmocka_unit_test(what_is_not_what_its_kind_says_is_no_name),
        cmocka_unit_test(the_first_unusable_name_is_told),
        cmocka_unit_test(unusable_names_are_described),
        cmocka_unit_test(control_characters_make_a_name_unusable),
        cmocka_unit_test(a_spiffe_id_is_the_only_uri),
        cmocka_unit_test(one_bad_common_name_makes_all_unusable),
        cmocka_unit_test(broken_extensions_make_the_certificate_unusable),
        cmocka_unit_test(a_long_serial_number_is_cut),
        cmocka_unit_test(a_distinguished_name_is_told_as_rfc_4514_has_it),
        cmocka_unit_test(a_long_distinguished_name_is_cut),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_copy_is_as_long_as_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
