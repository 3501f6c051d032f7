/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up rights for good. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/*
 * Becomes --user and --group (if given) with no other groups and no capabilities, makes sure that
 * there is no way back, and forbids gaining rights by exec and core dumps. Without --user a
 * process that is not root still loses its capabilities. Logs a warning when it stays root.
 * Returns 0; -EIO with *err filled (GW_EXIT_START): the process must end, its rights are undefined.
 */
gw_must_check int gw_privilege_drop(const struct gw_config *config, struct gw_error *err);

/* The same for a process that has to go on reading files that only root may read: with --user it
 * keeps CAP_DAC_READ_SEARCH, where it had it. */
gw_must_check int gw_privilege_keep_reading(const struct gw_config *config, struct gw_error *err);
