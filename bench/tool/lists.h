/* SPDX-License-Identifier: Apache-2.0 */
/* Values of flags that are lists, joined by ','. Each takes the whole text or nothing, and then
 * sets *ret_why. */
#pragma once

#include "bench/tool/config.h"

/* `64,1k,16k`, each at most GW_RECORD_PLAINTEXT_MAX, ascending. 0 or -EINVAL. */
gw_must_check int bench_lists_sizes(const char *text, struct bench_sizes *ret,
                                    const char **ret_why);
/* Words as a set of their places in `words`, which ends with NULL. 0 or -EINVAL. */
gw_must_check int bench_lists_words(const char *text, const char *const *words, unsigned *ret_set,
                                    const char **ret_why);
/* The command line as one could type it again, cut where it is too long. */
void bench_lists_line(int argc, char *const *argv, char ret[BENCH_LINE_MAX]);
