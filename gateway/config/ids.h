/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups by name or number, from the system's databases. */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * The ids of a user. *ret_gid is its first group, and unchanged unless `want_group`. A number
 * without a user is accepted, but has no group. Returns 0; -ENOENT or -EIO with *ret_why a phrase
 * for the error message.
 */
gw_must_check int gw_ids_user(const char *name, bool want_group, uid_t *ret_uid, gid_t *ret_gid,
                              const char **ret_why);

/* The id of a group. A number without a group is accepted. Errors as for gw_ids_user. */
gw_must_check int gw_ids_group(const char *name, gid_t *ret_gid, const char **ret_why);
