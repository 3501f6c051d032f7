/* SPDX-License-Identifier: Apache-2.0 */
/* What workers wrote to their log rings becomes lines on standard error, in the master. */
#pragma once

#include "gateway/base/logring.h"

#include <stdbool.h>

/* Prints what is there, but no more than some hundred entries of each ring, so that a worker that
 * logs without end does not keep the master from its other work. Returns true when more may be
 * there; false when all rings are empty and their writers will wake the master. While standard
 * error takes nothing, entries stay in their rings. */
bool gw_logpump_turn(struct gw_logring *rings, unsigned count);

/* Prints all that is there; for the ring of a worker that is gone, with its index. Stops where
 * standard error takes nothing for `wait_ms`. */
void gw_logpump_flush(struct gw_logring *rings, unsigned index, int wait_ms);
