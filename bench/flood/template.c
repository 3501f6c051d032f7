/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/template.h"

#include "gateway/base/bytes.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
    L3 = ETHER_HDR_LEN,
    V4_HEADER = 20,
    V6_HEADER = 40,
    TCP_HEADER = 20,
    UDP_HEADER = 8,
    TTL = 64,
    WINDOW = 64240,
    /* Offsets in headers. */
    V4_ID = 4,
    V4_SUM = 10,
    V4_SOURCE = 12,
    V4_TARGET = 16,
    V6_SOURCE = 8,
    V6_TARGET = 24,
    TCP_SEQ = 4,
    TCP_ACK = 8,
    TCP_SUM = 16,
    UDP_SUM = 6,
    V6_FRAGMENT = 44,
    V6_FRAGMENT_ID = 4,
    WRONG = 0x5aa5, /* what a wrong checksum differs by */
};

static void set(uint8_t *at, size_t width, uint64_t value)
{
    struct gw_writer w = gw_writer_of(at, width);
    gw_write_be(&w, value, width);
}

/* ---- checksums (RFC 1071) ---- */

static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
    struct gw_reader r = gw_reader_of(bytes, len);
    uint32_t sum = 0;
    while (gw_reader_left(&r) >= 2)
        sum += gw_read_u16(&r);
    return gw_reader_left(&r) ? sum + (uint32_t)gw_read_u8(&r) * 256 : sum;
}

static uint32_t sum_of_word(uint32_t word)
{
    return (word >> 16) + (word & 0xffff);
}

static uint16_t folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* ---- making it ---- */

static uint8_t *grow(struct bench_template *t, size_t len)
{
    uint8_t *at = t->bytes + t->len;
    gw_require(t->len + len <= sizeof(t->bytes));
    memset(at, 0, len);
    t->len = (uint16_t)(t->len + len);
    return at;
}

static void put(struct bench_template *t, const void *bytes, size_t len)
{
    if (len)
        memcpy(grow(t, len), bytes, len);
}

static void put_ethernet(struct bench_template *t, const struct bench_template_way *way)
{
    put(t, way->link->near.mac, ETHER_ADDR_LEN);
    put(t, way->link->far.mac, ETHER_ADDR_LEN);
    set(grow(t, 2), 2, way->v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
}

static void put_ip(struct bench_template *t, const struct bench_shape *shape,
                   const struct bench_template_way *way)
{
    uint8_t protocol = shape->udp ? IPPROTO_UDP : IPPROTO_TCP;
    uint8_t *ip = grow(t, way->v6 ? V6_HEADER : V4_HEADER);
    if (way->v6) {
        ip[0] = 0x60;
        ip[6] = shape->extension.len ? shape->next : protocol;
        ip[7] = TTL;
        memcpy(ip + V6_TARGET, way->link->near.v6, 16);
        t->fragment_id = shape->extension.len && shape->next == V6_FRAGMENT
                             ? L3 + V6_HEADER + V6_FRAGMENT_ID
                             : 0;
    } else {
        ip[0] = (uint8_t)(0x40 + (V4_HEADER + shape->extension.len) / 4);
        ip[8] = TTL;
        ip[9] = protocol;
        memcpy(ip + V4_TARGET, way->link->near.v4, 4);
    }
    put(t, shape->extension.bytes, shape->extension.len);
    t->ip_len = (uint16_t)(t->len - L3);
}

static void put_l4(struct bench_template *t, const struct bench_shape *shape, uint16_t port)
{
    size_t header = shape->udp ? UDP_HEADER : TCP_HEADER;
    t->l4 = t->len;
    uint8_t *l4 = grow(t, header);
    set(l4 + 2, 2, shape->traits & BENCH_ANY_PORT ? 0 : port);
    if (shape->udp)
        return;
    l4[12] = (uint8_t)((header + shape->options.len) / 4 * 16); /* the upper half */
    l4[13] = shape->flags;
    set(l4 + 14, 2, WINDOW);
    put(t, shape->options.bytes, shape->options.len);
}

static void put_lengths(struct bench_template *t)
{
    uint16_t packet = (uint16_t)(t->len - L3);
    if (t->v6)
        set(t->bytes + L3 + 4, 2, (uint64_t)(packet - V6_HEADER));
    else
        set(t->bytes + L3 + 2, 2, packet);
    if (t->udp && t->l4)
        set(t->bytes + t->l4 + 4, 2, (uint64_t)(t->len - t->l4));
}

static void edit(struct bench_template *t, const struct bench_shape *shape)
{
    for (unsigned i = 0; i < BENCH_SHAPE_EDITS; i++) {
        const struct bench_shape_edit *e = &shape->edits[i];
        if (e->header)
            t->bytes[(e->header == BENCH_EDIT_IP ? L3 : t->l4) + e->offset] = e->value;
    }
}

/* The target to itself. */
static void put_land(struct bench_template *t)
{
    uint8_t *ip = t->bytes + L3;
    if (t->v6)
        memcpy(ip + V6_SOURCE, ip + V6_TARGET, 16);
    else
        memcpy(ip + V4_SOURCE, ip + V4_TARGET, 4);
    memcpy(t->bytes + t->l4, t->bytes + t->l4 + 2, 2);
}

/* Source and target of what is there, and the rest of the pseudo header that checksums cover. */
static void take_sums(struct bench_template *t)
{
    const uint8_t *ip = t->bytes + L3;
    size_t l4_len = (size_t)(t->len - t->l4);
    if (!t->v6)
        t->ip_sum = sum_of(ip, t->ip_len);
    if (t->l4)
        t->l4_sum = sum_of(t->v6 ? ip + V6_SOURCE : ip + V4_SOURCE, t->v6 ? 32 : 8) +
                    (t->udp ? IPPROTO_UDP : IPPROTO_TCP) + (uint32_t)l4_len +
                    sum_of(t->bytes + t->l4, l4_len);
}

void bench_template_make(struct bench_template *ret, const struct bench_shape *shape,
                         const struct bench_template_way *way, const uint8_t *payload, size_t len)
{
    struct bench_template *t = ret;
    gw_require(shape->extension.len % 4 == 0 && shape->options.len % 4 == 0);
    *t = (struct bench_template){
        .v6 = way->v6, .udp = shape->udp, .acks = shape->flags & TH_ACK, .traits = shape->traits};
    put_ethernet(t, way);
    put_ip(t, shape, way);
    if (!(shape->traits & BENCH_BARE))
        put_l4(t, shape, way->port);
    if (shape->traits & BENCH_PAYLOAD)
        put(t, payload, len);
    t->len = (uint16_t)(t->len - shape->cut);
    put_lengths(t);
    edit(t, shape);
    if (shape->traits & BENCH_LAND)
        put_land(t);
    take_sums(t);
}

/* ---- copies ---- */

static void fill_ip(const struct bench_template *t, const struct bench_template_fill *fill,
                    uint8_t *ip)
{
    size_t len = t->v6 ? 16 : 4;
    uint8_t *source = ip + (t->v6 ? V6_SOURCE : V4_SOURCE);
    uint32_t sum = t->ip_sum + (fill->id & 0xffff);
    if (!(t->traits & BENCH_LAND)) {
        memcpy(source, fill->source, len);
        sum += sum_of(fill->source, len);
    }
    if (t->v6)
        return;
    sum = folded(sum);
    set(ip + V4_ID, 2, fill->id & 0xffff);
    set(ip + V4_SUM, 2, t->traits & BENCH_IP_SUM_WRONG ? sum ^ WRONG : sum);
}

/* A checksum of UDP that comes to be 0 is sent as its other form. */
static void set_l4_sum(const struct bench_template *t, uint8_t *at, uint32_t sum)
{
    uint16_t folded_sum = folded(t->l4_sum + sum);
    if (t->traits & BENCH_SUM_NONE)
        folded_sum = 0;
    else if (t->traits & BENCH_SUM_WRONG)
        folded_sum ^= WRONG;
    else if (t->udp && folded_sum == 0)
        folded_sum = 0xffff;
    set(at, 2, folded_sum);
}

static void fill_l4(const struct bench_template *t, const struct bench_template_fill *fill,
                    uint8_t *l4)
{
    uint32_t sum = t->traits & BENCH_LAND ? 0 : sum_of(fill->source, t->v6 ? 16 : 4);
    if (!(t->traits & (BENCH_LAND | BENCH_PORT_ZERO))) {
        set(l4, 2, fill->port);
        sum += fill->port;
    }
    if (t->traits & BENCH_ANY_PORT) {
        set(l4 + 2, 2, fill->other_port);
        sum += fill->other_port;
    }
    if (!t->udp) {
        set(l4 + TCP_SEQ, 4, fill->seq);
        sum += sum_of_word(fill->seq);
    }
    if (t->acks) {
        set(l4 + TCP_ACK, 4, fill->ack);
        sum += sum_of_word(fill->ack);
    }
    set_l4_sum(t, l4 + (t->udp ? UDP_SUM : TCP_SUM), sum);
}

/* Of a header that is cut short fields behind the end of the frame are filled in, too: out has the
 * room. */
size_t bench_template_copy(const struct bench_template *t, const struct bench_template_fill *fill,
                           uint8_t out[BENCH_FRAME_MAX])
{
    memcpy(out, t->bytes, t->len);
    fill_ip(t, fill, out + L3);
    if (t->fragment_id)
        set(out + t->fragment_id, 4, fill->id);
    if (t->l4)
        fill_l4(t, fill, out + t->l4);
    return t->len;
}
