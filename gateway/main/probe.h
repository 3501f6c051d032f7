/* SPDX-License-Identifier: Apache-2.0 */
/* `ktlsgate probe`: what this kernel, processor and libraries offer, found by trying. */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdio.h>

/* Writes all of it as text for people or as one JSON object; `measure`: also what relaying costs,
 * which takes some seconds. Returns 0 whatever was found; -EIO when it could not be written. */
gw_must_check int gw_probe_write(FILE *out, bool json, bool measure);

/* The same to standard output. */
gw_must_check int gw_probe_print(bool json, bool measure);
