/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/again.h"

#include "gateway/config/options.h"

#include <stdio.h>
#include <string.h>

bool gw_config_same_services(const struct gw_config *a, const struct gw_config *b)
{
    if (a->service_count != b->service_count)
        return false;
    for (unsigned i = 0; i < a->service_count; i++)
        if (strcmp(a->services[i]->name, b->services[i]->name) != 0 ||
            a->services[i]->role != b->services[i]->role)
            return false;
    return true;
}

static bool is_of(const struct gw_setting *s, unsigned service, const char *name)
{
    return s->service == service && strcmp(s->name, name) == 0;
}

/* The first at `from` or later that speaks of this; NULL without. */
static const struct gw_setting *next(const struct gw_config *c, unsigned from, unsigned service,
                                     const char *name)
{
    for (unsigned i = from; i < c->setting_count; i++)
        if (is_of(&c->settings[i], service, name))
            return &c->settings[i];
    return NULL;
}

/* Values of one name count in their order; names may stand in any. */
static bool same_values(const struct gw_config *a, const struct gw_config *b, unsigned service,
                        const char *name)
{
    const struct gw_setting *x = next(a, 0, service, name);
    const struct gw_setting *y = next(b, 0, service, name);
    while (x && y && strcmp(x->value, y->value) == 0) {
        x = next(a, (unsigned)(x - a->settings) + 1, service, name);
        y = next(b, (unsigned)(y - b->settings) + 1, service, name);
    }
    return !x && !y;
}

static const struct gw_setting *first_different(const struct gw_config *a,
                                                const struct gw_config *b)
{
    for (unsigned i = 0; i < a->setting_count; i++)
        if (!same_values(a, b, a->settings[i].service, a->settings[i].name))
            return &a->settings[i];
    return NULL;
}

bool gw_config_same_settings(const struct gw_config *a, const struct gw_config *b,
                             char ret_what[static GW_SETTING_TEXT_MAX])
{
    if (!gw_config_same_services(a, b)) {
        (void)snprintf(ret_what, GW_SETTING_TEXT_MAX, "the services");
        return false;
    }
    const struct gw_setting *s = first_different(a, b);
    s = s ? s : first_different(b, a);
    if (!s)
        return true;
    if (s->service == GW_SETTING_OF_ALL || a->service_count < 2)
        (void)snprintf(ret_what, GW_SETTING_TEXT_MAX, "%s", s->name);
    else
        (void)snprintf(ret_what, GW_SETTING_TEXT_MAX, "service %.48s: %s",
                       a->services[s->service]->name, s->name);
    return false;
}
