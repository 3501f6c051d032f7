/* SPDX-License-Identifier: Apache-2.0 */
/* The output of `ktlsgate check` for a valid configuration. */
#pragma once

#include "gateway/proc/termset.h"

/* Prints to standard output: a line for what each service would do, then that all is valid. */
void gw_check_print(const struct gw_termset *set);
