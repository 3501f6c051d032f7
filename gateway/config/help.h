/* SPDX-License-Identifier: Apache-2.0 */
/* The words of --help, made from the option table. */
#pragma once

#include <stdio.h>

/* Writes the help of one subcommand, at most 80 columns wide: what it does, an example, and the
 * flags it takes, by group. The first of two words: the commands that begin with it, and the flags
 * of all of them. NULL or an unknown word: the list of subcommands. */
void gw_config_help(const char *subcommand, FILE *out);
