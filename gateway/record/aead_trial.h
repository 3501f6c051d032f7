/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying AEAD providers on this machine: whether one does what the plain one does, and which of two
 * is the faster. Takes some milliseconds, once per process.
 */
#pragma once

#include "gateway/record/aead.h"

enum {
    GW_AEAD_TRIAL_FULL = 16384, /* bytes of a record that is timed */
    GW_AEAD_TRIAL_SMALL = 256,
};

/*
 * `tried` against `plain`, which is taken for right: equal bytes for records of several lengths,
 * with the additional data of TLS 1.2 and 1.3, before and after a change of keys; and what was
 * changed on its way is refused and wiped. 0; -EBADMSG: it differs, or does not refuse; -ENOMEM.
 */
gw_must_check int gw_aead_trial_check(const struct gw_aead_provider *tried,
                                      const struct gw_aead_provider *plain,
                                      enum ktls_cipher cipher);

/* Times in turns (turns.h), for half a millisecond together, those whose figure has no error. Sets
 * their times, or an error. */
void gw_aead_trial_time(const struct gw_aead_provider *const providers[GW_AEAD_PROVIDERS],
                        enum ktls_cipher cipher, struct gw_aead_figure figures[GW_AEAD_PROVIDERS]);

/* Whether it is to replace the plain one: cheaper by GW_CHOICE_MARGIN_PERCENT for full records or
 * for small ones, and not dearer by as much for the others. What has an error never is. */
bool gw_aead_trial_prefers(const struct gw_aead_figure *one, const struct gw_aead_figure *plain);
