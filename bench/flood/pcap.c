/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/pcap.h"

#include "bench/flood/packet.h"
#include "gateway/base/bytes.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define MAGIC UINT32_C(0xa1b2c3d4) /* microseconds, in the byte order that follows */

enum {
    HEADER = 24,
    PACKET_HEADER = 16,
    ETHERNET = 1, /* LINKTYPE_ETHERNET */
    US_PER_SEC = 1000000,
};

struct pcap {
    FILE *file;
    const struct bench_flood *flood;
    uint64_t packets;
};

static void put_header(FILE *file)
{
    uint8_t bytes[HEADER];
    struct gw_writer w = gw_writer_of(bytes, sizeof(bytes));
    gw_write_be(&w, MAGIC, 4);
    gw_write_be(&w, 2, 2); /* version 2.4 */
    gw_write_be(&w, 4, 2);
    gw_write_be(&w, 0, 8); /* times are UTC */
    gw_write_be(&w, UINT16_MAX, 4);
    gw_write_be(&w, ETHERNET, 4);
    (void)fwrite(bytes, 1, sizeof(bytes), file);
}

/* The n-th of the flood's own. */
static void put_packet(struct pcap *p, uint64_t n, const uint8_t *frame, size_t len)
{
    uint8_t bytes[PACKET_HEADER];
    struct gw_writer w = gw_writer_of(bytes, sizeof(bytes));
    uint64_t us = n * US_PER_SEC / p->flood->rate;
    gw_write_be(&w, us / US_PER_SEC, 4);
    gw_write_be(&w, us % US_PER_SEC, 4);
    gw_write_be(&w, len, 4);
    gw_write_be(&w, len, 4);
    (void)fwrite(bytes, 1, sizeof(bytes), p->file);
    (void)fwrite(frame, 1, len, p->file);
    p->packets++;
}

/* What a target could say to a SYN: as far as it is looked at. */
static void make_syn_ack(const uint8_t *syn, bool v6, uint8_t *out, size_t len)
{
    const size_t addresses = ETHER_HDR_LEN + (v6 ? 8 : 12);
    const size_t address_len = v6 ? 16 : 4;
    const size_t tcp = addresses + 2 * address_len;
    memcpy(out, syn, len);
    memcpy(out + addresses, syn + addresses + address_len, address_len);
    memcpy(out + addresses + address_len, syn + addresses, address_len);
    struct gw_reader r = gw_reader_of(syn + tcp, 8);
    struct gw_writer w = gw_writer_of(out + tcp, 14);
    uint64_t from = gw_read_u16(&r), to = gw_read_u16(&r);
    uint32_t seq = gw_read_u32(&r);
    gw_write_be(&w, to, 2);
    gw_write_be(&w, from, 2);
    gw_write_be(&w, (uint32_t)~seq, 4);
    gw_write_be(&w, (uint32_t)(seq + 1), 4);
    gw_write_be(&w, 0x50, 1);
    gw_write_be(&w, TH_SYN | TH_ACK, 1);
}

static void put_all(struct pcap *p, struct bench_packets *packets)
{
    uint8_t frame[BENCH_FRAME_MAX], syn_ack[BENCH_FRAME_MAX], answer[BENCH_FRAME_MAX];
    bool answers = bench_flood_kind_answers((enum bench_flood_kind)p->flood->kind);
    uint64_t count = bench_flood_packets(p->flood);
    for (uint64_t n = 0; n < count && !ferror(p->file); n++) {
        size_t len = bench_packets_next(packets, frame);
        put_packet(p, n, frame, len);
        if (!answers)
            continue;
        make_syn_ack(frame, p->flood->sources.len == 16, syn_ack, len);
        len = bench_packets_answer(packets, syn_ack, len, answer);
        gw_require(len > 0);
        put_packet(p, n, answer, len);
    }
}

int bench_pcap_write(const char *path, const struct bench_flood *flood,
                     const struct bench_arena_link *link, uint64_t *ret_packets,
                     struct gw_error *err)
{
    struct pcap p = {.flood = flood};
    int r = bench_flood_check(flood, err);
    if (r)
        return r;
    if (bench_flood_packets(flood) > BENCH_PCAP_PACKETS_MAX)
        return gw_error_set(err, GW_EXIT_USAGE, "--pcap holds at most %d packets: give --count",
                            BENCH_PCAP_PACKETS_MAX);
    struct bench_packets *packets = bench_packets_new(flood, link);
    p.file = packets ? fopen(path, "we") : NULL;
    if (p.file) {
        put_header(p.file);
        put_all(&p, packets);
    }
    bool bad = !p.file || ferror(p.file);
    if (p.file && fclose(p.file))
        bad = true;
    bench_packets_free(packets);
    *ret_packets = p.packets;
    return bad ? gw_error_set(err, GW_EXIT_OTHER, "%s could not be written: %s", path,
                              strerror(errno))
               : 0;
}
