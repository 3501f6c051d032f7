/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    GW_TMPDIR_MAX = 48 /* bytes, with the NUL: the path of a Unix socket in a folder of it fits */
};

/* Where to make folders for a while: $TMPDIR, or /tmp where that is not set, is no absolute path of
 * letters, digits and `/._-` (it stands in commands that are printed), is longer than
 * GW_TMPDIR_MAX, or may not be entered by all users, as whom we may go on. Valid until the
 * environment changes. */
const char *gw_tmpdir(void);
