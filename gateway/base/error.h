/* SPDX-License-Identifier: Apache-2.0 */
/* An error message for people: one sentence that names the flag or file and the remedy, and the
 * exit code of the command line contract. The function that detects the error fills it; the caller
 * at the top prints it once. */
#pragma once

#include "gateway/base/attr.h"

enum gw_exit {
    GW_EXIT_OK = 0,
    GW_EXIT_OTHER = 1,
    GW_EXIT_USAGE = 2, /* invalid usage or configuration */
    GW_EXIT_START = 3, /* could not bind or read at start */
};

struct gw_error {
    enum gw_exit exit;
    char text[512];
};

/* Fills *err unless it is NULL. Returns -EINVAL (usage) or -EIO (others), for a tail call. */
int gw_error_set(struct gw_error *err, enum gw_exit exit, const char *fmt, ...) gw_printf(3, 4);
