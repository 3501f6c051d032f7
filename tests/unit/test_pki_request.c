/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/pki/request, serial: what may stand in a certificate, and what may name a folder. */
#include "gateway/pki/request.h"
#include "gateway/pki/serial.h"

#include <openssl/asn1.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LONG_LABEL "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

static void names_are_fit_for_folders(void **state gw_unused)
{
    static const char *const good[] = {
        "a",
        "alice",
        "Alice-2",
        "alice@example.com",
        "gate.example.com",
        "a+b",
        "192.0.2.1",
        "billing_service",
        "x..y",
        "4f0c",
        "7",
        "roots",
        "intermediate2",
        LONG_LABEL "abcd",
    };
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "...",
        "/",
        "a/b",
        "../a",
        "a b",
        "a\nb",
        "a\x7f",
        "a\x01",
        ".hidden",
        "-rf",
        "@x",
        "_x",
        "a\\b",
        "a:b",
        "a*",
        "*.a",
        "a\"b",
        "a'b",
        "a;b",
        "a$b",
        "root",
        "\xc3\xa4",
        "a%2fb",
        "intermediate",
        "a~",
        "a|b",
        LONG_LABEL "abcde",
        "4f0c0000000000000000000000000000", /* a serial number */
    };
    const char *why;
    for (size_t i = 0; i < GW_ARRAY_SIZE(good); i++)
        assert_true(gw_pki_name_good(good[i], &why));
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++) {
        why = NULL;
        if (gw_pki_name_good(bad[i], &why))
            print_error("'%s' is taken\n", bad[i]);
        assert_false(gw_pki_name_good(bad[i], &why));
        assert_non_null(why);
    }
}

static void each_kind_of_name_has_its_form(void **state gw_unused)
{
    static const struct {
        enum gw_pki_san_kind kind;
        const char *text;
        bool good;
    } rows[] = {
        {GW_PKI_SAN_DNS, "a.example.com", true},
        {GW_PKI_SAN_DNS, "localhost", true},
        {GW_PKI_SAN_DNS, "*.example.com", true},
        {GW_PKI_SAN_DNS, "xn--mnchen-3ya.example", true},
        {GW_PKI_SAN_DNS, "*.com", false},
        {GW_PKI_SAN_DNS, "a.*.com", false},
        {GW_PKI_SAN_DNS, "*a.example.com", false},
        {GW_PKI_SAN_DNS, "a..b", false},
        {GW_PKI_SAN_DNS, ".a", false},
        {GW_PKI_SAN_DNS, "a.", false},
        {GW_PKI_SAN_DNS, "-a.b", false},
        {GW_PKI_SAN_DNS, "a-.b", false},
        {GW_PKI_SAN_DNS, "a_b.c", false},
        {GW_PKI_SAN_DNS, "a,DNS:evil.test", false},
        {GW_PKI_SAN_DNS, "a b", false},
        {GW_PKI_SAN_DNS, "192.0.2.1", false},
        {GW_PKI_SAN_DNS, LONG_LABEL "aaaa.b", false},
        {GW_PKI_SAN_IP, "192.0.2.1", true},
        {GW_PKI_SAN_IP, "2001:db8::1", true},
        {GW_PKI_SAN_IP, "192.0.2", false},
        {GW_PKI_SAN_IP, "192.0.2.1/24", false},
        {GW_PKI_SAN_IP, "localhost", false},
        {GW_PKI_SAN_EMAIL, "alice@example.com", true},
        {GW_PKI_SAN_EMAIL, "a.b+c@example.com", true},
        {GW_PKI_SAN_EMAIL, "alice", false},
        {GW_PKI_SAN_EMAIL, "@example.com", false},
        {GW_PKI_SAN_EMAIL, "a@b@c", false},
        {GW_PKI_SAN_EMAIL, "a@", false},
        {GW_PKI_SAN_EMAIL, "a b@c", false},
        {GW_PKI_SAN_URI, "spiffe://example.com/billing/a.b", true},
        {GW_PKI_SAN_URI, "spiffe://example.com", true},
        {GW_PKI_SAN_URI, "https://example.com/?a=b#c", true},
        {GW_PKI_SAN_URI, "urn:uuid:0", true},
        {GW_PKI_SAN_URI, "example.com/a", false},
        {GW_PKI_SAN_URI, "a:", false},
        {GW_PKI_SAN_URI, "1a:b", false},
        {GW_PKI_SAN_URI, "a:b c", false},
        {GW_PKI_SAN_URI, "a:\"", false},
        {GW_PKI_SAN_URI, "spiffe:/a", false},
        {GW_PKI_SAN_URI, "spiffe://", false},
        {GW_PKI_SAN_URI, "spiffe://Example.com/a", false},
        {GW_PKI_SAN_URI, "spiffe://a:80/b", false},
        {GW_PKI_SAN_URI, "spiffe://a/b/", false},
        {GW_PKI_SAN_URI, "spiffe://a//b", false},
        {GW_PKI_SAN_URI, "spiffe://a/../b", false},
        {GW_PKI_SAN_URI, "spiffe://a/b?c", false},
        {GW_PKI_SAN_URI, "SPIFFE://a/./b", false},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const char *why = gw_pki_san_wrong(rows[i].kind, rows[i].text);
        if (!why != rows[i].good)
            print_error("%s: %s\n", rows[i].text, why ? why : "taken");
        assert_int_equal(!why, rows[i].good);
    }
}

static struct gw_pki_request server(const char *name)
{
    return (struct gw_pki_request){.kind = GW_PKI_SERVER, .name = name};
}

static void a_server_is_good_for_its_own_name(void **state gw_unused)
{
    struct gw_error err;
    struct gw_pki_request r = server("gate.example.com");
    r.sans[r.san_count++] = (struct gw_pki_san){GW_PKI_SAN_IP, "192.0.2.1"};
    assert_int_equal(gw_pki_request_complete(&r, &err), 0);
    assert_int_equal(r.san_count, 2);
    assert_int_equal(r.sans[0].kind, GW_PKI_SAN_DNS);
    assert_string_equal(r.sans[0].text, "gate.example.com");
    assert_int_equal(r.days, 90);

    r = server("192.0.2.1");
    assert_int_equal(gw_pki_request_complete(&r, &err), 0);
    assert_int_equal(r.sans[0].kind, GW_PKI_SAN_IP);

    r = server("gate.example.com");
    r.sans[r.san_count++] = (struct gw_pki_san){GW_PKI_SAN_DNS, "GATE.example.com"};
    assert_int_equal(gw_pki_request_complete(&r, &err), 0);
    assert_int_equal(r.san_count, 1);
}

static void a_client_lives_short_and_needs_no_other_name(void **state gw_unused)
{
    struct gw_error err;
    struct gw_pki_request r = {.kind = GW_PKI_CLIENT, .name = "alice.example.com"};
    assert_int_equal(gw_pki_request_complete(&r, &err), 0);
    assert_int_equal(r.san_count, 0);
    assert_int_equal(r.days, 30);
}

static void refused(struct gw_pki_request r, const char *words)
{
    struct gw_error err = {.text = ""};
    assert_int_not_equal(gw_pki_request_complete(&r, &err), 0);
    assert_int_equal(err.exit, GW_EXIT_USAGE);
    if (!strstr(err.text, words))
        print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, words));
}

static void what_does_not_fit_is_refused(void **state gw_unused)
{
    struct gw_pki_request r = server("billing_service");
    refused(r, "with --dns or --ip");
    r.sans[r.san_count++] = (struct gw_pki_san){GW_PKI_SAN_EMAIL, "a@b"};
    refused(r, "with --dns or --ip");
    r = server("a/b");
    refused(r, "--server 'a/b': a name has only");
    r = server("a.test");
    r.days = GW_PKI_DAYS_MAX + 1;
    refused(r, "--days 826: give 1 to 825");
    r = server("a.test");
    r.ou = "a\nb";
    refused(r, "--ou");
    r.ou = "";
    refused(r, "--ou");
    r = server("a.test");
    r.sans[r.san_count++] = (struct gw_pki_san){GW_PKI_SAN_DNS, "b.test"};
    r.sans[r.san_count++] = (struct gw_pki_san){GW_PKI_SAN_DNS, "B.test"};
    refused(r, "given twice");
    r = server("a.test");
    r.sans[r.san_count++] = (struct gw_pki_san){GW_PKI_SAN_URI, "https://a/"};
    r.sans[r.san_count++] = (struct gw_pki_san){GW_PKI_SAN_URI, "spiffe://a/b"};
    refused(r, "no other URI");
    r = server("a.test");
    for (; r.san_count < GW_PKI_SANS_MAX; r.san_count++)
        r.sans[r.san_count] = (struct gw_pki_san){GW_PKI_SAN_EMAIL, "a@b"};
    refused(r, "more than 32");
}

static void serial_numbers_are_random_and_go_into_certificates(void **state gw_unused)
{
    struct gw_pki_serial a, b, again;
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    assert_int_equal(gw_pki_serial_make(&a, NULL), 0);
    assert_int_equal(gw_pki_serial_make(&b, NULL), 0);
    assert_string_not_equal(a.text, b.text);
    assert_true(gw_pki_serial_good(a.text));
    assert_true(gw_pki_serial_put(&a, n));
    assert_int_equal(ASN1_STRING_length(n), GW_PKI_SERIAL_BYTES); /* at most 20: RFC 5280 */
    assert_true(gw_pki_serial_of(&again, n));
    assert_string_equal(a.text, again.text);
    assert_int_equal(ASN1_INTEGER_set(n, 1), 1);
    assert_false(gw_pki_serial_of(&again, n));
    ASN1_INTEGER_free(n);
    assert_false(gw_pki_serial_good(""));
    assert_false(gw_pki_serial_good("../../../../../../../../etc/pass"));
    assert_false(gw_pki_serial_good("00000000000000000000000000000000"));
    assert_false(gw_pki_serial_good("4F0C0000000000000000000000000000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_fit_for_folders),
        cmocka_unit_test(each_kind_of_name_has_its_form),
        cmocka_unit_test(a_server_is_good_for_its_own_name),
        cmocka_unit_test(a_client_lives_short_and_needs_no_other_name),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(serial_numbers_are_random_and_go_into_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
