/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/shape.h"

#include "gateway/base/attr.h"

#include <netinet/tcp.h>

#define BYTES(text)                                                                                \
    {                                                                                              \
        .bytes = (text), .len = sizeof(text) - 1                                                   \
    }
#define IP_BYTE(at, is)                                                                            \
    {                                                                                              \
        .header = BENCH_EDIT_IP, .offset = (at), .value = (is)                                     \
    }
#define L4_BYTE(at, is)                                                                            \
    {                                                                                              \
        .header = BENCH_EDIT_L4, .offset = (at), .value = (is)                                     \
    }

/* What Linux offers in a SYN: MSS, SACK, timestamps, window scale. */
#define SYN_OPTIONS BYTES("\2\4\5\xb4\4\2\x8\xa\0\0\1\0\0\0\0\0\1\3\3\7")
#define MSS_OPTION BYTES("\2\4\5\xb4")
#define STAMP_OPTIONS BYTES("\1\1\x8\xa\0\0\1\0\0\0\1\0")
#define NOPS_4 "\1\1\1\1"
#define PADDING_8 "\1\4\0\0\0\0" /* PadN, after the first two bytes of an extension header */

enum {
    SYN = TH_SYN,
    FIN = TH_FIN,
    RST = TH_RST,
    PSH = TH_PUSH,
    ACK = TH_ACK,
    URG = TH_URG,
    /* Offsets of fields: of TCP, UDP, IPv4, IPv6. */
    TCP_TO = 2,
    TCP_OFFSET = 12,
    TCP_URGENT = 18,
    UDP_LENGTH = 4,
    V4_LENGTH = 2,
    V4_FRAGMENT = 6,
    V4_TTL = 8,
    V4_PROTOCOL = 9,
    V6_LENGTH = 4,
    V6_NEXT = 6,
    V6_HOPS = 7,
    /* Headers after that of IPv6. */
    HOP_BY_HOP = 0,
    ROUTING = 43,
    FRAGMENT = 44,
    NO_NEXT = 59,
    DESTINATION = 60,
};

#define ROW(k, n, f) .kind = BENCH_FLOOD_##k, .name = (n), .families = (f)
#define BAD(n, f) ROW(MALFORMED, n, f)
#define BAD_TCP(n) BAD(n, BENCH_V4_V6), .flags = SYN
#define BAD_V4(n) BAD(n, BENCH_V4), .flags = SYN
#define BAD_V6(n) BAD(n, BENCH_V6), .flags = SYN
#define PART_V4(n, high, low)                                                                      \
    ROW(FRAGMENT, n, BENCH_V4),                                                                    \
        .flags = SYN, .options = MSS_OPTION,                                                       \
        .edits = {IP_BYTE(V4_FRAGMENT, high), IP_BYTE(V4_FRAGMENT + 1, low)}
#define PART_V6(n, bytes)                                                                          \
    ROW(FRAGMENT, n, BENCH_V6), .flags = SYN, .options = MSS_OPTION, .next = FRAGMENT,             \
                                .extension = BYTES("\6\0" bytes "\0\0\0\0")

const struct bench_shape bench_shapes[] = {
    {ROW(SYN, "syn", BENCH_V4_V6), .flags = SYN, .options = SYN_OPTIONS},

    {ROW(SYN_DATA, "syn-data", BENCH_V4_V6), .flags = SYN, .options = SYN_OPTIONS,
     .traits = BENCH_PAYLOAD},

    {ROW(ACK, "ack", BENCH_V4_V6), .flags = ACK},
    {ROW(ACK, "ack-stamp", BENCH_V4_V6), .flags = ACK, .options = STAMP_OPTIONS},
    {ROW(ACK, "ack-data", BENCH_V4_V6), .flags = ACK | PSH, .traits = BENCH_PAYLOAD},
    {ROW(ACK, "ack-fin", BENCH_V4_V6), .flags = ACK | FIN},
    {ROW(ACK, "ack-syn", BENCH_V4_V6), .flags = ACK | SYN},

    {ROW(RST, "rst", BENCH_V4_V6), .flags = RST},
    {ROW(RST, "rst-ack", BENCH_V4_V6), .flags = RST | ACK},

    {BAD("tcp-no-flags", BENCH_V4_V6)},
    {BAD("tcp-all-flags", BENCH_V4_V6), .flags = 0xff},
    {BAD("tcp-syn-fin", BENCH_V4_V6), .flags = SYN | FIN},
    {BAD("tcp-syn-rst", BENCH_V4_V6), .flags = SYN | RST},
    {BAD_TCP("tcp-offset-zero"), .edits = {L4_BYTE(TCP_OFFSET, 0x00)}},
    {BAD_TCP("tcp-offset-short"), .edits = {L4_BYTE(TCP_OFFSET, 0x40)}},
    {BAD_TCP("tcp-offset-beyond"), .edits = {L4_BYTE(TCP_OFFSET, 0xf0)}},
    {BAD_TCP("tcp-checksum-wrong"), .traits = BENCH_SUM_WRONG},
    {BAD_TCP("tcp-to-port-zero"), .edits = {L4_BYTE(TCP_TO, 0), L4_BYTE(TCP_TO + 1, 0)}},
    {BAD_TCP("tcp-from-port-zero"), .traits = BENCH_PORT_ZERO},
    {BAD("tcp-urgent-beyond", BENCH_V4_V6), .flags = ACK | URG,
     .edits = {L4_BYTE(TCP_URGENT, 0xff), L4_BYTE(TCP_URGENT + 1, 0xff)}},
    {BAD_TCP("tcp-to-itself"), .traits = BENCH_LAND},
    {BAD_TCP("tcp-header-cut"), .cut = 8},
    {BAD_TCP("tcp-option-without-length"), .options = BYTES("\1\1\1\2")},
    {BAD_TCP("tcp-option-length-0"), .options = BYTES("\2\0\5\xb4")},
    {BAD_TCP("tcp-option-length-1"), .options = BYTES("\2\1\5\xb4")},
    {BAD_TCP("tcp-option-length-beyond"), .options = BYTES("\2\xff\5\xb4")},
    {BAD_TCP("tcp-option-mss-0"), .options = BYTES("\2\4\0\0")},
    {BAD_TCP("tcp-option-scale-255"), .options = BYTES("\3\3\xff\0")},
    {BAD_TCP("tcp-option-stamp-short"), .options = BYTES("\x8\x9\1\2\3\4\5\6\7\1\1\1")},
    {BAD("tcp-option-sack-odd", BENCH_V4_V6), .flags = ACK,
     .options = BYTES("\5\x9\1\2\3\4\5\6\7\1\1\1")},
    {BAD_TCP("tcp-option-md5"), .options = BYTES("\x13\x12\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1")},
    {BAD_TCP("tcp-option-cookie-long"),
     .options = BYTES("\x22\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
    {BAD_TCP("tcp-options-full"),
     .options = BYTES(NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4)},
    {BAD("udp-length-short", BENCH_V4_V6), .udp = true,
     .edits = {L4_BYTE(UDP_LENGTH, 0), L4_BYTE(UDP_LENGTH + 1, 7)}},
    {BAD("udp-length-beyond", BENCH_V4_V6), .udp = true,
     .edits = {L4_BYTE(UDP_LENGTH, 0xff), L4_BYTE(UDP_LENGTH + 1, 0xff)}},

    {BAD_V4("ip-version-0"), .edits = {IP_BYTE(0, 0x05)}},
    {BAD_V4("ip-version-15"), .edits = {IP_BYTE(0, 0xf5)}},
    {BAD_V4("ip-header-zero"), .edits = {IP_BYTE(0, 0x40)}},
    {BAD_V4("ip-header-short"), .edits = {IP_BYTE(0, 0x44)}},
    {BAD_V4("ip-header-beyond"), .edits = {IP_BYTE(0, 0x4f)}},
    {BAD_V4("ip-length-zero"), .edits = {IP_BYTE(V4_LENGTH, 0), IP_BYTE(V4_LENGTH + 1, 0)}},
    {BAD_V4("ip-length-short"), .edits = {IP_BYTE(V4_LENGTH, 0), IP_BYTE(V4_LENGTH + 1, 19)}},
    {BAD_V4("ip-length-beyond"), .edits = {IP_BYTE(V4_LENGTH, 0xff), IP_BYTE(V4_LENGTH + 1, 0xff)}},
    {BAD_V4("ip-ttl-zero"), .edits = {IP_BYTE(V4_TTL, 0)}},
    {BAD_V4("ip-checksum-wrong"), .traits = BENCH_IP_SUM_WRONG},
    {BAD_V4("ip-more-of-the-whole"), .edits = {IP_BYTE(V4_FRAGMENT, 0x60)}}, /* MF and DF */
    {BAD_V4("ip-reserved-bit"), .edits = {IP_BYTE(V4_FRAGMENT, 0x80)}},
    {BAD_V4("ip-protocol-unknown"), .edits = {IP_BYTE(V4_PROTOCOL, 255)}},
    {BAD_V4("ip-option-length-0"), .extension = BYTES("\x83\0\4\0")},
    {BAD_V4("ip-option-length-beyond"), .extension = BYTES("\7\xff\4\0")},
    {BAD_V4("ip-option-source-route"), .extension = BYTES("\x83\7\4\xc6\x12\0\1\0")},
    {BAD_V4("ip-option-pointer-beyond"), .extension = BYTES("\7\7\x9\0\0\0\0\0")},
    {BAD_V4("ip-option-stamp-overflow"), .extension = BYTES("\x44\xc\xd\xf1\0\0\0\0\0\0\0\0")},

    {BAD_V6("ip6-version-0"), .edits = {IP_BYTE(0, 0x00)}},
    {BAD_V6("ip6-version-4"), .edits = {IP_BYTE(0, 0x45)}},
    {BAD_V6("ip6-length-zero"), .edits = {IP_BYTE(V6_LENGTH, 0), IP_BYTE(V6_LENGTH + 1, 0)}},
    {BAD_V6("ip6-length-short"), .edits = {IP_BYTE(V6_LENGTH, 0), IP_BYTE(V6_LENGTH + 1, 7)}},
    {BAD_V6("ip6-length-beyond"),
     .edits = {IP_BYTE(V6_LENGTH, 0xff), IP_BYTE(V6_LENGTH + 1, 0xff)}},
    {BAD_V6("ip6-hops-zero"), .edits = {IP_BYTE(V6_HOPS, 0)}},
    {BAD_V6("ip6-next-none"), .edits = {IP_BYTE(V6_NEXT, NO_NEXT)}},
    {BAD_V6("ip6-next-unknown"), .edits = {IP_BYTE(V6_NEXT, 254)}},
    {BAD_V6("ip6-options-beyond"), .next = HOP_BY_HOP, .extension = BYTES("\6\xff" PADDING_8)},
    {BAD_V6("ip6-option-beyond"), .next = HOP_BY_HOP, .extension = BYTES("\6\0\1\xff\0\0\0\0")},
    {BAD_V6("ip6-option-unknown"), .next = HOP_BY_HOP, .extension = BYTES("\6\0\x9e\4\0\0\0\0")},
    {BAD_V6("ip6-jumbo-small"), .next = HOP_BY_HOP, .extension = BYTES("\6\0\xc2\4\0\0\0\x40")},
    {BAD_V6("ip6-options-late"), .next = DESTINATION,
     .extension = BYTES("\0\0" PADDING_8 "\6\0" PADDING_8)},
    {BAD_V6("ip6-options-chain"), .next = DESTINATION,
     .extension = BYTES("\x3c\0" PADDING_8 "\x3c\0" PADDING_8 "\x3c\0" PADDING_8 "\x3c\0" PADDING_8
                        "\x3c\0" PADDING_8 "\6\0" PADDING_8)},
    {BAD_V6("ip6-route-0"), .next = ROUTING,
     .extension = BYTES("\6\2\0\1\0\0\0\0\x20\1\0\2\0\0\0\0\0\0\0\0\0\0\0\1")},
    {BAD_V6("ip6-route-beyond"), .next = ROUTING, .extension = BYTES("\6\0\0\xff\0\0\0\0")},
    {BAD_V6("ip6-extension-cut"), .next = DESTINATION, .traits = BENCH_BARE,
     .extension = BYTES("\6\0" PADDING_8), .cut = 4},

    {PART_V4("first", 0x20, 0), .traits = BENCH_PAYLOAD},
    {PART_V4("middle", 0x20, 0xb9), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V4("last", 0, 0xb9), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V4("first-tiny", 0x20, 0), .cut = 16},
    {PART_V4("overlapping", 0x20, 1), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V4("beyond-64k", 0x1f, 0xff), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V4("odd", 0x20, 0), .traits = BENCH_PAYLOAD, .cut = 3},
    {PART_V4("empty", 0x20, 0xb9), .traits = BENCH_BARE},

    {PART_V6("first", "\0\1"), .traits = BENCH_PAYLOAD},
    {PART_V6("middle", "\5\xc9"), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V6("last", "\5\xc8"), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V6("first-tiny", "\0\1"), .cut = 16},
    {PART_V6("overlapping", "\0\x9"), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V6("beyond-64k", "\xff\xf8"), .traits = BENCH_BARE | BENCH_PAYLOAD},
    {PART_V6("odd", "\0\1"), .traits = BENCH_PAYLOAD, .cut = 3},
    {PART_V6("empty", "\5\xc9"), .traits = BENCH_BARE},
    {PART_V6("atomic", "\0\0"), .traits = BENCH_PAYLOAD},

    {ROW(UDP, "udp", BENCH_V4_V6), .udp = true, .traits = BENCH_PAYLOAD},
    {ROW(UDP, "udp-any-port", BENCH_V4_V6), .udp = true, .traits = BENCH_PAYLOAD | BENCH_ANY_PORT},
    {ROW(UDP, "udp-empty", BENCH_V4_V6), .udp = true},
    {ROW(UDP, "udp-no-checksum", BENCH_V4_V6), .udp = true,
     .traits = BENCH_PAYLOAD | BENCH_SUM_NONE},

    {ROW(HANDSHAKE_GARBAGE, "syn", BENCH_V4_V6), .flags = SYN, .options = MSS_OPTION},
    {ROW(HANDSHAKE_HALF_HELLO, "syn", BENCH_V4_V6), .flags = SYN, .options = MSS_OPTION},
};

const unsigned bench_shapes_count = GW_ARRAY_SIZE(bench_shapes);
