/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allow rules: may this peer pass? Rules are ORed; no rule matches nobody. Pure decisions.
 *
 * What a pattern means is what ghostunnel's flags of the same names mean (docs/security of
 * ghostunnel, package wildcard):
 *   CN, OU  the whole name, byte by byte; of several CNs the last one of the subject counts.
 *   DNS     a whole subject alternative name, without regard to ASCII case; no wildcards: `*` is
 *           not special, and a wildcard certificate is not expanded.
 *   URI     a whole subject alternative name, split at '/'. `*` stands for exactly one whole
 *           non-empty part, `**` as the last part for whatever follows, also nothing; `**` alone
 *           for every URI. One '/' at the end of pattern or name makes no difference.
 */
#pragma once

#include "gateway/config/config.h"
#include "gateway/tls/identity.h"

/* The first rule that lets the identity in, or NULL. An absent identity matches GW_RULE_ALL only
 * when `absent_ok` (verify none or optional). */
const struct gw_rule *gw_authorize(const struct gw_rule *rules, unsigned count,
                                   const struct gw_identity *id, bool absent_ok);

/* Whether the pattern is one this kind of rule can ever match; for the command line. False for an
 * empty one, for a URI pattern with a `*` in the middle of a part or a `**` that is not last, and
 * for a DNS pattern with a `*`, which would look like a wildcard and be none. */
bool gw_authorize_pattern_ok(enum gw_rule_kind kind, const char *pattern);
