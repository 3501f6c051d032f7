/* SPDX-License-Identifier: Apache-2.0 */
/* The file with the master's process ID. A lock (fcntl(2), F_SETLK) says that it is in use: it ends
 * with the process, and children do not inherit it. */
#pragma once

#include "gateway/base/error.h"

struct gw_pidfile {
    const char *path; /* NULL: none; not owned */
    int fd;
};

/* Writes this process's ID to `path` (NULL: does nothing), completely or not at all, replacing any
 * previous file that no other process has locked. Returns 0 or -EIO with *err filled
 * (GW_EXIT_START). */
gw_must_check int gw_pidfile_write(struct gw_pidfile *ret, const char *path, struct gw_error *err);

/* Lets the next process replace the file. Nothing else changes. */
void gw_pidfile_unlock(struct gw_pidfile *p);

/* Removes the file if it is still ours. If the folder no longer permits that (after --user),
 * empties the file instead. */
void gw_pidfile_done(struct gw_pidfile *p);
