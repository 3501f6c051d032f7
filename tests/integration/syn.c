/* SPDX-License-Identifier: Apache-2.0 */
#include "syn.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
    CUT = 8, /* bytes of TCP in a first fragment */
};

static uint32_t sum(uint32_t so_far, const void *data, size_t len)
{
    const uint8_t *at = data;
    for (size_t i = 0; i + 1 < len; i += 2)
        so_far += (uint32_t)at[i] << 8 | at[i + 1];
    return so_far;
}

static uint16_t folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static size_t address_len(const struct syn *syn)
{
    return syn->family == AF_INET ? 4 : 16;
}

static size_t put_tcp(const struct syn *syn, uint8_t *at)
{
    struct tcphdr tcp = {.source = htons(syn->from_port),
                         .dest = htons(syn->to_port),
                         .seq = htonl(syn->number),
                         .doff = sizeof(tcp) / 4,
                         .window = htons(65535)};
    ((uint8_t *)&tcp)[13] = syn->flags;
    uint32_t s = IPPROTO_TCP + sizeof(tcp);
    s = sum(s, syn->from, address_len(syn));
    s = sum(s, syn->to, address_len(syn));
    tcp.check = folded(sum(s, &tcp, sizeof(tcp)));
    memcpy(at, &tcp, sizeof(tcp));
    return sizeof(tcp);
}

static size_t put_ethernet(const struct syn *syn, uint8_t *at)
{
    struct ethhdr eth = {.h_proto = htons(syn->family == AF_INET ? ETH_P_IP : ETH_P_IPV6)};
    memcpy(eth.h_source, syn->from_mac, sizeof(eth.h_source));
    memcpy(eth.h_dest, syn->to_mac, sizeof(eth.h_dest));
    memcpy(at, &eth, sizeof(eth));
    return sizeof(eth);
}

static size_t put_v4(const struct syn *syn, uint8_t *at, size_t payload, uint16_t fragment)
{
    struct iphdr ip = {.version = 4,
                       .ihl = sizeof(ip) / 4,
                       .tot_len = htons((uint16_t)(sizeof(ip) + payload)),
                       .id = htons(syn->from_port),
                       .frag_off = htons(fragment),
                       .ttl = 64,
                       .protocol = IPPROTO_TCP};
    memcpy(&ip.saddr, syn->from, sizeof(ip.saddr));
    memcpy(&ip.daddr, syn->to, sizeof(ip.daddr));
    ip.check = folded(sum(0, &ip, sizeof(ip)));
    memcpy(at, &ip, sizeof(ip));
    return sizeof(ip);
}

static size_t put_v6(const struct syn *syn, uint8_t *at)
{
    struct ip6_hdr ip = {.ip6_flow = htonl(6U << 28)};
    ip.ip6_plen = htons(sizeof(struct tcphdr));
    ip.ip6_nxt = IPPROTO_TCP;
    ip.ip6_hlim = 64;
    memcpy(&ip.ip6_src, syn->from, sizeof(ip.ip6_src));
    memcpy(&ip.ip6_dst, syn->to, sizeof(ip.ip6_dst));
    memcpy(at, &ip, sizeof(ip));
    return sizeof(ip);
}

size_t syn_frame(const struct syn *syn, uint8_t frame[SYN_FRAME_MAX])
{
    size_t len = put_ethernet(syn, frame);
    len += syn->family == AF_INET ? put_v4(syn, frame + len, sizeof(struct tcphdr), 0)
                                  : put_v6(syn, frame + len);
    return len + put_tcp(syn, frame + len);
}

void syn_fragments(const struct syn *syn, uint8_t frame[2][SYN_FRAME_MAX], size_t len[2])
{
    uint8_t tcp[sizeof(struct tcphdr)];
    const size_t part[2] = {CUT, put_tcp(syn, tcp) - CUT};
    const uint16_t fragment[2] = {IP_MF, CUT / 8};
    for (unsigned i = 0; i < 2; i++) {
        len[i] = put_ethernet(syn, frame[i]);
        len[i] += put_v4(syn, frame[i] + len[i], part[i], fragment[i]);
        memcpy(frame[i] + len[i], tcp + (i ? CUT : 0), part[i]);
        len[i] += part[i];
    }
}
