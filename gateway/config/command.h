/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, one row each. */
#pragma once

#include "gateway/config/config.h"

/* One subcommand. */
struct gw_command_info {
    const char *word;    /* two words where the second says what the first is for */
    const char *title;   /* half a line */
    const char *usage;   /* what follows the word, shortened */
    const char *example; /* lines that work when pasted, each indented by two blanks */
};

const struct gw_command_info *gw_command_info(enum gw_command command);
/* GW_COMMAND_COUNT for an unknown word. */
enum gw_command gw_command_find(const char *word);
/* The commands of two words whose first is this, as bits 1 << enum gw_command; 0: none. */
unsigned gw_command_family(const char *word);
/* The command whose word is near; GW_COMMAND_COUNT when none is. */
enum gw_command gw_command_nearest(const char *word);
