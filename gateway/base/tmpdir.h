/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    GW_TMPDIR_MAX = 48 /* bytes, including the NUL; the path of a Unix socket below it must fit */
};

/* The folder for temporary folders: $TMPDIR; or /tmp if that is unset, is not an absolute path of
 * letters, digits and `/._-` (it appears in printed commands), is longer than GW_TMPDIR_MAX, or is
 * not accessible to all users, one of which this process may become. Valid until the environment
 * changes. */
const char *gw_tmpdir(void);
