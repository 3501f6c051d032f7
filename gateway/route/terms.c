/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route/terms.h"

#include "gateway/route/authorize.h"

/* A rule that cannot match is a mistake, and one that turns everybody away. */
static int check_rule(const struct gw_rule *rule, struct gw_error *err)
{
    if (gw_authorize_pattern_ok(rule->kind, rule->pattern))
        return 0;
    switch (rule->kind) {
    case GW_RULE_DNS:
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--allow-dns '%s': DNS names have no wildcards here; give the whole "
                            "name, once for each, or use --allow-uri",
                            rule->pattern);
    case GW_RULE_URI:
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--allow-uri '%s': * must be a whole part between two slashes, and ** "
                            "the last part",
                            rule->pattern);
    default:
        return gw_error_set(err, GW_EXIT_USAGE, "an --allow flag without a name lets nobody pass");
    }
}

static int check_rules(const struct gw_service *service, struct gw_error *err)
{
    int r = 0;
    for (unsigned i = 0; !r && i < service->rule_count; i++)
        r = check_rule(&service->rules[i], err);
    return r;
}

int gw_terms_new(struct gw_terms **ret, const struct gw_service *service,
                 struct gw_ticket_keys *tickets, struct gw_files *files, struct gw_error *err)
{
    struct gw_terms *t = calloc(1, sizeof(*t));
    if (!t)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    t->service = service;
    t->holders = 1;
    int r = check_rules(service, err);
    if (!r)
        r = gw_tls_context_new(&t->tls, service, tickets, files, err);
    if (r)
        gw_terms_put(t);
    else
        *ret = t;
    return r;
}

void gw_terms_put(struct gw_terms *terms)
{
    if (!terms || --terms->holders)
        return;
    gw_tls_context_free(terms->tls);
    free(terms);
}
