/* SPDX-License-Identifier: Apache-2.0 */
/* What a flood consists of. */
#pragma once

#include <stdbool.h>

enum bench_flood_kind {
    BENCH_FLOOD_SYN,
    BENCH_FLOOD_SYN_DATA,
    BENCH_FLOOD_ACK,
    BENCH_FLOOD_RST,
    BENCH_FLOOD_MALFORMED,
    BENCH_FLOOD_FRAGMENT,
    BENCH_FLOOD_UDP,
    BENCH_FLOOD_HANDSHAKE_GARBAGE,
    BENCH_FLOOD_HANDSHAKE_HALF_HELLO,
    BENCH_FLOOD_KINDS,
};

/* By their number; ends with NULL. */
extern const char *const bench_flood_kind_words[BENCH_FLOOD_KINDS + 1];
/* One sentence. */
const char *bench_flood_kind_about(enum bench_flood_kind kind);
/* Whether SYN-ACKs are answered: somebody has to listen. */
bool bench_flood_kind_answers(enum bench_flood_kind kind);
