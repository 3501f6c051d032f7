/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allow rules: may this peer pass? Rules are ORed; no rule matches nobody. Pure decisions.
 *
 * Patterns of DNS names, URIs, CNs and OUs follow ghostunnel (docs/security): the name is split
 * into parts ('.' for DNS; for URIs scheme, then '/'), `*` stands for exactly one whole part, `**`
 * as the last (URI) or first (DNS) part for one or more; CN and OU are compared whole. DNS names
 * compare without regard to ASCII case, everything else byte by byte.
 */
#pragma once

#include "gateway/config/config.h"
#include "gateway/tls/identity.h"

/* The first rule that lets the identity in, or NULL. An absent identity matches GW_RULE_ALL only
 * when `absent_ok` (verify none or optional). */
const struct gw_rule *gw_authorize(const struct gw_rule *rules, unsigned count,
                                   const struct gw_identity *id, bool absent_ok);

/* Whether the pattern is one this kind of rule can ever match; for the command line. */
bool gw_authorize_pattern_ok(enum gw_rule_kind kind, const char *pattern);
