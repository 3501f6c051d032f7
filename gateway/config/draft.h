/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration under construction: what the setters fill and the checks read. It lives for
 * one call of gw_config_parse. A configuration file has one for each service, and one for what is
 * of the whole gateway; flags have one for both. The error is filled once, by whoever returns the
 * first failure.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"
#include "gateway/config/place.h"

struct gw_option;

enum {
    GW_OPTIONS_MAX = 192
};

/* A --key or --ocsp-file, and how many --cert stood before it. */
struct gw_draft_beside {
    const char *file;
    unsigned after;
};

struct gw_draft {
    struct gw_config *config;
    enum gw_command command;        /* whose flags or keys describe it */
    struct gw_where where;          /* of what is being read */
    struct gw_service *service;     /* the one the flags describe; owned by config */
    const struct gw_config *first;  /* gw_config_again: what this machine was asked; else NULL */
    struct gw_error *err;           /* may be NULL */
    unsigned given[GW_OPTIONS_MAX]; /* by index in the table: times on the command line */
    bool off[GW_OPTIONS_MAX];       /* of switches: a file has said `off` */

    /* Names wait for the end, so that a typo is told before a resolver is asked. */
    const char *listen[GW_MAX_ADDRESSES];
    unsigned listen_count;
    const char *target;      /* NULL: none */
    const char *config_file; /* NULL: the flags say all */

    struct gw_draft_beside *keys, *ocsps; /* freed by gw_draft_done */
    unsigned key_count, ocsp_count;

    bool workers_auto;
};

/* Frees what belongs to the draft alone. */
void gw_draft_done(struct gw_draft *d);

/* How often the flag `name` (without dashes, one the table has) was given. */
unsigned gw_draft_given(const struct gw_draft *d, const char *name);

/* A copy of the text owned by the configuration; on failure NULL and the error filled. */
const char *gw_draft_keep(struct gw_draft *d, const char *text, size_t len);

/* Notes what was given, if it is of use to gw_config_same_settings. `value` is NULL for a switch.
 * Returns 0 or -ENOMEM with the error filled. */
int gw_draft_note(struct gw_draft *d, const struct gw_option *opt, const char *value);

/* What was said, last, of all services that do not say it themselves; NULL: nothing, or the option
 * is not of_each. */
const char *gw_draft_of_each(const struct gw_draft *whole, const struct gw_option *opt);

/* Adds a rule to the service, whose list grows. Returns 0 or -ENOMEM with the error filled. */
int gw_draft_add_rule(struct gw_draft *d, const struct gw_rule *rule);

/* Takes a flag or key with its value (NULL for a switch): counts it, checks what no setter should
 * have to look for, sets and notes it. Returns 0 or a negative errno with the error filled. */
int gw_draft_take(struct gw_draft *d, const struct gw_option *opt, const char *value);

/* Fills the error with one sentence and returns a negative errno. The first form is about a flag's
 * value: "--name 'value': …". For a file, the sentence begins with file, line and section, and the
 * dashes are left away. */
int gw_draft_refuse_value(struct gw_draft *d, const struct gw_option *opt, const char *value,
                          const char *fmt, ...) gw_printf(4, 5);
int gw_draft_refuse(struct gw_draft *d, enum gw_exit exit, const char *fmt, ...) gw_printf(3, 4);
int gw_draft_refuse_twice(struct gw_draft *d, const struct gw_option *opt);

/* Adds a warning; cut when it is long, dropped when there are GW_CONFIG_WARNINGS_MAX. */
int gw_draft_warn(struct gw_draft *d, const char *fmt, ...) gw_printf(2, 3);

/* A value as it may stand in a sentence: control bytes as '?', cut at 80 bytes. */
struct gw_shown {
    char text[88];
};
struct gw_shown gw_draft_shown(const char *value);
