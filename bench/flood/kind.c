/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/kind.h"

#include "gateway/base/attr.h"

static const char *const abouts[BENCH_FLOOD_KINDS] = {
    [BENCH_FLOOD_SYN] = "SYNs, each opening a connection",
    [BENCH_FLOOD_SYN_DATA] = "SYNs with payload behind them",
    [BENCH_FLOOD_ACK] = "ACKs of connections that do not exist, some with data or a FIN",
    [BENCH_FLOOD_RST] = "RSTs of such",
    [BENCH_FLOOD_MALFORMED] = "broken headers and options of TCP, UDP and IP, in turn",
    [BENCH_FLOOD_FRAGMENT] = "fragments, nearly all of packets that are never complete",
    [BENCH_FLOOD_UDP] = "UDP noise, to the port of the target and to others",
    [BENCH_FLOOD_HANDSHAKE_GARBAGE] =
        "connections that send something other than TLS, then nothing",
    [BENCH_FLOOD_HANDSHAKE_HALF_HELLO] = "connections that send half a ClientHello, then nothing",
};

const char *const bench_flood_kind_words[BENCH_FLOOD_KINDS + 1] = {
    [BENCH_FLOOD_SYN] = "syn",
    [BENCH_FLOOD_SYN_DATA] = "syn-data",
    [BENCH_FLOOD_ACK] = "ack",
    [BENCH_FLOOD_RST] = "rst",
    [BENCH_FLOOD_MALFORMED] = "malformed",
    [BENCH_FLOOD_FRAGMENT] = "fragment",
    [BENCH_FLOOD_UDP] = "udp",
    [BENCH_FLOOD_HANDSHAKE_GARBAGE] = "handshake-garbage",
    [BENCH_FLOOD_HANDSHAKE_HALF_HELLO] = "handshake-half-hello",
};

const char *bench_flood_kind_about(enum bench_flood_kind kind)
{
    gw_require(kind < BENCH_FLOOD_KINDS);
    return abouts[kind];
}

bool bench_flood_kind_answers(enum bench_flood_kind kind)
{
    return kind == BENCH_FLOOD_HANDSHAKE_GARBAGE || kind == BENCH_FLOOD_HANDSHAKE_HALF_HELLO;
}
