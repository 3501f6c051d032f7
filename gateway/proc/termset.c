/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/termset.h"

int gw_termset_load(struct gw_termset *ret, const struct gw_config *config,
                    struct gw_ticket_keys *tickets, struct gw_files *files, struct gw_error *err)
{
    int r = 0;
    *ret = (struct gw_termset){.count = config->service_count};
    for (unsigned i = 0; !r && i < ret->count; i++) {
        const struct gw_service *s = config->services[i];
        r = gw_terms_new(&ret->terms[i], s, s->session_tickets ? &tickets[i] : NULL, files, err);
    }
    if (r)
        gw_termset_done(ret);
    return r;
}

bool gw_termset_idle(const struct gw_termset *set)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->terms[i]->holders != 1)
            return false;
    return true;
}

void gw_termset_done(struct gw_termset *set)
{
    for (unsigned i = 0; i < set->count; i++)
        gw_terms_put(set->terms[i]);
    *set = (struct gw_termset){0};
}
