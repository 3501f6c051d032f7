/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a fork of the master into a worker or another role. */
#pragma once

#include "gateway/proc/heritage.h"

#include <sys/types.h>

struct gw_spawned {
    pid_t pid;
    int channel_fd; /* the master's end, non-blocking; the caller's */
};

/* For a child right after fork: closes every descriptor except the standard ones and those of
 * `keep` (which it sorts; -1 is none), ignores the master's signals, sets a name (15 bytes) and
 * forbids dumps. */
void gw_spawn_become(const char *name, int *keep, size_t count);

/*
 * Starts worker `index`. Its gauges begin at 0. Its descriptors are the standard ones and those of
 * its gw_worker_env. It ignores the signals meant for the master. Returns 0 or a negative errno (no
 * process, no descriptor).
 */
gw_must_check int gw_spawn_worker(const struct gw_heritage *h, unsigned index,
                                  struct gw_spawned *ret);
