/* SPDX-License-Identifier: Apache-2.0 */
/* The last log line: how the connections of this run ended. */
#pragma once

#include "gateway/base/stats.h"

#include <stddef.h>

/* Writes how many connections were accepted and, for each close reason that occurred, how many
 * ended with it. `out` of `size` (at least 1) bytes ends in NUL; what does not fit is left out. */
void gw_summary_write(const struct gw_stats *sum, char *out, size_t size);
