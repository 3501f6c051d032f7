/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's own description, for `ktlsgate probe`: facts that cannot be found by trial. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The row of an index from 0: an instruction that speeds up record protection, and whether
 * processor and kernel support it. NULL after the last. */
const char *gw_platform_cpu_feature(size_t index, bool *ret_there);
/* The processor's name from /proc/cpuinfo; "unknown" if that has none. */
void gw_platform_cpu_name(char *ret_name, size_t room);

/* Whether a driver of /proc/crypto is a generic one without acceleration. False for "". */
bool gw_platform_is_slow_aes(const char *driver);
