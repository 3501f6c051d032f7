/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of ktlsgate-bench: one table. */
#pragma once

#include "bench/tool/config.h"

struct bench_command_info {
    const char *word;
    const char *title;  /* half a line */
    const char *about;  /* what --help says below its usage */
    const char *inputs; /* NULL, or its arguments other than flags */
};

const struct bench_command_info *bench_command_info(enum bench_command command);
/* BENCH_COMMAND_COUNT for an unknown word. */
enum bench_command bench_command_find(const char *word);
