/* SPDX-License-Identifier: Apache-2.0 */
/* Authorization: whether the rules let a peer pass, and which alert a refused one gets. Used after
 * the handshake (opening.c) and at a recheck (recheck.c). */
#include "gateway/conn/conn_private.h"

#include "gateway/config/pattern.h"

#include <stdio.h>

static void note_no_rule(struct gw_conn *c, const struct gw_ruleset *rules, bool shown)
{
    char kinds[GW_RULESET_KINDS_MAX];
    gw_ruleset_kinds(rules, kinds);
    gw_facts_printf(&c->facts, GW_FACT_DETAIL, "%s%s",
                    shown ? "no rule matches its " : "no certificate", shown ? kinds : "");
}

enum gw_reason gw_authorize(struct gw_conn *c, const struct gw_terms *terms,
                            const struct gw_identity *id)
{
    struct gw_ruling ruling = gw_terms_judge(terms, id);
    const struct gw_rule *rule = ruling.rule;
    if (rule && (rule->pattern || c->service->role == GW_ROLE_SERVER))
        gw_facts_set(&c->facts, GW_FACT_RULE, rule->pattern ? rule->pattern : "all");
    if (ruling.pass)
        return GW_REASON_NONE;
    if (rule)
        gw_facts_printf(&c->facts, GW_FACT_DETAIL, "--deny-%s%s", gw_pattern_kind_word(rule->kind),
                        ruling.doubt ? " cannot judge an unusable name" : "");
    else
        note_no_rule(c, terms->rules, id->present);
    return GW_REASON_NOT_ALLOWED;
}

uint8_t gw_authorize_alert(enum gw_reason refused)
{
    switch (refused) {
    case GW_REASON_NOT_ALLOWED:
        return GW_ALERT_ACCESS_DENIED;
    case GW_REASON_CERT_REVOKED:
        return GW_ALERT_CERTIFICATE_REVOKED;
    case GW_REASON_CERT_EXPIRED:
    case GW_REASON_CERT_NO_CRL: /* as libssl for a CRL that has expired */
        return GW_ALERT_CERTIFICATE_EXPIRED;
    case GW_REASON_CERT_UNTRUSTED:
        return GW_ALERT_UNKNOWN_CA;
    case GW_REASON_NO_MEMORY:
        return GW_ALERT_INTERNAL_ERROR;
    default:
        return GW_ALERT_BAD_CERTIFICATE;
    }
}

void gw_authorize_log_notes(const struct gw_terms *terms)
{
    struct gw_notes *notes = gw_tls_context_notes(terms->tls);
    if (!notes || !notes->count)
        return;
    gw_log_notes(notes);
    gw_notes_done(notes);
}
