/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/packet.h"

#include "bench/flood/payload.h"
#include "gateway/base/bytes.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

enum {
    SHAPES_MAX = 64,
    PORT_FIRST = 1024,
    SYN_ACK = TH_SYN | TH_ACK,
};

struct bench_packets {
    const struct bench_arena_link *link;
    uint16_t port;
    bool answers;
    struct bench_random random;
    uint64_t secret;
    size_t address_len;
    uint8_t same[16], varies[16]; /* bits of a source that do, or do not */
    struct bench_template shapes[SHAPES_MAX], sayings[BENCH_SAYINGS_MAX];
    unsigned shape_count, shape, saying_count, saying;
};

/* ---- making it ---- */

static void set_sources(struct bench_packets *p, const struct gw_net *net)
{
    p->address_len = net->len;
    for (unsigned i = 0; i < net->len; i++) {
        int bits = GW_MIN(GW_MAX((int)net->bits - 8 * (int)i, 0), 8);
        p->varies[i] = (uint8_t)(0xff >> bits);
        p->same[i] = net->bytes[i] & (uint8_t)~p->varies[i];
    }
}

static void make_shapes(struct bench_packets *p, const struct bench_flood *flood,
                        const struct bench_template_way *way)
{
    uint8_t payload[BENCH_FLOOD_SIZE_MAX];
    for (unsigned i = 0; i < bench_shapes_count; i++) {
        const struct bench_shape *shape = &bench_shapes[i];
        if ((int)shape->kind != flood->kind || !(shape->families & (way->v6 ? BENCH_V6 : BENCH_V4)))
            continue;
        gw_require(p->shape_count < SHAPES_MAX);
        bench_random_fill(&p->random, payload, flood->size);
        bench_template_make(&p->shapes[p->shape_count++], shape, way, payload, flood->size);
    }
}

/* What completes a handshake brings the first bytes with it. */
static void make_sayings(struct bench_packets *p, const struct bench_flood *flood,
                         const struct bench_template_way *way)
{
    static const struct bench_shape shape = {.flags = TH_ACK | TH_PUSH, .traits = BENCH_PAYLOAD};
    uint8_t payload[BENCH_FLOOD_SIZE_MAX];
    size_t len;
    while (bench_payload_say((enum bench_flood_kind)flood->kind, p->saying_count, flood->size,
                             &p->random, payload, sizeof(payload), &len))
        bench_template_make(&p->sayings[p->saying_count++], &shape, way, payload, len);
}

struct bench_packets *bench_packets_new(const struct bench_flood *flood,
                                        const struct bench_arena_link *link)
{
    const struct bench_template_way way = {
        .link = link, .v6 = flood->sources.len == 16, .port = flood->port};
    struct bench_packets *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    gw_require(!bench_flood_check(flood, NULL));
    p->link = link;
    p->port = flood->port;
    p->answers = bench_flood_kind_answers((enum bench_flood_kind)flood->kind);
    p->random.state = flood->seed;
    p->secret = bench_random_next(&p->random);
    set_sources(p, &flood->sources);
    make_shapes(p, flood, &way);
    if (p->answers)
        make_sayings(p, flood, &way);
    return p;
}

void bench_packets_free(struct bench_packets *packets)
{
    free(packets);
}

/* ---- the next one ---- */

/* Of a connection, as it follows from where it comes from. */
static uint32_t first_seq(const struct bench_packets *p, const uint8_t source[16], uint16_t port)
{
    uint64_t words[2] = {0};
    memcpy(words, source, p->address_len);
    return (uint32_t)bench_random_mix(
        bench_random_mix(bench_random_mix(p->secret ^ words[0]) ^ words[1]) ^ port);
}

static struct bench_template_fill next_fill(struct bench_packets *p)
{
    uint64_t draws[4];
    struct bench_template_fill fill;
    for (unsigned i = 0; i < GW_ARRAY_SIZE(draws); i++)
        draws[i] = bench_random_next(&p->random);
    memcpy(fill.source, draws, sizeof(fill.source));
    for (size_t i = 0; i < p->address_len; i++)
        fill.source[i] = p->same[i] | (fill.source[i] & p->varies[i]);
    fill.port = (uint16_t)(PORT_FIRST + (draws[2] & 0xffff) % (UINT16_MAX + 1 - PORT_FIRST));
    fill.other_port = (uint16_t)(draws[2] >> 16);
    fill.id = (uint32_t)(draws[2] >> 32);
    fill.seq = p->answers ? first_seq(p, fill.source, fill.port) : (uint32_t)draws[3];
    fill.ack = (uint32_t)(draws[3] >> 32);
    return fill;
}

/* The last look at what is about to leave. Of malformed frames, too, addresses have their place. */
static size_t passed(const struct bench_packets *p, const uint8_t *frame, size_t len)
{
    const uint8_t *source = frame + ETHER_HDR_LEN + (p->address_len == 4 ? 12 : 8);
    gw_require(bench_flood_may_use(source, p->address_len) &&
               bench_flood_may_use(source + p->address_len, p->address_len));
    return len;
}

size_t bench_packets_next(struct bench_packets *packets, uint8_t out[BENCH_FRAME_MAX])
{
    struct bench_packets *p = packets;
    const struct bench_template_fill fill = next_fill(p);
    const struct bench_template *shape = &p->shapes[p->shape++];
    if (p->shape == p->shape_count)
        p->shape = 0;
    return passed(p, out, bench_template_copy(shape, &fill, out));
}

/* ---- answers ---- */

struct segment {
    const uint8_t *from, *to; /* addresses */
    uint16_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
};

static bool read_v4(struct gw_reader *r, struct segment *ret)
{
    uint8_t first = gw_read_u8(r);
    (void)gw_read_span(r, 5);
    uint16_t fragment = gw_read_u16(r) & 0x3fff;
    (void)gw_read_u8(r);
    uint8_t protocol = gw_read_u8(r);
    (void)gw_read_u16(r);
    ret->from = gw_read_span(r, 4);
    ret->to = gw_read_span(r, 4);
    return first == 0x45 && !fragment && protocol == IPPROTO_TCP;
}

static bool read_v6(struct gw_reader *r, struct segment *ret)
{
    uint8_t first = gw_read_u8(r);
    (void)gw_read_span(r, 5);
    uint8_t next = gw_read_u8(r);
    (void)gw_read_u8(r);
    ret->from = gw_read_span(r, 16);
    ret->to = gw_read_span(r, 16);
    return first >> 4 == 6 && next == IPPROTO_TCP;
}

static bool read_segment(const struct bench_packets *p, const uint8_t *frame, size_t len,
                         struct segment *ret)
{
    bool v6 = p->address_len == 16;
    struct gw_reader r = gw_reader_of(frame, len);
    (void)gw_read_span(&r, (size_t)2 * ETHER_ADDR_LEN);
    bool known = gw_read_u16(&r) == (v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP) &&
                 (v6 ? read_v6(&r, ret) : read_v4(&r, ret));
    ret->from_port = gw_read_u16(&r);
    ret->to_port = gw_read_u16(&r);
    ret->seq = gw_read_u32(&r);
    ret->ack = gw_read_u32(&r);
    (void)gw_read_u8(&r);
    ret->flags = gw_read_u8(&r);
    return known && !r.failed && ret->from && ret->to;
}

static bool is_source(const struct bench_packets *p, const uint8_t *address)
{
    for (size_t i = 0; i < p->address_len; i++)
        if ((address[i] & (uint8_t)~p->varies[i]) != p->same[i])
            return false;
    return true;
}

size_t bench_packets_answer(struct bench_packets *packets, const uint8_t *frame, size_t len,
                            uint8_t out[BENCH_FRAME_MAX])
{
    struct bench_packets *p = packets;
    const struct bench_arena_end *target = &p->link->near;
    struct segment s = {.from = NULL};
    if (!p->answers || !read_segment(p, frame, len, &s) || s.flags != SYN_ACK ||
        s.from_port != p->port || !is_source(p, s.to) ||
        memcmp(s.from, p->address_len == 4 ? target->v4 : target->v6, p->address_len) != 0)
        return 0;
    struct bench_template_fill fill = {.port = s.to_port, .seq = s.ack, .ack = s.seq + 1};
    memcpy(fill.source, s.to, p->address_len);
    if (s.ack != first_seq(p, fill.source, fill.port) + 1)
        return 0;
    const struct bench_template *saying = &p->sayings[p->saying++];
    if (p->saying == p->saying_count)
        p->saying = 0;
    return passed(p, out, bench_template_copy(saying, &fill, out));
}
