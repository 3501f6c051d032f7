/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY headers that come. Input: one byte that says what, then
 *   0  any bytes: the verdict does not depend on how they are cut, nor on what follows
 *   1  a version, a family (0: IPv4, 1: IPv6, 2: none), two ports and addresses, lengths of values:
 *      what gateway/wire/proxy builds of them is read back as it was
 */
#include "gateway/wire/proxy.h"
#include "gateway/wire/proxy_in.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

/* Cut to any length the answer is the same, or that more is to come; never otherwise. */
static void check_cuts(const uint8_t *data, size_t len)
{
    struct gw_proxy_in in, part;
    enum gw_proxy_verdict verdict = gw_proxy_parse(data, len, &in);
    gw_require(verdict != GW_PROXY_PARTIAL || len < GW_PROXY_IN_MAX);
    gw_require(verdict != GW_PROXY_BAD || (in.why && *in.why && !in.client.sa.sa_family));
    gw_require(verdict != GW_PROXY_WHOLE || (in.len > 0 && in.len <= GW_MIN(len, GW_PROXY_IN_MAX)));
    gw_require(verdict != GW_PROXY_WHOLE || !in.client.sa.sa_family == !in.local.sa.sa_family);
    for (size_t cut = 0; cut < len; cut++) {
        enum gw_proxy_verdict earlier = gw_proxy_parse(data, cut, &part);
        if (verdict == GW_PROXY_WHOLE && cut >= in.len) {
            gw_require(earlier == GW_PROXY_WHOLE && memcmp(&in, &part, sizeof(in)) == 0);
            return;
        }
        gw_require(earlier == GW_PROXY_PARTIAL || (earlier == GW_PROXY_BAD && earlier == verdict));
    }
}

static void read_end(struct gw_reader *r, int family, struct sockaddr_storage *ret)
{
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
    size_t size = family == AF_INET ? 4 : 16;
    *ret = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    four->sin_port = gw_read_u16(r);
    const uint8_t *address = gw_read_span(r, size);
    if (address)
        memcpy(family == AF_INET ? (void *)&four->sin_addr : (void *)&six->sin6_addr, address,
               size);
}

static bool same(const union gw_proxy_end *end, const struct sockaddr_storage *want)
{
    if (end->sa.sa_family != want->ss_family)
        return false;
    return memcmp(end, want,
                  want->ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                             : sizeof(struct sockaddr_in6)) == 0;
}

static void check_round_trip(struct gw_reader *r)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    static const uint8_t text[GW_PROXY_IN_MAX] = "any bytes";
    struct gw_proxy_tls tls = {.client = 1};
    struct sockaddr_storage client, local;
    struct gw_proxy_in in;
    static uint8_t out[GW_PROXY_V2_HEADER + GW_PROXY_V2_BODY_MAX];
    int version = 1 + gw_read_u8(r) % 2;
    int family = families[gw_read_u8(r) % GW_ARRAY_SIZE(families)];
    read_end(r, family, &client);
    read_end(r, family, &local);
    bool has_tls = gw_reader_left(r) > 0;
    for (int i = 0; i < GW_TLV_COUNT; i++)
        tls.values[i] = (struct gw_tlv_value){text, gw_read_u16(r) % sizeof(text)};
    struct gw_proxy_info info = {version, (struct sockaddr *)&client, (struct sockaddr *)&local,
                                 has_tls ? &tls : NULL};
    ssize_t len = gw_proxy_encode(out, sizeof(out), &info);
    gw_require(len > 0);
    enum gw_proxy_verdict verdict = gw_proxy_parse(out, (size_t)len, &in);
    if (len > GW_PROXY_IN_MAX) {
        gw_require(verdict == GW_PROXY_BAD);
        return;
    }
    gw_require(verdict == GW_PROXY_WHOLE && in.len == (size_t)len);
    bool mapped = family == AF_INET6 &&
                  IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&client)->sin6_addr) &&
                  IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&local)->sin6_addr);
    if (family == AF_UNIX)
        gw_require(in.client.sa.sa_family == AF_UNSPEC);
    else if (mapped) /* reported as IPv4 */
        gw_require(in.client.sa.sa_family == AF_INET && in.local.sa.sa_family == AF_INET);
    else
        gw_require(same(&in.client, &client) && same(&in.local, &local));
    check_cuts(out, (size_t)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    if (gw_read_u8(&r) % 2) {
        check_round_trip(&r);
        return 0;
    }
    size_t len;
    uint8_t *bytes = input_bytes(&r, GW_PROXY_IN_MAX + 64, &len);
    check_cuts(bytes, len);
    free(bytes);
    return 0;
}
