/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate probe`: the features of this kernel, processor and libraries, found by trial. */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdio.h>

/* Writes the findings as text for people or as one JSON object. `measure`: also the cost of
 * relaying, which takes some seconds. Returns 0 whatever was found; -EIO when it could not be
 * written. */
gw_must_check int gw_probe_write(FILE *out, bool json, bool measure);

/* Writes them to standard output. */
gw_must_check int gw_probe_print(bool json, bool measure);
