/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, one row each. */
#pragma once

#include "gateway/config/config.h"

/* One subcommand. */
struct gw_command_info {
    const char *word;    /* one word, or two of which the second narrows the first */
    const char *title;   /* half a line */
    const char *usage;   /* the arguments, shortened */
    const char *example; /* lines that can be pasted, each indented by two blanks */
};

const struct gw_command_info *gw_command_info(enum gw_command command);
/* The command of a word; GW_COMMAND_COUNT for an unknown one. */
enum gw_command gw_command_find(const char *word);
/* The two-word commands with this first word, as bits 1 << enum gw_command. 0: none. */
unsigned gw_command_family(const char *word);
/* The command with the nearest spelling; GW_COMMAND_COUNT when none is near. */
enum gw_command gw_command_nearest(const char *word);
