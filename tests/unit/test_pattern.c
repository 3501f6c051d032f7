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
    const char *why;    /* the beginning of the phrase */
} rows[] = {
    {GW_RULE_CN, "alice", "alice"},
    {GW_RULE_CN, "*", "*"}, /* a CN may be a star */
    {GW_RULE_CN, "Alice B./", "Alice B./"},
    {GW_RULE_CN, "", NULL, "it is empty"},
    {GW_RULE_CN, NULL, NULL, "it is empty"},
    {GW_RULE_ALL, "x", NULL, "it is empty"},
    {GW_RULE_OU, "ops", "ops"},
    {GW_RULE_DNS, "A.Test", "a.test"},
    {GW_RULE_DNS, "a.test.", "a.test"},
    {GW_RULE_DNS, "*.test", "*.test"},
    {GW_RULE_DNS, "a.*.test", "a.*.test"},
    {GW_RULE_DNS, "**.example.com", "**.example.com"},
    {GW_RULE_DNS, "**", "**"},
    {GW_RULE_DNS, "_sip-1.x", "_sip-1.x"},
    {GW_RULE_DNS, "a.**.test", NULL, "** must be the first label"},
    {GW_RULE_DNS, "a*.test", NULL, "* must be a whole label between two dots"},
    {GW_RULE_DNS, "***.test", NULL, "* must be a whole label between two dots"},
    {GW_RULE_DNS, "a..test", NULL, "it is not a DNS name"},
    {GW_RULE_DNS, ".test", NULL, "it is not a DNS name"},
    {GW_RULE_DNS, ".", NULL, "it is not a DNS name"},
    {GW_RULE_DNS, "a b", NULL, "it is not a DNS name"},
    {GW_RULE_DNS, "b\xc3\xbc.test", NULL, "it is not a DNS name"},
    {GW_RULE_DNS, "https://a.test", NULL, "it is not a DNS name"},
    {GW_RULE_DNS, "a123456789012345678901234567890123456789012345678901234567890123.x", NULL,
     "it is not a DNS name"},
    {GW_RULE_URI, "spiffe://t/*", "spiffe://t/*"},
    {GW_RULE_URI, "spiffe://t/ns/*/sa/**", "spiffe://t/ns/*/sa/**"},
    {GW_RULE_URI, "spiffe://t/**/", "spiffe://t/**"},
    {GW_RULE_URI, "spiffe://*/a", "spiffe://*/a"},
    {GW_RULE_URI, "spiffe://**", "spiffe://**"},
    {GW_RULE_URI, "spiffe://t", "spiffe://t"},
    {GW_RULE_URI, "**", "**"},
    {GW_RULE_URI, "*", "*"},
    {GW_RULE_URI, "urn:a", "urn:a"},
    {GW_RULE_URI, "https://a/X?y=%20", "https://a/X?y=%20"},
    {GW_RULE_URI, "https://u@a.test:8443/*/x", "https://u@a.test:8443/*/x"},
    {GW_RULE_URI, "https://[2001:db8::1]/a", "https://[2001:db8::1]/a"},
    {GW_RULE_URI, "http://a:443", "http://a:443"},
    {GW_RULE_URI, "urn:A:B%2F", "urn:A:B%2F"},
    {GW_RULE_URI, "https://A/x", NULL, "its host is not in small letters"},
    {GW_RULE_URI, "HTTPS://a/x", NULL, "its scheme is not in small letters"},
    {GW_RULE_URI, "https://a./x", NULL, "its host ends in a dot"},
    {GW_RULE_URI, "https://a:443/x", NULL, "it names the default port of its scheme"},
    {GW_RULE_URI, "http://a:80", NULL, "it names the default port of its scheme"},
    {GW_RULE_URI, "https://a:/x", NULL, "its port is empty or begins with a zero"},
    {GW_RULE_URI, "https://a:0444/x", NULL, "its port is empty or begins with a zero"},
    {GW_RULE_URI, "https://[2001:DB8::1]/a", NULL,
     "its host is an address that is not in canonical form"},
    {GW_RULE_URI, "https://[2001:db8:0::1]/a", NULL,
     "its host is an address that is not in canonical form"},
    {GW_RULE_URI, "https://[2001:db8::1/a", NULL, "its host is not an IPv6 address"},
    {GW_RULE_URI, "https://[2001:db8::1]x/a", NULL, "its port is malformed"},
    {GW_RULE_URI, "https://[::1]:443/a", NULL, "it names the default port of its scheme"},
    {GW_RULE_URI, "https://u@A.test/a", NULL, "its host is not in small letters"},
    {GW_RULE_URI, "https://a/b/../c", NULL, "its path has a part . or .."},
    {GW_RULE_URI, "https://a?q", NULL, "its path is empty; a / belongs between"},
    {GW_RULE_URI, "https://a:1#f", NULL, "its path is empty; a / belongs between"},
    {GW_RULE_URI, "https://a/?q", "https://a/?q"},
    {GW_RULE_URI, "https://a/", "https://a"},
    {GW_RULE_URI, "urn:?q", "urn:?q"},
    {GW_RULE_URI, "https://@a/x", NULL, "its user, or the password of it, is empty"},
    {GW_RULE_URI, "https://:@a/x", NULL, "its user, or the password of it, is empty"},
    {GW_RULE_URI, "https://u:@a/x", NULL, "its user, or the password of it, is empty"},
    {GW_RULE_URI, "https://u:p@a/x", "https://u:p@a/x"},
    {GW_RULE_URI, "https://a\\x", NULL, "it contains a character that no URI may have"},
    {GW_RULE_URI, "https://a/b|c", NULL, "it contains a character that no URI may have"},
    {GW_RULE_URI, "https://a/b%7Cc", "https://a/b%7Cc"},
    {GW_RULE_URI, "https://a/[b", NULL, "a bracket follows its host"},
    {GW_RULE_URI, "https://a/b/.", NULL, "its path has a part . or .."},
    {GW_RULE_URI, "https://a/%61", NULL, "a character is percent-encoded that needs no encoding"},
    {GW_RULE_URI, "https://a/%20b%61", NULL,
     "a character is percent-encoded that needs no encoding"},
    {GW_RULE_URI, "https://a/%20b%C3%2f", NULL, "a percent sign must be followed by"},
    {GW_RULE_URI, "https://a/%7e", NULL, "a percent sign must be followed by"},
    {GW_RULE_URI, "https://a/%2f", NULL, "a percent sign must be followed by"},
    {GW_RULE_URI, "https://a/%2", NULL, "a percent sign must be followed by"},
    {GW_RULE_URI, "spiffe://t/**/x", NULL, "** must be the last part"},
    {GW_RULE_URI, "spiffe://t/a*", NULL, "* must be a whole part between two slashes"},
    {GW_RULE_URI, "spiffe://t/***", NULL, "* must be a whole part between two slashes"},
    {GW_RULE_URI, "spiffe://T/a", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "SPIFFE://t/a", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe://t:80/a", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe://u@t/a", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe://t/a%2fb", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe://t/a?q", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe://t/a#f", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe://t/../a", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe://t//a", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe:///a", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "spiffe:t", NULL, "it is not a SPIFFE ID"},
    {GW_RULE_URI, "client-1", NULL, "a URI begins with a scheme, such as spiffe: or https:"},
    {GW_RULE_URI, "1x:a", NULL, "a URI begins with a scheme, such as spiffe: or https:"},
    {GW_RULE_URI, "urn:a b", NULL, "a URI has only printable ASCII, without blanks"},
    {GW_RULE_IP, "192.0.2.1", "192.0.2.1/32"},
    {GW_RULE_IP, "192.0.2.0/24", "192.0.2.0/24"},
    {GW_RULE_IP, "0.0.0.0/0", "0.0.0.0/0"},
    {GW_RULE_IP, "2001:DB8::/32", "2001:db8::/32"},
    {GW_RULE_IP, "::ffff:192.0.2.1", "192.0.2.1/32"},
    {GW_RULE_IP, "::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {GW_RULE_IP, "::/0", "::/0"},
    {GW_RULE_IP, "192.0.2.1/24", NULL, "bits after the network's are set"},
    {GW_RULE_IP, "192.0.2.0/33", NULL, "after the slash comes the number of bits that count"},
    {GW_RULE_IP, "192.0.2.0/", NULL, "after the slash comes the number of bits that count"},
    {GW_RULE_IP, "192.0.2.0/024", NULL, "after the slash comes the number of bits that count"},
    {GW_RULE_IP, "192.0.2.0/2 4", NULL, "after the slash comes the number of bits that count"},
    {GW_RULE_IP, "192.0.2", NULL, "it is not an IP address"},
    {GW_RULE_IP, "a.test", NULL, "it is not an IP address"},
    {GW_RULE_IP, "fe80::1%lo", NULL, "it is not an IP address"},
    {GW_RULE_EMAIL, "Ann@Example.COM", "Ann@example.com"},
    {GW_RULE_EMAIL, "*@Example.com", "*@example.com"},
    {GW_RULE_EMAIL, "a*@example.com", NULL, "* can only stand for everything before the @"},
    {GW_RULE_EMAIL, "a@*.example.com", NULL, "* can only stand for everything before the @"},
    {GW_RULE_EMAIL, "@example.com", NULL, "it is not an email address"},
    {GW_RULE_EMAIL, "a@", NULL, "it is not an email address"},
    {GW_RULE_EMAIL, "a@b@c", NULL, "it is not an email address"},
    {GW_RULE_EMAIL, "example.com", NULL, "it is not an email address"},
    {GW_RULE_EMAIL, "a b@c", NULL, "an email address has only printable ASCII, without blanks"},
    {GW_RULE_FINGERPRINT, HEX, HEX},
    {GW_RULE_FINGERPRINT, COLONS, HEX},
    {GW_RULE_FINGERPRINT, "sha256 Fingerprint=" COLONS, HEX},
    {GW_RULE_FINGERPRINT, "SHA256 Fingerprint=" COLONS, HEX},
    {GW_RULE_FINGERPRINT, "sha1 Fingerprint=" COLONS, NULL, "it is not a SHA-256"},
    {GW_RULE_FINGERPRINT, "sha256 Fingerprint=", NULL, "it is not a SHA-256"},
    {GW_RULE_FINGERPRINT, "0123", NULL, "it is not a SHA-256"},
    {GW_RULE_FINGERPRINT, HEX "0", NULL, "it is not a SHA-256"},
    {GW_RULE_FINGERPRINT, ":" HEX, NULL, "it is not a SHA-256"},
    {GW_RULE_FINGERPRINT, HEX ":", NULL, "it is not a SHA-256"},
    {GW_RULE_FINGERPRINT, "sha256/" BASE64, NULL, "it is not a SHA-256"},
    {GW_RULE_SPKI, HEX, HEX},
    {GW_RULE_SPKI, COLONS, HEX},
    {GW_RULE_SPKI, "sha256/" BASE64, HEX},
    {GW_RULE_SPKI, "sha256//" BASE64, HEX}, /* as curl writes it */
    {GW_RULE_SPKI, BASE64, NULL, "it is neither a SHA-256"},
    {GW_RULE_SPKI, "sha256/" HEX, NULL, "it is neither a SHA-256"},
    {GW_RULE_SPKI, "sha256/ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8", NULL,
     "it is neither a SHA-256"},
    {GW_RULE_SPKI, "sha256/ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mr*e8=", NULL,
     "it is neither a SHA-256"},
};

static void each_kind_as_documented(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char normal[GW_PATTERN_BYTES_MAX];
        const char *why = NULL;
        int result = gw_pattern_read(rows[i].kind, rows[i].text, normal, &why);
        bool ok = rows[i].normal
                      ? result == 0 && strcmp(normal, rows[i].normal) == 0
                      : result < 0 && why && strncmp(why, rows[i].why, strlen(rows[i].why)) == 0;
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
