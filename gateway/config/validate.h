/* SPDX-License-Identifier: Apache-2.0 */
/* The checks that need all flags together, and their results: pairs, defaults that depend on other
 * flags, addresses of names, ids of users. */
#pragma once

#include "gateway/config/draft.h"

/* Completes the configuration: each service, and the whole. With flags, one draft describes both.
 * Returns 0 or a negative errno with the error filled. */
gw_must_check int gw_validate_drafts(struct gw_draft *whole, struct gw_draft *const *services,
                                     unsigned count);

/* The required flags of the commands of `pki` (gateway/config/pki.c). */
gw_must_check int gw_validate_issue(struct gw_draft *d);
gw_must_check int gw_validate_renew(struct gw_draft *d);
gw_must_check int gw_validate_revoke(struct gw_draft *d);
