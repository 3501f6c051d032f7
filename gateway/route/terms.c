/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route/terms.h"

#include <stdlib.h>

int gw_terms_new(struct gw_terms **ret, const struct gw_service *service,
                 struct gw_ticket_keys *tickets, struct gw_files *files, struct gw_error *err)
{
    struct gw_terms *t = calloc(1, sizeof(*t));
    if (!t)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    t->service = service;
    t->holders = 1;
    int r = gw_ruleset_new(&t->rules, service->rules, service->rule_count, err);
    if (!r)
        r = gw_tls_context_new(&t->tls, &service->tls, tickets, files, err);
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
    gw_ruleset_free(terms->rules);
    free(terms);
}
