/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wire/proxy.h"

#include "gateway/base/attr.h"
#include "gateway/base/bytes.h"
#include "gateway/wire/crc32c.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

enum {
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    V2_UNSPEC = 0x00,
    TLV_HEADER = 3,
    TLV_CRC32C = 0x03,
    TLV_SSL = 0x20,
    SSL_HEADER = 5, /* the client and verify fields */
    CRC_BYTES = 4,
};

static const struct {
    uint8_t type;
    bool in_tls;
} kinds[GW_TLV_COUNT] = {
#define X(id, type, in_tls) {type, in_tls},
    GW_TLVS(X)
#undef X
};

/* Both ends in one address family, ready to be written. */
struct endpoints {
    int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
    uint8_t client[16];
    uint8_t local[16];
    uint16_t client_port; /* host order */
    uint16_t local_port;
};

static bool as_v4(const struct sockaddr *sa, uint8_t out[4])
{
    if (sa->sa_family == AF_INET) {
        memcpy(out, &((const struct sockaddr_in *)sa)->sin_addr, 4);
        return true;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sa;
    if (sa->sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return false;
    memcpy(out, six->sin6_addr.s6_addr + 12, 4);
    return true;
}

static bool as_v6(const struct sockaddr *sa, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (sa->sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
        return true;
    }
    memcpy(out, mapped, sizeof(mapped));
    return as_v4(sa, out + sizeof(mapped));
}

static uint16_t port_of(const struct sockaddr *sa)
{
    return ntohs(sa->sa_family == AF_INET ? ((const struct sockaddr_in *)sa)->sin_port
                                          : ((const struct sockaddr_in6 *)sa)->sin6_port);
}

static struct endpoints endpoints_of(const struct gw_proxy_info *info)
{
    struct endpoints e = {.family = AF_UNSPEC};
    if (as_v4(info->client, e.client) && as_v4(info->local, e.local))
        e.family = AF_INET;
    else if (as_v6(info->client, e.client) && as_v6(info->local, e.local))
        e.family = AF_INET6;
    else
        return e;
    e.client_port = port_of(info->client);
    e.local_port = port_of(info->local);
    return e;
}

/* Version 1 permits only hexadecimal groups in IPv6 addresses (2.1), but inet_ntop ends some of
 * them with an IPv4 address. */
static void print_address(int family, const uint8_t *address, char out[INET6_ADDRSTRLEN])
{
    (void)inet_ntop(family, address, out, INET6_ADDRSTRLEN);
    char *tail = family == AF_INET6 && strchr(out, '.') ? strrchr(out, ':') : NULL;
    if (tail)
        (void)snprintf(tail, 11, ":%x:%x", address[12] << 8 | address[13],
                       address[14] << 8 | address[15]);
}

static ssize_t encode_v1(uint8_t *out, size_t cap, const struct endpoints *e)
{
    char client[INET6_ADDRSTRLEN];
    char local[INET6_ADDRSTRLEN];
    char line[GW_PROXY_V1_MAX + 1];
    int len;
    if (e->family == AF_UNSPEC) {
        len = snprintf(line, sizeof(line), "PROXY UNKNOWN\r\n");
    } else {
        print_address(e->family, e->client, client);
        print_address(e->family, e->local, local);
        len = snprintf(line, sizeof(line), "PROXY %s %s %s %u %u\r\n",
                       e->family == AF_INET ? "TCP4" : "TCP6", client, local, e->client_port,
                       e->local_port);
    }
    if ((size_t)len > cap)
        return -ENOSPC;
    memcpy(out, line, (size_t)len);
    return len;
}

static void write_addresses(struct gw_writer *w, const struct endpoints *e)
{
    size_t size = e->family == AF_INET ? 4 : 16;
    if (e->family == AF_UNSPEC)
        return;
    gw_write_bytes(w, e->client, size);
    gw_write_bytes(w, e->local, size);
    gw_write_be(w, e->client_port, 2);
    gw_write_be(w, e->local_port, 2);
}

/* The size of the TLVs inside, or outside, the SSL TLV. */
static size_t tlvs_size(const struct gw_proxy_tls *tls, bool in_tls)
{
    size_t sum = 0;
    for (int i = 0; i < GW_TLV_COUNT; i++)
        if (kinds[i].in_tls == in_tls && tls->values[i].len)
            sum += TLV_HEADER + tls->values[i].len;
    return sum;
}

static void write_tlv_header(struct gw_writer *w, uint8_t type, size_t len)
{
    gw_write_be(w, type, 1);
    gw_write_be(w, len, 2);
}

static void write_tlvs(struct gw_writer *w, const struct gw_proxy_tls *tls, bool in_tls)
{
    for (int i = 0; i < GW_TLV_COUNT; i++) {
        if (kinds[i].in_tls != in_tls || !tls->values[i].len)
            continue;
        write_tlv_header(w, kinds[i].type, tls->values[i].len);
        gw_write_bytes(w, tls->values[i].data, tls->values[i].len);
    }
}

/* Writes everything but the addresses. Returns the place of the checksum, which covers the whole
 * header. */
static uint8_t *write_tls(struct gw_writer *w, const struct gw_proxy_tls *tls)
{
    write_tlv_header(w, TLV_CRC32C, CRC_BYTES);
    uint8_t *crc = w->at;
    gw_write_be(w, 0, CRC_BYTES);
    write_tlvs(w, tls, false);
    write_tlv_header(w, TLV_SSL, SSL_HEADER + tlvs_size(tls, true));
    gw_write_be(w, tls->client, 1);
    gw_write_be(w, tls->verify, 4);
    write_tlvs(w, tls, true);
    return crc;
}

static size_t body_size(const struct endpoints *e, const struct gw_proxy_tls *tls)
{
    size_t size = e->family == AF_UNSPEC ? 0 : e->family == AF_INET ? 12 : 36;
    if (tls)
        size += TLV_HEADER + CRC_BYTES + tlvs_size(tls, false) + TLV_HEADER + SSL_HEADER +
                tlvs_size(tls, true);
    return size;
}

static ssize_t encode_v2(uint8_t *out, size_t cap, const struct endpoints *e,
                         const struct gw_proxy_tls *tls)
{
    static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
    struct gw_writer w = gw_writer_of(out, cap);
    bool known = e->family != AF_UNSPEC;
    size_t body = body_size(e, tls);
    if (body > GW_PROXY_V2_BODY_MAX)
        return -EMSGSIZE;
    gw_write_bytes(&w, signature, sizeof(signature));
    gw_write_be(&w, known ? V2_PROXY : V2_LOCAL, 1);
    gw_write_be(&w, !known ? V2_UNSPEC : e->family == AF_INET ? V2_TCP4 : V2_TCP6, 1);
    gw_write_be(&w, body, 2);
    write_addresses(&w, e);
    uint8_t *crc = tls ? write_tls(&w, tls) : NULL;
    if (w.failed)
        return -ENOSPC;
    size_t len = gw_writer_len(&w);
    if (crc) {
        struct gw_writer at = gw_writer_of(crc, CRC_BYTES);
        gw_write_be(&at, gw_crc32c(0, out, len), CRC_BYTES);
    }
    return (ssize_t)len;
}

ssize_t gw_proxy_room(const struct gw_proxy_info *info)
{
    struct endpoints e = endpoints_of(info);
    if (info->version == 1)
        return GW_PROXY_V1_MAX;
    size_t body = body_size(&e, info->tls);
    return body > GW_PROXY_V2_BODY_MAX ? -EMSGSIZE : (ssize_t)(GW_PROXY_V2_HEADER + body);
}

ssize_t gw_proxy_encode(uint8_t *out, size_t cap, const struct gw_proxy_info *info)
{
    struct endpoints e = endpoints_of(info);
    if (info->version == 1)
        return encode_v1(out, cap, &e);
    return info->version == 2 ? encode_v2(out, cap, &e, info->tls) : -EINVAL;
}
