/* SPDX-License-Identifier: Apache-2.0 */
/* The file that tells others the master's process number. */
#pragma once

#include "gateway/base/error.h"

struct gw_pidfile {
    const char *path; /* NULL: none; not owned */
    int fd;
};

/* Writes this process's number to `path` (NULL: nothing to do): whole or not at all, whatever was
 * there before. Returns 0 or -EIO with *err filled (GW_EXIT_START). */
gw_must_check int gw_pidfile_write(struct gw_pidfile *ret, const char *path, struct gw_error *err);

/* Removes the file if it is still ours. Where the folder does not let us any more (after --user),
 * the file is emptied instead. */
void gw_pidfile_done(struct gw_pidfile *p);
