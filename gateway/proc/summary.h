/* SPDX-License-Identifier: Apache-2.0 */
/* The last log line: how the connections of this run ended. */
#pragma once

#include "gateway/base/stats.h"

#include <stddef.h>

/* Writes the number of accepted connections and, for each reason that occurred, how many ended with
 * it. `out` of `size` (at least 1) bytes is NUL-terminated; entries that do not fit are left
 * out. */
void gw_summary_write(const struct gw_stats *sum, char *out, size_t size);
