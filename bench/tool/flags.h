/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of all commands of ktlsgate-bench: one table, which options.c reads values by. */
#pragma once

#include "bench/tool/config.h"

#include <stddef.h>

/* Commands as a set: a bit for each. */
#define BENCH_BIT(command) (1U << BENCH_##command)
#define BENCH_LOADS                                                                                \
    (BENCH_BIT(HANDSHAKE) | BENCH_BIT(BULK) | BENCH_BIT(LATENCY) | BENCH_BIT(IDLE) |               \
     BENCH_BIT(CHURN))

enum bench_flag_kind {
    BENCH_FLAG_SWITCH,
    BENCH_FLAG_TEXT,
    BENCH_FLAG_TARGET,
    BENCH_FLAG_LISTEN,
    BENCH_FLAG_NUMBER,
    BENCH_FLAG_SIZE,
    BENCH_FLAG_DURATION,
    BENCH_FLAG_WORD,
    BENCH_FLAG_CPUS,
    BENCH_FLAG_PID,
    BENCH_FLAG_HIDDEN_SWITCH, /* --help does not list it */
    BENCH_FLAG_SIZES,
    BENCH_FLAG_WORDS,
    BENCH_FLAG_NET,
};

struct bench_flag {
    const char *name;
    enum bench_flag_kind kind;
    unsigned commands;
    const char *value;   /* what --help calls it */
    const char *initial; /* NULL: none */
    const char *help;
    const char *const *words; /* ends with NULL; the index is stored */
    uint64_t min, max;
    size_t at;
};

enum {
    BENCH_FLAGS_MAX = 96
};

/* In the order of --help. A name may stand in several rows, of different commands. */
extern const struct bench_flag bench_flags[];
extern const unsigned bench_flags_count;
