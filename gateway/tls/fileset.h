/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a flag such as --cacert names: each of its values is a file, or a folder of which
 * those files count whose names have one of the flag's endings. */
#pragma once

#include "gateway/tls/pemfile.h"

struct gw_fileset {
    const char *flag;
    const char *const *paths;   /* ends with NULL */
    const char *const *endings; /* ".pem", … in a folder; ends with NULL */
    size_t max;                 /* bytes of one file */
};

/* Told of each file in turn; what is in *file ends with the call. Returns 0; negative errno with
 * *err filled, which ends the whole. */
typedef int gw_fileset_visit(void *arg, const struct gw_pemfile *file, struct gw_error *err);

/* In the order of the paths, those of a folder by name. Returns 0; negative errno with *err filled
 * by `visit`, or here: a file or folder that cannot be read (GW_EXIT_START), a folder without any
 * such file (GW_EXIT_USAGE). */
gw_must_check int gw_fileset_each(const struct gw_fileset *set, struct gw_files *files,
                                  gw_fileset_visit *visit, void *arg, struct gw_error *err);
