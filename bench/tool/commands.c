/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/commands.h"

#include "gateway/base/attr.h"

#include <string.h>

static const struct bench_command_info commands[BENCH_COMMAND_COUNT] = {
    [BENCH_HANDSHAKE] =
        {
            .word = "handshake",
            .title = "handshakes of a server, full or resumed",
            .about = "Connects, performs a TLS handshake, closes and starts over, on several "
                     "connections at a time. A handshake counts once the server has closed the "
                     "connection.",
        },
    [BENCH_BULK] =
        {
            .word = "bulk",
            .title = "data throughput, and what it costs",
            .about = "Transfers data over HTTP: down is GET, up is PUT; both is an echo. What "
                     "`origin` sends is compared byte by byte; of other HTTP servers only the "
                     "length is. Bytes count once they have been received, or once the kernel has "
                     "accepted them for sending.",
        },
    [BENCH_LATENCY] =
        {
            .word = "latency",
            .title = "response time: closed loop, or at a given rate",
            .about = "Sends requests on persistent connections and waits for a response of the "
                     "same size. With --rate, requests are sent on schedule whether the server "
                     "keeps up or not, and time counts from when they were due.",
        },
    [BENCH_IDLE] =
        {
            .word = "idle",
            .title = "what idle connections cost",
            .about = "Opens connections and keeps them. With --pid, reports the memory that the "
                     "server uses for each.",
        },
    [BENCH_CHURN] =
        {
            .word = "churn",
            .title = "connections that live for one request",
            .about = "Connects, performs a handshake, sends a request, waits for a response of the "
                     "same size, closes and starts over.",
        },
    [BENCH_ORIGIN] =
        {
            .word = "origin",
            .title = "the plaintext backend for all of these",
            .about = "Answers GET /bytes/N with N bytes, accepts PUT and checks what it receives, "
                     "and echoes everything that is not HTTP.",
        },
    [BENCH_COMPARE] =
        {
            .word = "compare",
            .title = "compare ktlsgate with other gateways on this machine",
            .about = "Starts each with one worker on a processor of its own, with the same "
                     "certificate and backend, loads it, and compares its CPU time per unit of "
                     "work with the best of the others. Systems take turns in every round, because "
                     "the speed of machines drifts. What is not installed is left out.",
        },
    [BENCH_CRYPTO] =
        {
            .word = "crypto",
            .title = "AEAD speed of one processor, with each library that supports it",
            .about = "Seals and opens records with the gateway's providers, DPDK's devices and the "
                     "kernel in turn, in one thread. Each must produce what libcrypto does before "
                     "its time counts. The figure is that of the best round.",
        },
    [BENCH_REPORT] =
        {
            .word = "report",
            .title = "saved results as one page with plots",
            .about = "Reads what --save and `compare` have written (of a FOLDER: its *.json files) "
                     "and writes one HTML file that needs no other. gnuplot draws the plots.",
            .inputs = "FILE|FOLDER ...",
        },
    [BENCH_FLOOD] =
        {
            .word = "flood",
            .title = "hostile packets at a given rate, in their own network namespaces",
            .about = "Creates two network namespaces joined by a link and sends packets from one "
                     "to the other with DPDK, which needs root. Sources and target are in the "
                     "ranges for benchmarks, 198.18.0.0/15 and 2001:2::/48, and nothing leaves the "
                     "namespaces: floods cannot be sent anywhere else.",
        },
    [BENCH_SIEGE] =
        {
            .word = "siege",
            .title = "a SYN flood against ktlsgate, behind one defence after the other",
            .about = "Puts the gateway, clients and a flood into network namespaces and reports "
                     "for each rate of SYNs how many handshakes of the clients succeed, how long "
                     "they take, and what a long transfer loses. Needs root, DPDK and nftables; "
                     "nothing leaves the namespaces.",
        },
};

const struct bench_command_info *bench_command_info(enum bench_command command)
{
    gw_require(command < BENCH_COMMAND_COUNT);
    return &commands[command];
}

enum bench_command bench_command_find(const char *word)
{
    unsigned i = 0;
    while (i < BENCH_COMMAND_COUNT && strcmp(commands[i].word, word) != 0)
        i++;
    return (enum bench_command)i;
}
