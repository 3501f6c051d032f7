/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/pattern: what the pattern of a rule may be, and its normal form. */
#include "gateway/config/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COLONS                                                                                     \
    "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:"   \
    "CD:EF"
#define BASE64 "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8="

static const struct {
    enum gw_rule_kind kind;
    const char *text;
    const char *normal; /* NULL: can never match */
} rows[] = {
    {GW_RULE_CN, "alice", "alice"},
    {GW_RULE_CN, "*", "*"}, /* a CN may be a star */
    {GW_RULE_CN, "Alice B./", "Alice B./"},
    {GW_RULE_CN, "", NULL},
    {GW_RULE_CN, NULL, NULL},
    {GW_RULE_ALL, "x", NULL},
    {GW_RULE_OU, "ops", "ops"},
    {GW_RULE_DNS, "A.Test", "a.test"},
    {GW_RULE_DNS, "a.test.", "a.test"},
    {GW_RULE_DNS, "*.test", "*.test"},
    {GW_RULE_DNS, "a.*.test", "a.*.test"},
    {GW_RULE_DNS, "**.example.com", "**.example.com"},
    {GW_RULE_DNS, "**", "**"},
    {GW_RULE_DNS, "_sip-1.x", "_sip-1.x"},
    {GW_RULE_DNS, "a.**.test", NULL},
    {GW_RULE_DNS, "a*.test", NULL},
    {GW_RULE_DNS, "***.test", NULL},
    {GW_RULE_DNS, "a..test", NULL},
    {GW_RULE_DNS, ".test", NULL},
    {GW_RULE_DNS, ".", NULL},
    {GW_RULE_DNS, "a b", NULL},
    {GW_RULE_DNS, "b\xc3\xbc.test", NULL},
    {GW_RULE_DNS, "https://a.test", NULL},
    {GW_RULE_DNS, "a123456789012345678901234567890123456789012345678901234567890123.x", NULL},
    {GW_RULE_URI, "spiffe://t/*", "spiffe://t/*"},
    {GW_RULE_URI, "spiffe://t/ns/*/sa/**", "spiffe://t/ns/*/sa/**"},
    {GW_RULE_URI, "spiffe://t/**/", "spiffe://t/**"},
    {GW_RULE_URI, "spiffe://*/a", "spiffe://*/a"},
    {GW_RULE_URI, "spiffe://**", "spiffe://**"},
    {GW_RULE_URI, "spiffe://t", "spiffe://t"},
    {GW_RULE_URI, "**", "**"},
    {GW_RULE_URI, "*", "*"},
    {GW_RULE_URI, "urn:a", "urn:a"},
    {GW_RULE_URI, "https://A/x?y=%20", "https://A/x?y=%20"},
    {GW_RULE_URI, "spiffe://t/**/x", NULL},
    {GW_RULE_URI, "spiffe://t/a*", NULL},
    {GW_RULE_URI, "spiffe://t/***", NULL},
    {GW_RULE_URI, "spiffe://T/a", NULL},
    {GW_RULE_URI, "SPIFFE://t/a", NULL},
    {GW_RULE_URI, "spiffe://t:80/a", NULL},
    {GW_RULE_URI, "spiffe://u@t/a", NULL},
    {GW_RULE_URI, "spiffe://t/a%2fb", NULL},
    {GW_RULE_URI, "spiffe://t/a?q", NULL},
    {GW_RULE_URI, "spiffe://t/a#f", NULL},
    {GW_RULE_URI, "spiffe://t/../a", NULL},
    {GW_RULE_URI, "spiffe://t//a", NULL},
    {GW_RULE_URI, "spiffe:///a", NULL},
    {GW_RULE_URI, "spiffe:t", NULL},
    {GW_RULE_URI, "client-1", NULL},
    {GW_RULE_URI, "1x:a", NULL},
    {GW_RULE_URI, "urn:a b", NULL},
    {GW_RULE_IP, "192.0.2.1", "192.0.2.1/32"},
    {GW_RULE_IP, "192.0.2.0/24", "192.0.2.0/24"},
    {GW_RULE_IP, "0.0.0.0/0", "0.0.0.0/0"},
    {GW_RULE_IP, "2001:DB8::/32", "2001:db8::/32"},
    {GW_RULE_IP, "::ffff:192.0.2.1", "192.0.2.1/32"},
    {GW_RULE_IP, "::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {GW_RULE_IP, "::/0", "::/0"},
    {GW_RULE_IP, "192.0.2.1/24", NULL},
    {GW_RULE_IP, "192.0.2.0/33", NULL},
    {GW_RULE_IP, "192.0.2.0/", NULL},
    {GW_RULE_IP, "192.0.2.0/024", NULL},
    {GW_RULE_IP, "192.0.2.0/2 4", NULL},
    {GW_RULE_IP, "192.0.2", NULL},
    {GW_RULE_IP, "a.test", NULL},
    {GW_RULE_IP, "fe80::1%lo", NULL},
    {GW_RULE_EMAIL, "Ann@Example.COM", "Ann@example.com"},
    {GW_RULE_EMAIL, "*@Example.com", "*@example.com"},
    {GW_RULE_EMAIL, "a*@example.com", NULL},
    {GW_RULE_EMAIL, "a@*.example.com", NULL},
    {GW_RULE_EMAIL, "@example.com", NULL},
    {GW_RULE_EMAIL, "a@", NULL},
    {GW_RULE_EMAIL, "a@b@c", NULL},
    {GW_RULE_EMAIL, "example.com", NULL},
    {GW_RULE_EMAIL, "a b@c", NULL},
    {GW_RULE_FINGERPRINT, HEX, HEX},
    {GW_RULE_FINGERPRINT, COLONS, HEX},
    {GW_RULE_FINGERPRINT, "0123", NULL},
    {GW_RULE_FINGERPRINT, HEX "0", NULL},
    {GW_RULE_FINGERPRINT, ":" HEX, NULL},
    {GW_RULE_FINGERPRINT, HEX ":", NULL},
    {GW_RULE_FINGERPRINT, "sha256/" BASE64, NULL},
    {GW_RULE_SPKI, HEX, HEX},
    {GW_RULE_SPKI, COLONS, HEX},
    {GW_RULE_SPKI, "sha256/" BASE64, HEX},
    {GW_RULE_SPKI, "sha256//" BASE64, HEX}, /* as curl writes it */
    {GW_RULE_SPKI, BASE64, NULL},
    {GW_RULE_SPKI, "sha256/" HEX, NULL},
    {GW_RULE_SPKI, "sha256/ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8", NULL},
    {GW_RULE_SPKI, "sha256/ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mr*e8=", NULL},
};

static void each_kind_as_documented(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char normal[GW_PATTERN_BYTES_MAX];
        const char *why = NULL;
        int result = gw_pattern_read(rows[i].kind, rows[i].text, normal, &why);
        bool ok = rows[i].normal ? result == 0 && strcmp(normal, rows[i].normal) == 0
                                 : result < 0 && why && strlen(why) > 8;
        if (!ok)
            fail_msg("row %zu: '%s' gives %d, '%s'", i, rows[i].text, result,
                     result ? why : normal);
    }
}

static void what_is_normal_stays(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char normal[GW_PATTERN_BYTES_MAX];
        const char *why = NULL;
        if (!rows[i].normal)
            continue;
        assert_int_equal(gw_pattern_read(rows[i].kind, rows[i].normal, normal, &why), 0);
        assert_string_equal(normal, rows[i].normal);
    }
}

static void too_many_parts_are_told(void **state gw_unused)
{
    char uri[2 * GW_PATTERN_PARTS_MAX + 8] = "x:";
    char normal[GW_PATTERN_BYTES_MAX];
    const char *why = NULL;
    for (int i = 1; i < GW_PATTERN_PARTS_MAX; i++)
        strcat(uri, "/a");
    assert_int_equal(gw_pattern_read(GW_RULE_URI, uri, normal, &why), 0);
    strcat(uri, "/a");
    assert_true(gw_pattern_read(GW_RULE_URI, uri, normal, &why) < 0);
    assert_string_equal(why, "it has more than 64 parts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_as_documented),
        cmocka_unit_test(what_is_normal_stays),
        cmocka_unit_test(too_many_parts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
