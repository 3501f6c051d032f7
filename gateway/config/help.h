/* SPDX-License-Identifier: Apache-2.0 */
/* The text of --help, made from the option table. */
#pragma once

#include <stdio.h>

/* Writes the help of one subcommand, at most 80 columns wide: its purpose, an example, and its
 * flags by group. For the first of two words: the commands that begin with it, and the flags of all
 * of them. NULL or an unknown word: the list of subcommands. */
void gw_config_help(const char *subcommand, FILE *out);
