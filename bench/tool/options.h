/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of ktlsgate-bench: one table of commands and one of flags, read by argp. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

struct bench_command_info {
    const char *word;
    const char *title;  /* half a line */
    const char *about;  /* what --help says below its usage */
    const char *inputs; /* NULL, or what it takes beside flags */
};

const struct bench_command_info *bench_command_info(enum bench_command command);
/* BENCH_COMMAND_COUNT for an unknown word. */
enum bench_command bench_command_find(const char *word);

/* Reads argv[1…], argv[0] being the command's word, over the defaults of the command. Returns 0,
 * or a negative errno with *err filled. --help prints and exits, as argp does. */
gw_must_check int bench_options_read(enum bench_command command, int argc, char **argv,
                                     struct bench_config *ret, struct gw_error *err);
/* The defaults alone, for whoever fills in the rest itself. */
void bench_options_defaults(enum bench_command command, struct bench_config *ret);
