/* SPDX-License-Identifier: Apache-2.0 */
/* From a fork of the master to a worker: one generic "become this role". */
#pragma once

#include "gateway/proc/heritage.h"

#include <sys/types.h>

struct gw_spawned {
    pid_t pid;
    int channel_fd; /* the master's end, non-blocking; the caller's */
};

/* For a child right after fork: closes every descriptor but the standard ones and those of `keep`
 * (which is sorted by that; -1 is none), leaves the master's signals to the master, takes a name
 * (15 bytes) and forbids dumps. */
void gw_spawn_become(const char *name, int *keep, size_t count);

/*
 * Starts worker `index`. Its gauges begin at 0; its descriptors are the standard ones and those of
 * its gw_worker_env; it does not heed the signals that mean the master.
 * Returns 0 or negative errno (no process, no descriptor).
 */
gw_must_check int gw_spawn_worker(const struct gw_heritage *h, unsigned index,
                                  struct gw_spawned *ret);
