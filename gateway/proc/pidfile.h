/* SPDX-License-Identifier: Apache-2.0 */
/* The file with the master's process ID. */
#pragma once

#include "gateway/base/error.h"

struct gw_pidfile {
    const char *path; /* NULL: none; not owned */
    int fd;
};

/* Writes this process's ID to `path` (NULL: does nothing), completely or not at all, replacing any
 * previous file. Returns 0 or -EIO with *err filled (GW_EXIT_START). */
gw_must_check int gw_pidfile_write(struct gw_pidfile *ret, const char *path, struct gw_error *err);

/* Removes the file if it is still ours. If the folder no longer permits that (after --user),
 * empties the file instead. */
void gw_pidfile_done(struct gw_pidfile *p);
