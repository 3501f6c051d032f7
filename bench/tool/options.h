/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of ktlsgate-bench, read by argp. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

/* Reads argv[1…], argv[0] being the command's word, over the defaults of the command. Returns 0,
 * or a negative errno with *err filled. --help prints and exits, as argp does. */
gw_must_check int bench_options_read(enum bench_command command, int argc, char **argv,
                                     struct bench_config *ret, struct gw_error *err);
/* The defaults alone, for a caller that fills in the rest. */
void bench_options_defaults(enum bench_command command, struct bench_config *ret);
