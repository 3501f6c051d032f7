/* SPDX-License-Identifier: Apache-2.0 */
/* Folders that a test makes for a while. */
#pragma once

#include "gateway/base/tmpdir.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FOLDER_MAX = GW_TMPDIR_MAX + 32
};

/* Makes a new one with `name` (at most 12 bytes) in its own; false, with errno, when it cannot. */
static inline bool folder_make(char path[FOLDER_MAX], const char *name)
{
    (void)snprintf(path, FOLDER_MAX, "%s/ktlsgate-%.12s-XXXXXX", gw_tmpdir(), name);
    return mkdtemp(path);
}
