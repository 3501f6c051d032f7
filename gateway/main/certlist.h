/* SPDX-License-Identifier: Apache-2.0 */
/* What `ktlsgate check` tells of the certificates that were loaded. */
#pragma once

#include "gateway/proc/termset.h"

#include <stdio.h>

/* A line for each: where it is, names, kind of key, how long it is good, OCSP response. `now` in
 * seconds since 1970. */
void gw_certlist_print(FILE *out, const struct gw_termset *set, int64_t now);
