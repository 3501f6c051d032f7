/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/wire/proxy_in: headers as load balancers send them, cut anywhere, and what is none. */
#include "gateway/wire/proxy_in.h"

#include "gateway/base/attr.h"
#include "gateway/base/sockaddr.h"
#include "gateway/wire/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FOUR "\xc0\x00\x02\x07\xc6\x33\x64\x08\xdc\x04\x01\xbb"
#define SIX_1 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define SIX_2 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x08"
#define BYTES(text) (text), sizeof(text) - 1

static void print(const union gw_proxy_end *end, char *out, size_t size)
{
    struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
    memcpy(&ss, end, sizeof(*end));
    gw_sockaddr_print(&ss, out, size);
}

/* In memory of exactly its size, so that a sanitizer sees what is read past it. */
static enum gw_proxy_verdict parse(const char *data, size_t len, struct gw_proxy_in *ret)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    enum gw_proxy_verdict verdict = gw_proxy_parse(copy, len, ret);
    free(copy);
    return verdict;
}

static const struct {
    const char *header;
    size_t len;
    const char *client, *local; /* as gw_sockaddr_print writes it; "unknown": not given */
} good[] = {
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\r\n"), "192.0.2.7:56324",
     "198.51.100.8:443"},
    {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535",
     "255.255.255.255:65535"},
    {BYTES("PROXY TCP6 2001:db8::7 ::1 1 0\r\n"), "[2001:db8::7]:1", "[::1]:0"},
    {BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {BYTES("PROXY UNKNOWN\r\n"), "unknown", "unknown"},
    {BYTES("PROXY UNKNOWN ffff::1 whatever  stands here\r\n"), "unknown", "unknown"},
    {BYTES(SIGNATURE "\x21\x11\x00\x0c" FOUR), "192.0.2.7:56324", "198.51.100.8:443"},
    {BYTES(SIGNATURE "\x21\x21\x00\x24" SIX_1 SIX_2 "\x00\x01\xff\xff"), "[2001:db8::7]:1",
     "[2001:db8::8]:65535"},
    /* values behind the addresses: one that nobody here knows, an empty one */
    {BYTES(SIGNATURE "\x21\x11\x00\x14" FOUR "\xe0\x00\x02xy\x04\x00\x00"), "192.0.2.7:56324",
     "198.51.100.8:443"},
    /* LOCAL, without and with addresses, and cut ones */
    {BYTES(SIGNATURE "\x20\x00\x00\x00"), "unknown", "unknown"},
    {BYTES(SIGNATURE "\x20\x11\x00\x0c" FOUR), "unknown", "unknown"},
    {BYTES(SIGNATURE "\x20\x11\x00\x03"
                     "abc"),
     "unknown", "unknown"},
    /* what is not TCP: UDP, unspecified */
    {BYTES(SIGNATURE "\x21\x12\x00\x0c" FOUR), "unknown", "unknown"},
    {BYTES(SIGNATURE "\x21\x10\x00\x0c" FOUR), "unknown", "unknown"},
    {BYTES(SIGNATURE "\x21\x00\x00\x00"), "unknown", "unknown"},
};

/* Of each beginning nothing is said yet; with bytes behind, as many as it has are taken. */
static void good_ones_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(good); i++) {
        struct gw_proxy_in in;
        char text[64];
        char more[512];
        for (size_t cut = 0; cut < good[i].len; cut++)
            assert_int_equal(parse(good[i].header, cut, &in), GW_PROXY_PARTIAL);
        memcpy(more, good[i].header, good[i].len);
        memcpy(more + good[i].len, "\r\nPROXY \x16\x03", 10);
        for (size_t behind = 0; behind <= 10; behind++) {
            assert_int_equal(parse(more, good[i].len + behind, &in), GW_PROXY_WHOLE);
            assert_int_equal(in.len, good[i].len);
        }
        print(&in.client, text, sizeof(text));
        assert_string_equal(text, good[i].client);
        print(&in.local, text, sizeof(text));
        assert_string_equal(text, good[i].local);
    }
}

static void unix_sockets_are_not_told(void **state)
{
    char header[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/socket";
    struct gw_proxy_in in;
    (void)state;
    assert_int_equal(parse(header, sizeof(header) - 1, &in), GW_PROXY_PARTIAL);
    assert_int_equal(parse(header, sizeof(header), &in), GW_PROXY_WHOLE);
    assert_int_equal(in.len, sizeof(header));
    assert_int_equal(in.client.sa.sa_family, AF_UNSPEC);
}

static const struct {
    const char *header;
    size_t len;
    const char *why;
} wrong[] = {
    {BYTES("\x16\x03\x01\x02"), "not a PROXY header"}, /* a ClientHello */
    {BYTES("GET / HTTP/1.1\r\n"), "not a PROXY header"},
    {BYTES("proxy TCP4 "), "not a PROXY header"},
    {BYTES("PROXX"), "not a PROXY header"},
    {BYTES("\r\n\r\n\0\r\nQUIT\r"), "not a PROXY header"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\n"), "CR LF"},
    {BYTES("PROXY \n"), "CR LF"},
    {BYTES("PROXY \r\n"), "malformed"},
    {BYTES("PROXY TCP5 192.0.2.7 198.51.100.8 56324 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4  192.0.2.7 198.51.100.8 56324 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443 \r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443 1\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 65536 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 056 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 -1 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 100000 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.07 198.51.100.8 1 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 ::1 ::1 1 443\r\n"), "malformed"},
    {BYTES("PROXY TCP6 192.0.2.7 ::1 1 443\r\n"), "malformed"},
    {BYTES("PROXY TCP6 fe80::1%eth0 ::1 1 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7\0 198.51.100.8 1 443\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\0\r\n"), "malformed"},
    {BYTES("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\0 junk\r\n"), "malformed"},
    {BYTES("PROXY UNKNOWN\0\r\n"), "malformed"},
    {BYTES("PROXY UNKNOWNX\r\n"), "malformed"},
    {BYTES(SIGNATURE "\x11\x11\x00\x0c"), "version or command"},
    {BYTES(SIGNATURE "\x31\x11\x00\x0c"), "version or command"},
    {BYTES(SIGNATURE "\x22\x11\x00\x0c"), "version or command"},
    {BYTES(SIGNATURE "\x21\x41\x00\x0c"), "family or protocol"},
    {BYTES(SIGNATURE "\x21\x13\x00\x0c"), "family or protocol"},
    {BYTES(SIGNATURE "\x21\x11\x0f\xf1"), "longer than 4096"},
    {BYTES(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x07\xc6\x33\x64\x08\xdc\x04\x01"), "cut off"},
    {BYTES(SIGNATURE "\x21\x11\x00\x0e" FOUR "\x04\x00"), "values are cut off"},
    {BYTES(SIGNATURE "\x21\x11\x00\x0f" FOUR "\x04\x00\x01"), "values are cut off"},
    {BYTES(SIGNATURE "\x20\x00\x00\x01\x04"), "values are cut off"},
    {BYTES(SIGNATURE "\x21\x11\x00\x12" FOUR "\x03\x00\x03"
                     "abc"),
     "checksum is malformed"},
    {BYTES(SIGNATURE "\x21\x11\x00\x13" FOUR "\x03\x00\x04\0\0\0\0"), "checksum is wrong"},
    {BYTES(SIGNATURE "\x21\x11\x00\x1a" FOUR "\x03\x00\x04\0\0\0\0\x03\x00\x04\0\0\0\0"),
     "checksum is malformed"},
};

static void wrong_ones_say_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(wrong); i++) {
        struct gw_proxy_in in;
        enum gw_proxy_verdict verdict = parse(wrong[i].header, wrong[i].len, &in);
        if (verdict != GW_PROXY_BAD || !strstr(in.why, wrong[i].why))
            fail_msg("row %zu (%s): verdict %d, %s", i, wrong[i].why, verdict,
                     in.why ? in.why : "no reason");
        assert_int_equal(in.client.sa.sa_family, AF_UNSPEC);
    }
}

/* The longest line has 107 bytes, and the longest header of version 2 that we take 4096. */
static void lengths(void **state)
{
    char line[200] = "PROXY UNKNOWN ";
    static char header[GW_PROXY_IN_MAX] = SIGNATURE "\x21\x11\x0f\xf0" FOUR "\x04\x0f\xe1";
    struct gw_proxy_in in;
    (void)state;
    memset(line + 14, 'x', sizeof(line) - 14);
    assert_int_equal(parse(line, 106, &in), GW_PROXY_PARTIAL);
    assert_int_equal(parse(line, 107, &in), GW_PROXY_BAD);
    memcpy(line + 105, "\r\n", 2);
    assert_int_equal(parse(line, 200, &in), GW_PROXY_WHOLE);
    assert_int_equal(in.len, 107);
    memcpy(line + 105, "xx\r\n", 4);
    assert_int_equal(parse(line, 200, &in), GW_PROXY_BAD);
    assert_int_equal(parse(header, sizeof(header) - 1, &in), GW_PROXY_PARTIAL);
    assert_int_equal(parse(header, sizeof(header), &in), GW_PROXY_WHOLE);
    assert_int_equal(in.len, sizeof(header));
}

/* Our own encoder's output, with all values; every bit counts for the checksum. */
static void the_checksum_is_verified(void **state)
{
    static const struct gw_proxy_tls tls = {
        .client = 1, .verify = 1, .values[GW_TLV_AUTHORITY] = {"gate.test", 9}};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = 7};
    struct gw_proxy_info info = {2, (struct sockaddr *)&any, (struct sockaddr *)&any, &tls};
    uint8_t header[128];
    struct gw_proxy_in in;
    (void)state;
    ssize_t len = gw_proxy_encode(header, sizeof(header), &info);
    assert_true(len > 0);
    assert_int_equal(parse((char *)header, (size_t)len, &in), GW_PROXY_WHOLE);
    assert_memory_equal(&in.client.v4, &any, sizeof(any));
    for (size_t at = GW_PROXY_V2_HEADER; at < (size_t)len; at++) {
        if (at >= 28 && at < 31) /* type and length of the checksum itself */
            continue;
        for (int bit = 0; bit < 8; bit++) {
            header[at] ^= (uint8_t)(1 << bit);
            assert_int_equal(parse((char *)header, (size_t)len, &in), GW_PROXY_BAD);
            header[at] ^= (uint8_t)(1 << bit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_cut_anywhere),   cmocka_unit_test(unix_sockets_are_not_told),
        cmocka_unit_test(wrong_ones_say_why),       cmocka_unit_test(lengths),
        cmocka_unit_test(the_checksum_is_verified),
    };
    return cmocka_run_group_tests_name("proxy_in", tests, NULL, NULL);
}
