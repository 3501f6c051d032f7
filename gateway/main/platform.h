/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine says of itself, for `ktlsgate probe`: things that cannot be found by trying. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Rows 0, 1, …: instructions that record protection gains from, and whether this processor and
 * kernel offer them; NULL past the last. */
const char *gw_platform_cpu_feature(size_t index, bool *ret_there);
/* The processor's name from /proc/cpuinfo, "unknown" where it says none. */
void gw_platform_cpu_name(char *ret_name, size_t room);

/* Whether a driver name of /proc/crypto is a general one, made of parts for any processor; false
 * for
 * "". */
bool gw_platform_is_slow_aes(const char *driver);
