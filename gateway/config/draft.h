/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration under construction: setters fill it and checks read it. It lives for one call
 * of gw_config_parse. A configuration file has a draft for each service and one for the whole
 * gateway; flags have one for both. The function that detects the first failure fills the error.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"
#include "gateway/config/place.h"

struct gw_option;

enum {
    GW_OPTIONS_MAX = 192
};

/* A --key or --ocsp-file, and the number of --cert before it. */
struct gw_draft_beside {
    const char *file;
    unsigned after;
};

struct gw_draft {
    struct gw_config *config;
    enum gw_command command;    /* the command whose flags or keys describe it */
    struct gw_where where;      /* the place being read */
    struct gw_service *service; /* the service that the flags describe; owned by config */
    /* gw_config_again: the earlier answers of this machine; else NULL */
    const struct gw_config *first;
    struct gw_error *err;           /* may be NULL */
    unsigned given[GW_OPTIONS_MAX]; /* by index in the table: how often it was given */
    bool off[GW_OPTIONS_MAX];       /* by index in the table: a file set the switch to `off` */

    /* Names are resolved last, so that a typo is reported before the resolver is asked. */
    const char *listen[GW_MAX_ADDRESSES];
    unsigned listen_count;
    const char *target;      /* NULL: none */
    const char *config_file; /* NULL: flags only */

    struct gw_draft_beside *keys, *ocsps; /* freed by gw_draft_done */
    unsigned key_count, ocsp_count;

    bool workers_auto;
};

/* Frees the parts that belong to the draft alone. */
void gw_draft_done(struct gw_draft *d);

/* How often the flag `name` was given. Without dashes; it must be in the table. */
unsigned gw_draft_given(const struct gw_draft *d, const char *name);

/* Copies the text; the configuration owns the copy. NULL with the error filled on failure. */
const char *gw_draft_keep(struct gw_draft *d, const char *text, size_t len);

/* Records a given value if gw_config_same_settings needs it. `value` is NULL for a switch. Returns
 * 0 or -ENOMEM with the error filled. */
int gw_draft_note(struct gw_draft *d, const struct gw_option *opt, const char *value);

/* The last value given for all services that do not set it themselves. NULL: none, or the option is
 * not of_each. */
const char *gw_draft_of_each(const struct gw_draft *whole, const struct gw_option *opt);

/* Adds a rule to the service. Returns 0 or -ENOMEM with the error filled. */
int gw_draft_add_rule(struct gw_draft *d, const struct gw_rule *rule);

/* Takes a flag or key with its value (NULL for a switch): counts it, makes the common checks, sets
 * and records it. Returns 0 or a negative errno with the error filled. */
int gw_draft_take(struct gw_draft *d, const struct gw_option *opt, const char *value);

/* Fill the error with one sentence and return a negative errno. The first form is about a flag's
 * value: "--name 'value': …". For a file, the sentence begins with file, line and section, and
 * omits the dashes. */
int gw_draft_refuse_value(struct gw_draft *d, const struct gw_option *opt, const char *value,
                          const char *fmt, ...) gw_printf(4, 5);
int gw_draft_refuse(struct gw_draft *d, enum gw_exit exit, const char *fmt, ...) gw_printf(3, 4);
int gw_draft_refuse_twice(struct gw_draft *d, const struct gw_option *opt);

/* Adds a warning. It is truncated if long, and dropped beyond GW_CONFIG_WARNINGS_MAX. */
int gw_draft_warn(struct gw_draft *d, const char *fmt, ...) gw_printf(2, 3);

/* A value ready for a sentence: control bytes become '?', at most 80 bytes. */
struct gw_shown {
    char text[88];
};
struct gw_shown gw_draft_shown(const char *value);
