/* SPDX-License-Identifier: Apache-2.0 */
/* Processor lists: those requested, and those that this process may use. */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"

#include <stdbool.h>

/*
 * Reads `0-3,8`: numbers and ranges below GW_MAX_CPU, at most GW_MAX_WORKERS processors, in the
 * order given, without duplicates. Returns their number (at least 1); -EINVAL with *ret_why set.
 */
gw_must_check int gw_cpus_read(const char *text, int out[GW_MAX_WORKERS], const char **ret_why);

/* The number of processors in this process's affinity; at least 1. */
unsigned gw_cpus_allowed_count(void);

/* Whether this process's affinity includes the processor. True when it cannot be read. */
bool gw_cpus_allowed(int cpu);
