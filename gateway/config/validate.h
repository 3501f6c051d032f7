/* SPDX-License-Identifier: Apache-2.0 */
/* The checks that need all flags together, and what they settle: pairs, defaults that depend on
 * other flags, addresses behind names, ids behind users. */
#pragma once

#include "gateway/config/draft.h"

/* Completes the configuration: each of the services, and the whole, which for flags is the one
 * draft that describes its service, too. Returns 0 or a negative errno with the error filled. */
gw_must_check int gw_validate_drafts(struct gw_draft *whole, struct gw_draft *const *services,
                                     unsigned count);

/* What the commands of `pki` cannot do without (gateway/config/pki.c). */
gw_must_check int gw_validate_issue(struct gw_draft *d);
gw_must_check int gw_validate_renew(struct gw_draft *d);
gw_must_check int gw_validate_revoke(struct gw_draft *d);
