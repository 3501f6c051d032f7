/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/draft.h"

#include "gateway/config/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_BYTES = 80
};

void gw_draft_done(struct gw_draft *d)
{
    free(d->keys);
    free(d->ocsps);
    d->keys = d->ocsps = NULL;
}

unsigned gw_draft_given(const struct gw_draft *d, const char *name)
{
    unsigned times = 0;
    bool known = false;
    for (unsigned i = 0; i < gw_option_count(); i++) {
        if (strcmp(gw_option_at(i)->name, name) != 0)
            continue;
        times += d->given[i];
        known = true;
    }
    gw_require(known);
    return times;
}

const char *gw_draft_keep(struct gw_draft *d, const char *text, size_t len)
{
    const char *copy = gw_config_keep(d->config, text, len);
    if (!copy)
        (void)gw_error_set(d->err, GW_EXIT_OTHER, "out of memory");
    return copy;
}

/* Makes room for one more member in a list that has room up to the next power of two. Returns the
 * list, which may have moved; NULL with the error filled. */
static void *grow(struct gw_draft *d, void *list, unsigned count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return list;
    void *grown = reallocarray(list, count ? 2 * (size_t)count : 1, size);
    if (!grown)
        (void)gw_draft_refuse(d, GW_EXIT_OTHER, "out of memory");
    return grown;
}

int gw_draft_add_rule(struct gw_draft *d, const struct gw_rule *rule)
{
    struct gw_service *s = d->service;
    struct gw_rule *rules = grow(d, s->rules, s->rule_count, sizeof(*rules));
    if (!rules)
        return -ENOMEM;
    s->rules = rules;
    s->rules[s->rule_count++] = *rule;
    return 0;
}

/* Settings before the sections belong to none of them. */
static unsigned number_of(const struct gw_config *c, const struct gw_service *service)
{
    for (unsigned i = 0; i < c->service_count; i++)
        if (c->services[i] == service)
            return i;
    return GW_SETTING_OF_ALL;
}

const char *gw_draft_of_each(const struct gw_draft *whole, const struct gw_option *opt)
{
    const struct gw_config *c = whole->config;
    for (unsigned i = c->setting_count; opt->of_each && i-- > 0;)
        if (c->settings[i].service == GW_SETTING_OF_ALL &&
            strcmp(c->settings[i].name, opt->name) == 0)
            return c->settings[i].value;
    return NULL;
}

int gw_draft_note(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_config *c = d->config;
    if (gw_option_exchanged(opt))
        return 0;
    struct gw_setting *settings = grow(d, c->settings, c->setting_count, sizeof(*settings));
    if (!settings)
        return -ENOMEM;
    c->settings = settings;
    struct gw_setting *s = &settings[c->setting_count];
    *s = (struct gw_setting){opt->name, "", GW_SETTING_OF_ALL};
    if (gw_option_of_service(opt))
        s->service = number_of(c, d->service);
    if (value && !(s->value = gw_draft_keep(d, value, strlen(value))))
        return -ENOMEM;
    c->setting_count++;
    return 0;
}

/* Records where the configuration names a file, for errors in that file. */
static int note_place(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    struct gw_config *c = d->config;
    if (!d->where.file || opt->kind != GW_OPTION_FILE)
        return 0;
    struct gw_place *places = grow(d, c->places, c->place_count, sizeof(*places));
    const char *copy = places ? gw_draft_keep(d, value, strlen(value)) : NULL;
    c->places = places ? places : c->places;
    if (!copy)
        return -ENOMEM;
    places[c->place_count++] =
        (struct gw_place){opt->name, copy, number_of(c, d->service), d->where.line};
    return 0;
}

struct gw_shown gw_draft_shown(const char *value)
{
    struct gw_shown shown;
    size_t len = strlen(value);
    bool cut = len > SHOWN_BYTES;
    len = cut ? SHOWN_BYTES : len;
    while (cut && len && ((unsigned char)value[len] & 0xc0) == 0x80)
        len--; /* not within a UTF-8 character */
    for (size_t i = 0; i < len; i++)
        shown.text[i] = (unsigned char)value[i] < 0x20 || value[i] == 0x7f ? '?' : value[i];
    (void)snprintf(shown.text + len, sizeof(shown.text) - len, "%s", cut ? "..." : "");
    return shown;
}

/* Checks that all setters rely on. */
static int check_value(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    size_t len = strlen(value);
    if (!len)
        return gw_draft_refuse(d, GW_EXIT_USAGE, "--%s: the value is empty; give %s", opt->name,
                               opt->value ? opt->value : "one of its words");
    if (len > GW_VALUE_BYTES_MAX)
        return gw_draft_refuse_value(d, opt, value, "the value is longer than %d bytes",
                                     GW_VALUE_BYTES_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return gw_draft_refuse_value(d, opt, value, "it contains a control character");
    return 0;
}

int gw_draft_refuse_twice(struct gw_draft *d, const struct gw_option *opt)
{
    return gw_draft_refuse(d, GW_EXIT_USAGE, "--%s is given twice; leave one out", opt->name);
}

int gw_draft_take(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    unsigned *given = &d->given[gw_option_index(opt)];
    if ((*given)++ && !opt->repeatable)
        return gw_draft_refuse_twice(d, opt);
    int error = value ? check_value(d, opt, value) : 0;
    if (!error)
        error = opt->set(d, opt, value);
    if (!error)
        error = note_place(d, opt, value);
    return error ? error : gw_draft_note(d, opt, value);
}

int gw_draft_refuse_value(struct gw_draft *d, const struct gw_option *opt, const char *value,
                          const char *fmt, ...)
{
    char why[GW_SENTENCE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    return gw_draft_refuse(d, GW_EXIT_USAGE, "--%s '%s': %s", opt->name, gw_draft_shown(value).text,
                           why);
}

int gw_draft_refuse(struct gw_draft *d, enum gw_exit exit, const char *fmt, ...)
{
    char sentence[GW_SENTENCE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, args);
    va_end(args);
    gw_place_sentence(&d->where, sentence, sizeof(sentence));
    return gw_error_set(d->err, exit, "%s", sentence);
}

int gw_draft_warn(struct gw_draft *d, const char *fmt, ...)
{
    char sentence[GW_SENTENCE_MAX];
    va_list args;
    if (d->config->warning_count == GW_CONFIG_WARNINGS_MAX)
        return 0;
    va_start(args, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, args);
    va_end(args);
    gw_place_sentence(&d->where, sentence, sizeof(sentence));
    const char *copy = gw_draft_keep(d, sentence, strlen(sentence));
    if (!copy)
        return -ENOMEM;
    d->config->warnings[d->config->warning_count++] = copy;
    return 0;
}
