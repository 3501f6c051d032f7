/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests AEAD providers on this machine: whether one gives the plain provider's results, and which
 * of two is faster. Takes some milliseconds, once per process.
 */
#pragma once

#include "gateway/record/aead.h"

enum {
    GW_AEAD_TRIAL_FULL = 16384, /* the length of a timed record, in bytes */
    GW_AEAD_TRIAL_SMALL = 256,
};

/*
 * Compares `tried` with `plain`, which is the reference: equal bytes for records of several
 * lengths, with the additional data of TLS 1.2 and 1.3, before and after a key change; and modified
 * records are refused and wiped. 0; -EBADMSG: the results differ, or a modified record passes;
 * -ENOMEM.
 */
gw_must_check int gw_aead_trial_check(const struct gw_aead_provider *tried,
                                      const struct gw_aead_provider *plain,
                                      enum ktls_cipher cipher);

/* Times the providers whose figure has no error, in turns (turns.h), for half a millisecond in
 * total. Sets their times, or an error. */
void gw_aead_trial_time(const struct gw_aead_provider *const providers[GW_AEAD_PROVIDERS],
                        enum ktls_cipher cipher, struct gw_aead_figure figures[GW_AEAD_PROVIDERS]);

/* Whether a provider should replace the plain one: cheaper by GW_CHOICE_MARGIN_PERCENT for full or
 * for small records, and not dearer by as much for the others. False if its figure has an error. */
bool gw_aead_trial_prefers(const struct gw_aead_figure *one, const struct gw_aead_figure *plain);
