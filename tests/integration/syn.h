/* SPDX-License-Identifier: Apache-2.0 */
/* TCP segments written onto a wire as they are, with any source. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    SYN_FIN = 0x01,
    SYN_SYN = 0x02,
    SYN_RST = 0x04,
    SYN_ACK = 0x10,
    SYN_ECE = 0x40,
    SYN_CWR = 0x80,
    SYN_FRAME_MAX = 128,
};

struct syn {
    uint8_t from_mac[6], to_mac[6];
    int family;               /* AF_INET, AF_INET6 */
    uint8_t from[16], to[16]; /* of AF_INET the first four bytes */
    uint16_t from_port, to_port;
    uint32_t number;
    uint8_t flags;
};

/* The whole frame, checksums with it; its length. */
size_t syn_frame(const struct syn *syn, uint8_t frame[SYN_FRAME_MAX]);
/* The frame (AF_INET only) in two fragments, the first with 8 bytes of TCP. */
void syn_fragments(const struct syn *syn, uint8_t frame[2][SYN_FRAME_MAX], size_t len[2]);
