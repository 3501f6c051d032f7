/* SPDX-License-Identifier: Apache-2.0 */
/* Processor lists: which ones were asked for, which ones this process may use. */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"

#include <stdbool.h>

/*
 * Reads `0-3,8`: numbers and ranges below GW_MAX_CPU, at most GW_MAX_WORKERS processors, in the
 * order given, none twice. Returns how many (at least 1); -EINVAL with *ret_why set.
 */
gw_must_check int gw_cpus_read(const char *text, int out[GW_MAX_WORKERS], const char **ret_why);

/* How many processors the affinity of this process allows; at least 1. */
unsigned gw_cpus_allowed_count(void);

/* Whether the affinity of this process allows the processor; true where it cannot be asked. */
bool gw_cpus_allowed(int cpu);
