/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/again.h"

#include "gateway/base/text.h"
#include "gateway/config/options.h"

#include <stdio.h>
#include <string.h>

enum {
    DIFFERENCE_MAX = 96, /* one service with its setting */
    MORE_MAX = 24        /* the phrase for the rest */
};

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

/* The first setting at `from` or later with the same name and service. NULL: none. */
static const struct gw_setting *next(const struct gw_config *c, unsigned from, unsigned service,
                                     const char *name)
{
    for (unsigned i = from; i < c->setting_count; i++)
        if (is_of(&c->settings[i], service, name))
            return &c->settings[i];
    return NULL;
}

/* Values of one name compare in order; names may be in any order. */
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

/* The names of the differences, as far as there is room. */
struct differences {
    struct gw_text text;
    bool services_named; /* whether to name services: there are several */
    unsigned service;    /* the last service named */
    unsigned count;
    unsigned left_out;
};

/* "service web: listen, target; max-conns" */
static void add(struct differences *d, const struct gw_config *c, const struct gw_setting *s)
{
    char text[DIFFERENCE_MAX];
    bool same = !d->services_named || s->service == d->service;
    bool named = d->services_named && s->service != GW_SETTING_OF_ALL && (!same || !d->count);
    int len = snprintf(text, sizeof(text), "%s%s%s%s%s",
                       !d->count ? ""
                       : same    ? ", "
                                 : "; ",
                       named ? "service " : "", named ? c->services[s->service]->name : "",
                       named ? ": " : "", s->name);
    d->count++;
    if (d->left_out || (size_t)len + MORE_MAX >= d->text.left) {
        d->left_out++;
        return;
    }
    gw_text_append(&d->text, "%s", text);
    d->service = s->service;
}

/* Adds the settings of a service that `a` has. `only_missing`: only those that `b` lacks. */
static void compare(struct differences *d, unsigned service, const struct gw_config *a,
                    const struct gw_config *b, bool only_missing)
{
    for (unsigned i = 0; i < a->setting_count; i++) {
        const struct gw_setting *s = &a->settings[i];
        if (s->service != service || next(a, 0, service, s->name) != s ||
            (only_missing && next(b, 0, service, s->name)))
            continue;
        if (!same_values(a, b, service, s->name))
            add(d, a, s);
    }
}

bool gw_config_same_settings(const struct gw_config *a, const struct gw_config *b,
                             char ret_what[static GW_SETTING_TEXT_MAX])
{
    struct differences d = {
        .text = gw_text_in(ret_what, GW_SETTING_TEXT_MAX),
        .services_named = a->service_count > 1,
    };
    if (!gw_config_same_services(a, b)) {
        gw_text_append(&d.text, "the services");
        return false;
    }
    for (unsigned i = 0; i <= a->service_count; i++) {
        unsigned service = i ? i - 1 : GW_SETTING_OF_ALL;
        compare(&d, service, a, b, false);
        compare(&d, service, b, a, true);
    }
    if (d.left_out)
        gw_text_append(&d.text, " and %u more", d.left_out);
    return d.count == 0;
}
