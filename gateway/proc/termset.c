/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/termset.h"

#include "gateway/config/again.h"
#include "gateway/config/place.h"

int gw_termset_load(struct gw_termset *ret, const struct gw_config *config,
                    struct gw_ticket_keys *tickets, struct gw_files *files, struct gw_error *err)
{
    int r = 0;
    *ret = (struct gw_termset){.count = config->service_count};
    for (unsigned i = 0; !r && i < ret->count; i++) {
        const struct gw_service *s = config->services[i];
        unsigned noted = gw_files_notes(files)->count;
        r = gw_terms_new(&ret->terms[i], s, s->tls.session_tickets ? &tickets[i] : NULL, files,
                         err);
        if (r)
            gw_place_error(config, i, err);
        gw_place_notes(config, i, gw_files_notes(files), noted);
    }
    if (r)
        gw_termset_done(ret);
    return r;
}

int gw_termset_reload(struct gw_termset *ret, const struct gw_config *first,
                      struct gw_ticket_keys *tickets, struct gw_files *files, struct gw_error *err)
{
    struct gw_config *again = NULL;
    char what[GW_SETTING_TEXT_MAX];
    *ret = (struct gw_termset){0};
    int r = gw_config_again(&again, first, files, err);
    if (!r && !gw_config_same_services(first, again))
        r = gw_error_set(err, GW_EXIT_USAGE,
                         "the services or their order have changed, which needs a restart");
    if (!r)
        r = gw_termset_load(ret, again, tickets, files, err);
    if (r) {
        gw_config_free(again);
        return r;
    }
    ret->config = again;
    if (!gw_config_same_settings(first, again, what))
        gw_notes_add(gw_files_notes(files), "reload: changed, which needs a restart: %s", what);
    return 0;
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
    gw_config_free(set->config);
    *set = (struct gw_termset){0};
}
