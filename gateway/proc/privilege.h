/* SPDX-License-Identifier: Apache-2.0 */
/* Drops rights for good. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

/*
 * Changes to --user and --group (if given), with no other groups and no capabilities; verifies that
 * the change cannot be undone; forbids gaining rights by exec, and core dumps. Without --user a
 * process that is not root still loses its capabilities. Returns 0; -EIO with *err filled
 * (GW_EXIT_START): the process must end, its rights are undefined.
 */
gw_must_check int gw_privilege_drop(const struct gw_config *config, struct gw_error *err);

/* Whether the process will be without capabilities: not root. */
bool gw_privilege_will_drop(const struct gw_config *config);

/* Whether this process may read every file, by CAP_DAC_READ_SEARCH. */
bool gw_privilege_reads_all(void);

/* Like gw_privilege_drop, but keeps CAP_DAC_READ_SEARCH if the process has it. */
gw_must_check int gw_privilege_keep_reading(const struct gw_config *config, struct gw_error *err);
