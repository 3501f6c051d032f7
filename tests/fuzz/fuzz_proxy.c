/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY headers for any two addresses, read back by code of its own that takes nothing but what the
 * protocol's text says. Input: version, room for the header, then for client and gateway a family
 * (1 byte), a port (2) and an address (16); perhaps bits of the client (1 byte, 0x80: there are
 * TLVs), `verify` (4) and for each TLV its length (2).
 */
#include "gateway/wire/proxy.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

/* What a receiver understands: IPv4 addresses as mapped ones. */
struct understood {
    bool known;
    bool v6;
    struct in6_addr client, local;
    uint16_t client_port, local_port;
    const uint8_t *tlvs; /* after the addresses */
    size_t tlvs_len;
};

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static struct in6_addr as_mapped(const void *v4)
{
    struct in6_addr a;
    memcpy(a.s6_addr, mapped, sizeof(mapped));
    memcpy(a.s6_addr + sizeof(mapped), v4, 4);
    return a;
}

/* ---- version 1: section 2.1 ---- */

/* The next word, which ends with a blank or the end of the line; nothing else parts words. */
static char *next_word(char **at)
{
    char *word = *at;
    gw_require(word && *word && *word != ' ');
    char *blank = strchr(word, ' ');
    *at = blank ? blank + 1 : NULL;
    if (blank)
        *blank = '\0';
    return word;
}

static uint16_t read_port(const char *word)
{
    char again[8];
    unsigned long port = strtoul(word, NULL, 10);
    (void)snprintf(again, sizeof(again), "%lu", port);
    gw_require(port <= UINT16_MAX && strcmp(again, word) == 0); /* no leading zero, no sign */
    return (uint16_t)port;
}

static struct in6_addr read_host(const char *word, bool v6)
{
    struct in6_addr a;
    struct in_addr four;
    if (v6) {
        gw_require(strspn(word, "0123456789abcdef:") == strlen(word));
        gw_require(inet_pton(AF_INET6, word, &a) == 1);
        return a;
    }
    gw_require(inet_pton(AF_INET, word, &four) == 1);
    return as_mapped(&four);
}

static struct understood read_v1(const uint8_t *header, size_t len)
{
    struct understood u = {.known = true};
    char line[GW_PROXY_V1_MAX + 1];
    gw_require(len >= 8 && len <= GW_PROXY_V1_MAX && memcmp(header + len - 2, "\r\n", 2) == 0);
    memcpy(line, header, len - 2);
    line[len - 2] = '\0';
    gw_require(strlen(line) == len - 2);
    char *at = line;
    gw_require(strcmp(next_word(&at), "PROXY") == 0);
    const char *family = next_word(&at);
    if (strcmp(family, "UNKNOWN") == 0) {
        gw_require(!at);
        return (struct understood){.known = false};
    }
    u.v6 = strcmp(family, "TCP6") == 0;
    gw_require(u.v6 || strcmp(family, "TCP4") == 0);
    u.client = read_host(next_word(&at), u.v6);
    u.local = read_host(next_word(&at), u.v6);
    u.client_port = read_port(next_word(&at));
    u.local_port = read_port(next_word(&at));
    gw_require(!at);
    return u;
}

/* ---- version 2: section 2.2 ---- */

static struct in6_addr take_host(const uint8_t **at, bool v6)
{
    struct in6_addr a = v6 ? (struct in6_addr){{{0}}} : as_mapped(*at);
    if (v6)
        memcpy(a.s6_addr, *at, 16);
    *at += v6 ? 16 : 4;
    return a;
}

static struct understood read_v2(const uint8_t *header, size_t len)
{
    static const uint8_t signature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                        0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
    struct understood u = {.known = true, .v6 = len > 13 && header[13] == 0x21};
    gw_require(len >= GW_PROXY_V2_HEADER && memcmp(header, signature, sizeof(signature)) == 0);
    gw_require((size_t)(header[14] << 8 | header[15]) == len - GW_PROXY_V2_HEADER);
    const uint8_t *at = header + GW_PROXY_V2_HEADER;
    size_t addresses = header[12] == 0x20 ? 0 : u.v6 ? 36 : 12;
    gw_require(len >= GW_PROXY_V2_HEADER + addresses);
    u.tlvs = at + addresses;
    u.tlvs_len = len - GW_PROXY_V2_HEADER - addresses;
    if (header[12] == 0x20) {
        gw_require(header[13] == 0);
        u.known = false;
        return u;
    }
    gw_require(header[12] == 0x21 && (u.v6 || header[13] == 0x11));
    u.client = take_host(&at, u.v6);
    u.local = take_host(&at, u.v6);
    u.client_port = (uint16_t)(at[0] << 8 | at[1]);
    u.local_port = (uint16_t)(at[2] << 8 | at[3]);
    return u;
}

/* Bit by bit, as the polynomial says (RFC 3720 12.1), with the checksum itself taken for zero. */
static uint32_t crc_of(const uint8_t *header, size_t len, size_t crc_at)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= i - crc_at < 4 ? 0 : header[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* The TLVs of one level must be these, in this order: rows of type and value. */
struct tlv {
    uint8_t type;
    struct gw_tlv_value value;
};

static void check_tlvs(const uint8_t *at, const uint8_t *end, const struct tlv *want, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = want[i].value.len;
        if (len == 0)
            continue;
        gw_require((size_t)(end - at) >= 3 + len && at[0] == want[i].type);
        gw_require((size_t)(at[1] << 8 | at[2]) == len);
        gw_require(!want[i].value.data || memcmp(at + 3, want[i].value.data, len) == 0);
        at += 3 + len;
    }
    gw_require(at == end);
}

static void check_ssl(const uint8_t *ssl, size_t len, const struct gw_proxy_tls *tls)
{
    const struct tlv want[] = {
        {0x21, tls->values[GW_TLV_VERSION]},    {0x22, tls->values[GW_TLV_CN]},
        {0x23, tls->values[GW_TLV_CIPHER]},     {0x24, tls->values[GW_TLV_SIG_ALG]},
        {0x25, tls->values[GW_TLV_KEY_ALG]},    {0x26, tls->values[GW_TLV_GROUP]},
        {0x27, tls->values[GW_TLV_SIG_SCHEME]}, {0x28, tls->values[GW_TLV_CLIENT_CERT]},
    };
    gw_require(len >= 5 && ssl[0] == tls->client);
    uint32_t verify =
        (uint32_t)ssl[1] << 24 | (uint32_t)ssl[2] << 16 | (uint32_t)ssl[3] << 8 | ssl[4];
    gw_require(verify == tls->verify);
    check_tlvs(ssl + 5, ssl + len, want, GW_ARRAY_SIZE(want));
}

static void check_tls(const uint8_t *header, size_t len, const struct understood *u,
                      const struct gw_proxy_tls *tls)
{
    size_t ssl_len = 5;
    for (int i = GW_TLV_VERSION; i <= GW_TLV_CLIENT_CERT; i++)
        ssl_len += tls->values[i].len ? 3 + tls->values[i].len : 0;
    const struct tlv want[] = {
        {0x03, {NULL, 4}},
        {0x01, tls->values[GW_TLV_ALPN]},
        {0x02, tls->values[GW_TLV_AUTHORITY]},
        {0x05, tls->values[GW_TLV_UNIQUE_ID]},
        {0x20, {NULL, ssl_len}},
    };
    const uint8_t *crc = u->tlvs + 3;
    check_tlvs(u->tlvs, u->tlvs + u->tlvs_len, want, GW_ARRAY_SIZE(want));
    check_ssl(header + len - ssl_len, ssl_len, tls);
    gw_require(((uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3]) ==
               crc_of(header, len, (size_t)(crc - header)));
}

/* ---- what it must be ---- */

static struct sockaddr_storage read_sockaddr(struct gw_reader *r)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&ss;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&ss;
    uint8_t family = gw_read_u8(r) % 5;
    uint16_t port = gw_read_u16(r);
    uint8_t address[16] = {0};
    const uint8_t *from = gw_read_span(r, sizeof(address));
    if (from)
        memcpy(address, from, sizeof(address));
    ss.ss_family = family == 0 ? AF_INET : family == 4 ? AF_UNIX : AF_INET6;
    if (family == 0) {
        four->sin_port = port;
        memcpy(&four->sin_addr, address, 4);
    } else if (family < 4) {
        six->sin6_port = port;
        if (family == 2)
            memcpy(address, mapped, sizeof(mapped));
        if (family == 3) /* what inet_ntop prints with dots, too */
            memset(address, 0, sizeof(mapped));
        memcpy(&six->sin6_addr, address, sizeof(address));
    }
    return ss;
}

static bool expected(const struct sockaddr_storage *ss, struct in6_addr *ret, uint16_t *ret_port)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)ss;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)ss;
    *ret = ss->ss_family == AF_INET ? as_mapped(&four->sin_addr) : six->sin6_addr;
    *ret_port = ntohs(ss->ss_family == AF_INET ? four->sin_port : six->sin6_port);
    return ss->ss_family != AF_UNIX;
}

static void check(const struct understood *u, const struct sockaddr_storage *client,
                  const struct sockaddr_storage *local)
{
    struct understood want = {.known = false};
    bool known = expected(client, &want.client, &want.client_port);
    known = expected(local, &want.local, &want.local_port) && known;
    gw_require(u->known == known);
    if (!known)
        return;
    gw_require(memcmp(&u->client, &want.client, sizeof(want.client)) == 0);
    gw_require(memcmp(&u->local, &want.local, sizeof(want.local)) == 0);
    gw_require(u->client_port == want.client_port && u->local_port == want.local_port);
    bool four = IN6_IS_ADDR_V4MAPPED(&want.client) && IN6_IS_ADDR_V4MAPPED(&want.local);
    gw_require(u->v6 == !four);
}

/* False: there are none. */
static bool read_tls(struct gw_reader *r, struct gw_proxy_tls *ret)
{
    static const uint8_t text[UINT16_MAX] = "any bytes";
    uint8_t bits = gw_read_u8(r);
    *ret = (struct gw_proxy_tls){.client = bits & 7, .verify = gw_read_u32(r)};
    for (int i = 0; i < GW_TLV_COUNT; i++)
        ret->values[i] = (struct gw_tlv_value){text + i, GW_MIN(gw_read_u16(r), UINT16_MAX - i)};
    return bits & 0x80;
}

static void check_result(const struct gw_proxy_info *info, size_t cap, const uint8_t *header,
                         ssize_t len)
{
    ssize_t room = gw_proxy_room(info);
    if (len == -EMSGSIZE) {
        gw_require(info->tls && info->version == 2 && room == -EMSGSIZE);
    } else if (len < 0) {
        gw_require(len == -ENOSPC && cap < (size_t)room);
    } else {
        gw_require((size_t)len <= cap && len <= room && (info->version == 1 || len == room));
        struct understood u = (info->version == 1 ? read_v1 : read_v2)(header, (size_t)len);
        check(&u, (const struct sockaddr_storage *)info->client,
              (const struct sockaddr_storage *)info->local);
        if (info->tls && info->version == 2)
            check_tls(header, (size_t)len, &u, info->tls);
        else
            gw_require(u.tlvs_len == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    int version = gw_read_u8(&r) % 4;
    size_t cap = gw_read_u8(&r);
    struct sockaddr_storage client = read_sockaddr(&r), local = read_sockaddr(&r);
    struct gw_proxy_tls tls;
    bool has_tls = read_tls(&r, &tls);
    struct gw_proxy_info info = {version, (const struct sockaddr *)&client,
                                 (const struct sockaddr *)&local, has_tls ? &tls : NULL};
    if (has_tls && cap & 1)
        cap = GW_PROXY_V2_HEADER + GW_PROXY_V2_BODY_MAX;
    uint8_t *header = malloc(cap ? cap : 1);
    gw_require(header);
    ssize_t len = gw_proxy_encode(header, cap, &info);
    if (version < 1 || version > 2)
        gw_require(len == -EINVAL);
    else
        check_result(&info, cap, header, len);
    free(header);
    return 0;
}
