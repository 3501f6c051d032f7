/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every option of every subcommand, one row each. The parser, --help, error messages and tests use
 * the rows; no other place has an option's name, unit, range or default.
 */
#pragma once

#include "gateway/config/config.h"
#include "gateway/config/draft.h"

enum gw_option_group {
    GW_GROUP_ADDRESSES,
    GW_GROUP_IDENTITY,
    GW_GROUP_CLIENTS,
    GW_GROUP_TRUST,
    GW_GROUP_SHOWN,
    GW_GROUP_POLICY,
    GW_GROUP_RECORDS,
    GW_GROUP_PLACEMENT,
    GW_GROUP_LIMITS,
    GW_GROUP_BACKEND,
    GW_GROUP_PROCESS,
    GW_GROUP_CA,
    GW_GROUP_CERTIFICATE,
    GW_GROUP_OBSERVING,
    GW_GROUP_GENERAL,
    GW_GROUP_COUNT,
};

/* The kind of a value; the setter of the same kind reads it. */
enum gw_option_kind {
    GW_OPTION_SWITCH,   /* no value: present or not */
    GW_OPTION_ADDRESS,  /* gateway/config/address.h */
    GW_OPTION_FILE,     /* a path; opened where it is used */
    GW_OPTION_STRING,   /* a system name: a user, a group */
    GW_OPTION_PATTERN,  /* the pattern of an allow or deny rule */
    GW_OPTION_NAMES,    /* names joined by ':' */
    GW_OPTION_LIST,     /* values joined by ',' */
    GW_OPTION_WORD,     /* one of `words`, stored as its index plus `first` (on|off as bool) */
    GW_OPTION_NUMBER,   /* `min` to `max` */
    GW_OPTION_SIZE,     /* `min` to `max` bytes */
    GW_OPTION_DURATION, /* `min` to `max` nanoseconds, or 0 for off where `zero_off` */
};

struct gw_option {
    const char *name; /* without dashes; also the key in a configuration file */
    enum gw_option_kind kind;
    enum gw_option_group group;
    unsigned commands;     /* bits 1 << enum gw_command */
    int first;             /* value of words[0]; for patterns the enum gw_rule_kind */
    const char *value;     /* the value's name in --help; NULL for switches and words */
    const char *initial;   /* the default as text, read by the setter; NULL: none */
    const char *otherwise; /* a description of the default where it is not one value; NULL: none */
    const char *help;      /* one sentence, without a full stop */
    const char *alone;     /* words: the value if none is given; NULL: a value is required */
    const char *also;      /* other programs' names for it, joined by ' ', for "did you mean" */
    const char *const *words; /* terminated by NULL */
    int64_t min;
    int64_t max;
    size_t at;
    /* Stores the value (not empty, no control bytes, at most GW_VALUE_BYTES_MAX; NULL for
     * switches). Returns 0 or a negative errno with the draft's error filled. */
    int (*set)(struct gw_draft *d, const struct gw_option *opt, const char *value);
    bool in_service; /* `at` is an offset in struct gw_service, else in struct gw_config */
    /* It describes a service. Before the sections of a file, or as a flag with --config, it applies
     * to those services that do not set it themselves. */
    bool of_each;
    bool repeatable; /* false: at most once */
    bool zero_off;   /* durations: 0 is valid and means off */
    bool bare;       /* the value may stand alone, without --NAME; one row per command */
};

unsigned gw_option_count(void);
const struct gw_option *gw_option_at(unsigned index);
unsigned gw_option_index(const struct gw_option *opt);

/* The row of this name (`len` bytes, without dashes) that the command takes. NULL: none. */
const struct gw_option *gw_option_find(enum gw_command command, const char *name, size_t len);

/* The row whose value may follow the command without a flag. NULL: none. */
const struct gw_option *gw_option_bare(enum gw_command command);

/* The row that was most likely meant, among those that the command takes: by another program's name
 * for it, or the nearest spelling. NULL when nothing is near. */
const struct gw_option *gw_option_nearest(enum gw_command command, const char *name, size_t len);

/* Whether it describes a service, not the whole gateway. */
bool gw_option_of_service(const struct gw_option *opt);
/* Whether it is a key of a configuration file: in a section, or before the sections. False for
 * NULL. */
bool gw_option_is_key(const struct gw_option *opt, bool of_service);
/* Whether a reload applies changes of its value. */
bool gw_option_exchanged(const struct gw_option *opt);

const char *gw_option_group_title(enum gw_option_group group);
