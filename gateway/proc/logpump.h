/* SPDX-License-Identifier: Apache-2.0 */
/* The master prints the entries of the workers' log rings as lines on standard error. */
#pragma once

#include "gateway/base/logring.h"

#include <stdbool.h>

/* Prints the available entries, but at most some hundred per ring, so that a worker that logs
 * without end does not keep the master from its other work. True when more may be available. False
 * when all rings are empty and their writers will wake the master. While standard error accepts
 * nothing, entries stay in their rings. */
bool gw_logpump_turn(struct gw_logring *rings, unsigned count);

/* Prints all entries of the ring of a dead worker, given its index. Stops when standard error
 * accepts nothing for `wait_ms`. */
void gw_logpump_flush(struct gw_logring *rings, unsigned index, int wait_ms);
