/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a flag such as --cacert names. Each of its values is a file, or a folder whose
 * files with one of the flag's endings count. */
#pragma once

#include "gateway/tls/pemfile.h"

struct gw_fileset {
    const char *flag;
    const char *const *paths; /* terminated by NULL */
    /* endings that count in a folder, such as ".pem"; terminated by NULL */
    const char *const *endings;
    size_t max; /* the maximum size of one file, in bytes */
};

/* Called for each file in turn; *file is only valid during the call. Returns 0, or a negative errno
 * with *err filled, which stops the iteration. */
typedef int gw_fileset_visit(void *arg, const struct gw_pemfile *file, struct gw_error *err);

/* Visits the files in the order of the paths, those of a folder by name. Returns 0, or a negative
 * errno with *err filled by `visit` or here: a file or folder that cannot be read (GW_EXIT_START),
 * a folder without such a file (GW_EXIT_USAGE). */
gw_must_check int gw_fileset_each(const struct gw_fileset *set, struct gw_files *files,
                                  gw_fileset_visit *visit, void *arg, struct gw_error *err);
