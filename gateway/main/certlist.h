/* SPDX-License-Identifier: Apache-2.0 */
/* The output of `ktlsgate check` about the loaded certificates. */
#pragma once

#include "gateway/proc/termset.h"

#include <stdio.h>

/* Prints a line for each: its place, names, kind of key, validity, OCSP response. `now` is in
 * seconds since 1970. */
void gw_certlist_print(FILE *out, const struct gw_termset *set, int64_t now);
