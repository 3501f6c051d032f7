/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/commands.h"

#include "gateway/base/attr.h"

#include <string.h>

static const struct bench_command_info commands[BENCH_COMMAND_COUNT] = {
    [BENCH_HANDSHAKE] =
        {
            .word = "handshake",
            .title = "how many handshakes a server does, full or resumed",
            .about = "Connects, does a TLS handshake, closes, and again, over so many connections "
                     "at a time. A handshake counts when the server has ended the connection.",
        },
    [BENCH_BULK] =
        {
            .word = "bulk",
            .title = "how fast bytes go through, and what they cost",
            .about = "Transfers by HTTP: down is GET, up is PUT; both is an echo. What `origin` "
                     "sends is compared byte by byte; of other HTTP servers only the length is. "
                     "Bytes count when they were received, or when the kernel has taken them to "
                     "send.",
        },
    [BENCH_LATENCY] =
        {
            .word = "latency",
            .title = "how long an answer takes: closed loop, or at a given rate",
            .about = "Sends so many bytes and waits for as many to come back, on connections that "
                     "stay. With --rate requests are sent at their time whether the server keeps "
                     "up or not, and time counts from when they were due.",
        },
    [BENCH_IDLE] =
        {
            .word = "idle",
            .title = "what connections cost that do nothing",
            .about = "Opens connections and keeps them. With --pid tells the memory that the "
                     "server took for each.",
        },
    [BENCH_CHURN] =
        {
            .word = "churn",
            .title = "connections that live for one request",
            .about = "Connects, handshakes, sends so many bytes, waits for as many to come back, "
                     "closes, and again.",
        },
    [BENCH_ORIGIN] =
        {
            .word = "origin",
            .title = "the plaintext backend for all of these",
            .about = "Answers GET /bytes/N with N bytes, takes what is PUT and checks it, and "
                     "echoes whatever is no HTTP.",
        },
    [BENCH_COMPARE] =
        {
            .word = "compare",
            .title = "ktlsgate and the other gateways on this machine, in turn",
            .about = "Starts each with one worker on a processor of its own, with the same "
                     "certificate and backend, loads it, and tells its CPU time for each unit of "
                     "work beside the best of the others. Systems take turns in every round, as "
                     "the speed of machines drifts. What is not installed is left out.",
        },
    [BENCH_CRYPTO] =
        {
            .word = "crypto",
            .title = "how fast AEAD is on one processor, by each library that can do it",
            .about = "Seals and opens records by the gateway's providers, DPDK's devices and the "
                     "kernel, one thread, in turn. Each has to do what libcrypto does before its "
                     "time counts. The figure is that of the best round.",
        },
    [BENCH_REPORT] =
        {
            .word = "report",
            .title = "saved results as one page with plots",
            .about = "Reads what --save and `compare` have written (of a FOLDER: its files *.json) "
                     "and writes one HTML file that needs no other. Plots are drawn by gnuplot.",
            .inputs = "FILE|FOLDER ...",
        },
    [BENCH_FLOOD] =
        {
            .word = "flood",
            .title = "hostile packets at a rate, in network namespaces of its own",
            .about = "Makes two network namespaces joined by a link and sends packets from the one "
                     "to the other, by DPDK; it takes root. Sources and target are of the ranges "
                     "for benchmarks, 198.18.0.0/15 and 2001:2::/48, and nothing leaves the "
                     "namespaces: floods can be sent nowhere else.",
        },
    [BENCH_SIEGE] =
        {
            .word = "siege",
            .title = "ktlsgate under a flood of SYNs, behind one defence after the other",
            .about = "Puts the gateway, clients and a flood into network namespaces and tells for "
                     "each rate of SYNs how many handshakes of the clients succeed, how long they "
                     "take, and what a long transfer loses. Needs root, DPDK and nftables; nothing "
                     "leaves the namespaces.",
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
