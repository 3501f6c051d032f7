/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a service, compiled once so that ten thousand cost a handshake no more than ten.
 * They decide whether a peer may pass. Pure decisions.
 *
 * Deny rules come first: a peer is refused if one matches any of its names, or if one concerns a
 * kind of name of which the peer has an unusable one, since that could be the forbidden name. Then
 * an allow rule that matches admits it; without a match it is refused. gateway/config/pattern.h
 * explains patterns. Of several common names only the last one of the subject, the most specific,
 * counts for allow rules; every one counts for deny rules.
 *
 * The set has its own copy of the rules. Immutable; judging neither allocates nor locks.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"
#include "gateway/tls/identity.h"

enum {
    GW_RULESET_KINDS_MAX = 64
};

struct gw_ruleset;

struct gw_ruling {
    bool pass;
    /* Not 0: refused because of an unusable name of this kind (1 << enum gw_name_kind); `rule` is
     * the first rule for it. */
    unsigned doubt;
    /* The deny rule that refuses, or the allow rule that admits: of several the first given; owned
     * by the set. NULL: no rule matches. */
    const struct gw_rule *rule;
    const char
        *name; /* the matching name, owned by the identity; NULL for GW_RULE_ALL and in doubt */
};

/* Compiles the rules, which may then be freed. Returns 0, or a negative errno with *err filled: a
 * pattern that can never match (usage), no memory. */
gw_must_check int gw_ruleset_new(struct gw_ruleset **ret, const struct gw_rule *rules,
                                 unsigned count, struct gw_error *err);
void gw_ruleset_free(struct gw_ruleset *set); /* NULL is allowed */

/* Lists the kinds of the allow rules: "cn, dns". Room for GW_RULESET_KINDS_MAX. */
void gw_ruleset_kinds(const struct gw_ruleset *set, char room[static GW_RULESET_KINDS_MAX]);

/* Judges an identity. An absent one passes only by GW_RULE_ALL, and with `absent_ok` (verify none
 * or optional). */
struct gw_ruling gw_ruleset_judge(const struct gw_ruleset *set, const struct gw_identity *id,
                                  bool absent_ok);
