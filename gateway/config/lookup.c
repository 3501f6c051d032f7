/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a row of the option table by the typed name. */
#include "gateway/config/options.h"
#include "gateway/config/spelling.h"

#include <string.h>

static bool takes(enum gw_command command, const struct gw_option *opt)
{
    return opt->commands & 1u << command;
}

static bool is_word(const char *word, size_t word_len, const char *name, size_t len)
{
    return word_len == len && !memcmp(word, name, len);
}

const struct gw_option *gw_option_find(enum gw_command command, const char *name, size_t len)
{
    for (unsigned i = 0; i < gw_option_count(); i++)
        if (takes(command, gw_option_at(i)) &&
            is_word(gw_option_at(i)->name, strlen(gw_option_at(i)->name), name, len))
            return gw_option_at(i);
    return NULL;
}

const struct gw_option *gw_option_bare(enum gw_command command)
{
    for (unsigned i = 0; i < gw_option_count(); i++)
        if (gw_option_at(i)->bare && takes(command, gw_option_at(i)))
            return gw_option_at(i);
    return NULL;
}

static bool is_also(const struct gw_option *opt, const char *name, size_t len)
{
    const char *at = opt->also ? opt->also : "";
    while (*at) {
        size_t word = strcspn(at, " ");
        if (is_word(at, word, name, len))
            return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

/* A prefix of four letters or more that is unique counts as the name itself. */
static int distance_to(const struct gw_option *opt, const char *name, size_t len)
{
    if (len >= 4 && !strncmp(opt->name, name, len))
        return 1;
    return gw_spelling_distance(opt->name, strlen(opt->name), name, len);
}

const struct gw_option *gw_option_nearest(enum gw_command command, const char *name, size_t len)
{
    const struct gw_option *nearest = NULL;
    int best = GW_SPELLING_MAX;
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (!takes(command, opt))
            continue;
        if (is_also(opt, name, len))
            return opt;
        int distance = distance_to(opt, name, len);
        if (gw_spelling_near(distance, len) && distance < best) {
            best = distance;
            nearest = opt;
        }
    }
    return nearest;
}

bool gw_option_exchanged(const struct gw_option *opt)
{
    switch (opt->group) {
    case GW_GROUP_IDENTITY:
    case GW_GROUP_CLIENTS:
    case GW_GROUP_TRUST:
    case GW_GROUP_SHOWN:
    case GW_GROUP_POLICY:
        return true;
    default:
        return false;
    }
}

bool gw_option_of_service(const struct gw_option *opt)
{
    switch (opt->group) {
    case GW_GROUP_ADDRESSES:
    case GW_GROUP_RECORDS:
    case GW_GROUP_BACKEND:
        return true;
    default:
        return opt->of_each || gw_option_exchanged(opt);
    }
}

bool gw_option_is_key(const struct gw_option *opt, bool of_service)
{
    return opt && opt->group != GW_GROUP_GENERAL &&
           (opt->of_each || gw_option_of_service(opt) == of_service);
}
