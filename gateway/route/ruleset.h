/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a service, compiled once so that ten thousand cost a handshake no more than ten: may
 * this peer pass? Pure decisions.
 *
 * Deny rules are asked first: one that matches any of the peer's names refuses it, and so does one
 * about a kind of name of which the peer has any that cannot be used, since that could be the name
 * meant. Then one allow rule that matches lets it in; no rule lets nobody in. What a pattern means
 * stands in gateway/config/pattern.h. Of several common names the last one of the subject, the most
 * specific, counts for allow rules, and every one for deny rules.
 *
 * The set holds its own copy of the rules. Immutable; judging neither allocates nor locks.
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
    bool doubt; /* refused for a name that cannot be used; `rule` is the first about such names */
    /* The deny rule that refuses, or the allow rule that lets in: of several the one given first;
     * owned by the set. NULL: no rule matches. */
    const struct gw_rule *rule;
    const char
        *name; /* the name that it matches, of the identity; NULL for GW_RULE_ALL, and in doubt */
};

/* Compiles the rules, which may then go. Returns 0; negative errno with *err filled: a pattern that
 * can never match (usage), no memory. */
gw_must_check int gw_ruleset_new(struct gw_ruleset **ret, const struct gw_rule *rules,
                                 unsigned count, struct gw_error *err);
void gw_ruleset_free(struct gw_ruleset *set); /* NULL is allowed */

/* What the allow rules look at, as words: "cn, dns". Room for GW_RULESET_KINDS_MAX. */
void gw_ruleset_kinds(const struct gw_ruleset *set, char room[static GW_RULESET_KINDS_MAX]);

/* An absent identity passes by GW_RULE_ALL only, when `absent_ok` (verify none or optional). */
struct gw_ruling gw_ruleset_judge(const struct gw_ruleset *set, const struct gw_identity *id,
                                  bool absent_ok);
