/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/wire/proxy: the header byte by byte (HAProxy's doc/proxy-protocol.txt 2.1, 2.2). */
#include "gateway/wire/proxy.h"

#include "gateway/base/attr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff"
#define V6(last) "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" last

static const struct row {
    const char *client; /* NULL: a unix socket */
    const char *local;
    uint16_t client_port;
    uint16_t local_port;
    const char *v1;
    const char *v2; /* behind the signature */
    size_t v2_len;
} rows[] = {
    {"192.168.0.1", "192.168.0.11", 56324, 443, "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
     "\x21\x11\x00\x0c"
     "\xc0\xa8\x00\x01\xc0\xa8\x00\x0b\xdc\x04\x01\xbb",
     16},
    {"255.255.255.255", "0.0.0.0", 65535, 1, "PROXY TCP4 255.255.255.255 0.0.0.0 65535 1\r\n",
     "\x21\x11\x00\x0c"
     "\xff\xff\xff\xff\0\0\0\0\xff\xff\x00\x01",
     16},
    {"2001:db8::1", "2001:db8::2", 1024, 8443, "PROXY TCP6 2001:db8::1 2001:db8::2 1024 8443\r\n",
     "\x21\x21\x00\x24" V6("\x01") V6("\x02") "\x04\x00\x20\xfb", 40},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff2", 65535,
     65535,
     "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 "
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff2 65535 65535\r\n",
     "\x21\x21\x00\x24"
     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf1"
     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf2"
     "\xff\xff\xff\xff",
     40},
    /* a dual-stack listener: both are IPv4 */
    {"::ffff:192.0.2.7", "::ffff:192.0.2.8", 1, 2, "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n",
     "\x21\x11\x00\x0c"
     "\xc0\x00\x02\x07\xc0\x00\x02\x08\x00\x01\x00\x02",
     16},
    {"192.0.2.7", "::ffff:192.0.2.8", 1, 2, "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n",
     "\x21\x11\x00\x0c"
     "\xc0\x00\x02\x07\xc0\x00\x02\x08\x00\x01\x00\x02",
     16},
    /* of two families: IPv6, whose text form in version 1 has no dots */
    {"192.0.2.7", "2001:db8::2", 1, 2, "PROXY TCP6 ::ffff:c000:207 2001:db8::2 1 2\r\n",
     "\x21\x21\x00\x24" MAPPED "\xc0\x00\x02\x07" V6("\x02") "\x00\x01\x00\x02", 40},
    {"2001:db8::1", "0.0.0.9", 1, 2, "PROXY TCP6 2001:db8::1 ::ffff:0:9 1 2\r\n",
     "\x21\x21\x00\x24" V6("\x01") MAPPED "\0\0\0\x09\x00\x01\x00\x02", 40},
    {"::1.2.3.4", "::1", 1, 2, "PROXY TCP6 ::102:304 ::1 1 2\r\n",
     "\x21\x21\x00\x24\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x03\x04"
     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01\x00\x02",
     40},
    {NULL, NULL, 0, 0, "PROXY UNKNOWN\r\n", "\x20\x00\x00\x00", 4},
    {NULL, "192.0.2.7", 0, 1, "PROXY UNKNOWN\r\n", "\x20\x00\x00\x00", 4},
    {"192.0.2.7", NULL, 1, 0, "PROXY UNKNOWN\r\n", "\x20\x00\x00\x00", 4},
};

static struct sockaddr_storage make(const char *host, uint16_t port)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    struct sockaddr_in *sin = (struct sockaddr_in *)&sa;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&sa;
    if (!host)
        return sa;
    sin->sin_port = htons(port); /* at the same place in both */
    sa.ss_family = strchr(host, ':') ? AF_INET6 : AF_INET;
    void *address = sa.ss_family == AF_INET ? (void *)&sin->sin_addr : (void *)&six->sin6_addr;
    assert_int_equal(inet_pton(sa.ss_family, host, address), 1);
    return sa;
}

static ssize_t encode(const struct row *row, int version, uint8_t *out, size_t cap)
{
    struct sockaddr_storage client = make(row->client, row->client_port);
    struct sockaddr_storage local = make(row->local, row->local_port);
    struct gw_proxy_info info = {
        .version = version,
        .client = (const struct sockaddr *)&client,
        .local = (const struct sockaddr *)&local,
    };
    return gw_proxy_encode(out, cap, &info);
}

static void version_1_to_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char out[GW_PROXY_V1_MAX + 1] = {0};
        ssize_t len = encode(&rows[i], 1, (uint8_t *)out, GW_PROXY_V1_MAX);
        assert_string_equal(out, rows[i].v1);
        assert_int_equal(len, strlen(rows[i].v1));
    }
}

static void version_2_to_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        uint8_t out[64];
        ssize_t len = encode(&rows[i], 2, out, sizeof(out));
        assert_int_equal(len, 12 + rows[i].v2_len);
        assert_memory_equal(out, SIGNATURE, 12);
        assert_memory_equal(out + 12, rows[i].v2, rows[i].v2_len);
    }
}

/* Too little room: an error, and no byte behind the room is touched. */
static void room_is_kept_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        for (int version = 1; version <= 2; version++) {
            uint8_t out[128];
            ssize_t need = encode(&rows[i], version, out, sizeof(out));
            for (size_t cap = 0; cap <= (size_t)need; cap++) {
                memset(out, 0xee, sizeof(out));
                ssize_t got = encode(&rows[i], version, out, cap);
                assert_int_equal(got, cap < (size_t)need ? -ENOSPC : need);
                assert_int_equal(out[cap], 0xee);
            }
        }
    }
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    uint8_t out[64];
    static const int versions[] = {-1, 0, 3, 256};
    for (size_t i = 0; i < GW_ARRAY_SIZE(versions); i++)
        assert_int_equal(encode(&rows[0], versions[i], out, sizeof(out)), -EINVAL);
}

/* ---- TLVs (2.2) ---- */

#define VALUE(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static const struct gw_proxy_tls told = {
    .client = GW_PROXY_CLIENT_SSL | GW_PROXY_CLIENT_CERT_CONN | GW_PROXY_CLIENT_CERT_SESS,
    .verify = 0,
    .values =
        {
            [GW_TLV_ALPN] = VALUE("h2"),
            [GW_TLV_AUTHORITY] = VALUE("gate.test"),
            [GW_TLV_UNIQUE_ID] = VALUE("7-1"),
            [GW_TLV_VERSION] = VALUE("TLSv1.3"),
            [GW_TLV_CN] = VALUE("alice"),
            [GW_TLV_CIPHER] = VALUE("C"),
            [GW_TLV_SIG_ALG] = VALUE("S"),
            [GW_TLV_KEY_ALG] = VALUE("K"),
            [GW_TLV_GROUP] = VALUE("G"),
            [GW_TLV_SIG_SCHEME] = VALUE("M"),
            [GW_TLV_CLIENT_CERT] = VALUE("\x30\x00"),
        },
};

static ssize_t encode_told(const struct gw_proxy_tls *tls, const struct row *row, uint8_t *out,
                           size_t cap)
{
    struct sockaddr_storage client = make(row->client, row->client_port);
    struct sockaddr_storage local = make(row->local, row->local_port);
    struct gw_proxy_info info = {
        .version = 2,
        .client = (const struct sockaddr *)&client,
        .local = (const struct sockaddr *)&local,
        .tls = tls,
    };
    ssize_t len = gw_proxy_encode(out, cap, &info);
    if (len >= 0 || len == -EMSGSIZE)
        assert_int_equal(gw_proxy_room(&info), len);
    return len;
}

/* The checksum was computed by other means (Python, bit by bit). */
static void all_that_is_told_to_the_byte(void **state)
{
    static const uint8_t want[] = SIGNATURE "\x21\x11\x00\x5d"
                                            "\xc0\xa8\x00\x01\xc0\xa8\x00\x0b\xdc\x04\x01\xbb"
                                            "\x03\x00\x04"
                                            "\x30\x71\x39\x20"
                                            "\x01\x00\x02h2"
                                            "\x02\x00\x09gate.test"
                                            "\x05\x00\x03\x37-1"
                                            "\x20\x00\x30\x07\x00\x00\x00\x00"
                                            "\x21\x00\x07TLSv1.3"
                                            "\x22\x00\x05"
                                            "alice"
                                            "\x23\x00\x01\x43"
                                            "\x24\x00\x01S"
                                            "\x25\x00\x01K"
                                            "\x26\x00\x01G"
                                            "\x27\x00\x01M"
                                            "\x28\x00\x02\x30\x00";
    uint8_t out[512];
    (void)state;
    ssize_t len = encode_told(&told, &rows[0], out, sizeof(out));
    assert_int_equal(len, sizeof(want) - 1);
    assert_memory_equal(out, want, sizeof(want) - 1);
}

static void nothing_known_is_nothing_told(void **state)
{
    static const uint8_t want[] = SIGNATURE "\x20\x00\x00\x0f\x03\x00\x04"
                                            "\x42\xe7\x4d\x70"
                                            "\x20\x00\x05\x01\x00\x00\x00\x01";
    static const struct gw_proxy_tls none = {.client = GW_PROXY_CLIENT_SSL, .verify = 1};
    static const struct row unix_socket = {.client = NULL};
    uint8_t out[64];
    (void)state;
    ssize_t len = encode_told(&none, &unix_socket, out, sizeof(out));
    assert_int_equal(len, sizeof(want) - 1);
    assert_memory_equal(out, want, sizeof(want) - 1);
}

static void room_for_tlvs_is_kept_to(void **state)
{
    uint8_t out[512];
    (void)state;
    ssize_t need = encode_told(&told, &rows[0], out, sizeof(out));
    for (size_t cap = 0; cap <= (size_t)need; cap++) {
        memset(out, 0xee, sizeof(out));
        assert_int_equal(encode_told(&told, &rows[0], out, cap),
                         cap < (size_t)need ? -ENOSPC : need);
        assert_int_equal(out[cap], 0xee);
    }
}

/* 65535 bytes after the first 16; one more byte does not fit, however much room there is. */
static void the_largest_header(void **state)
{
    static const uint8_t cert[UINT16_MAX + 1];
    static uint8_t out[GW_PROXY_V2_HEADER + GW_PROXY_V2_BODY_MAX + 64];
    struct gw_proxy_tls tls = told;
    (void)state;
    size_t others = (size_t)encode_told(&told, &rows[0], out, sizeof(out)) - GW_PROXY_V2_HEADER - 2;
    tls.values[GW_TLV_CLIENT_CERT] = (struct gw_tlv_value){cert, GW_PROXY_V2_BODY_MAX - others};
    assert_int_equal(encode_told(&tls, &rows[0], out, sizeof(out)),
                     GW_PROXY_V2_HEADER + GW_PROXY_V2_BODY_MAX);
    assert_int_equal(out[14] << 8 | out[15], GW_PROXY_V2_BODY_MAX);
    tls.values[GW_TLV_CLIENT_CERT].len++;
    assert_int_equal(encode_told(&tls, &rows[0], out, sizeof(out)), -EMSGSIZE);
    tls.values[GW_TLV_CLIENT_CERT].len = sizeof(cert);
    assert_int_equal(encode_told(&tls, &rows[0], out, sizeof(out)), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_to_the_byte),
        cmocka_unit_test(version_2_to_the_byte),
        cmocka_unit_test(room_is_kept_to),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(all_that_is_told_to_the_byte),
        cmocka_unit_test(nothing_known_is_nothing_told),
        cmocka_unit_test(room_for_tlvs_is_kept_to),
        cmocka_unit_test(the_largest_header),
    };
    return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
