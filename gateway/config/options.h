/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every option of every subcommand, one row each. The rows feed the parser, --help, the error
 * sentences and the tests; nothing else knows an option's name, unit, range or default.
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

/* What a value is; the setter of the same kind reads it. */
enum gw_option_kind {
    GW_OPTION_SWITCH,   /* no value: it is there or not */
    GW_OPTION_ADDRESS,  /* gateway/config/address.h */
    GW_OPTION_FILE,     /* a path, opened by whoever uses it */
    GW_OPTION_STRING,   /* one word of the system: a user, a group */
    GW_OPTION_PATTERN,  /* of an allow or deny rule */
    GW_OPTION_NAMES,    /* names joined by ':' */
    GW_OPTION_LIST,     /* values joined by ',' */
    GW_OPTION_WORD,     /* one of `words`, stored as its index plus `first` (on|off as bool) */
    GW_OPTION_NUMBER,   /* `min` to `max` */
    GW_OPTION_SIZE,     /* `min` to `max` bytes */
    GW_OPTION_DURATION, /* `min` to `max` nanoseconds, or 0 = off where `zero_off` */
};

struct gw_option {
    const char *name; /* without dashes; also the name in a configuration file */
    enum gw_option_kind kind;
    enum gw_option_group group;
    unsigned commands;     /* bits 1 << enum gw_command */
    int first;             /* value of words[0]; for patterns the enum gw_rule_kind */
    const char *value;     /* what --help calls the value; NULL for switches and words */
    const char *initial;   /* the default as text, read by the setter; NULL: none */
    const char *otherwise; /* the default in words where it is not one value; NULL: none */
    const char *help;      /* one sentence, without a full stop */
    const char *alone;     /* words: what the flag stands for without a value; NULL: it needs one */
    const char *also;      /* what other programs call it, joined by ' ', for "did you mean" */
    const char *const *words; /* ends with NULL */
    int64_t min;
    int64_t max;
    size_t at;
    /* Stores the value (never empty, no control bytes, at most GW_VALUE_BYTES_MAX; NULL for
     * switches). Returns 0 or a negative errno with the draft's error filled. */
    int (*set)(struct gw_draft *d, const struct gw_option *opt, const char *value);
    bool in_service; /* `at` is an offset in struct gw_service, else in struct gw_config */
    /* It describes a service; before the sections of a file, or as a flag beside --config, those
     * that do not say it themselves. */
    bool of_each;
    bool repeatable; /* else given at most once */
    bool zero_off;   /* durations: 0 is taken and means off */
    bool bare;       /* the value may stand alone, without --NAME; one row a command */
};

unsigned gw_option_count(void);
const struct gw_option *gw_option_at(unsigned index);
unsigned gw_option_index(const struct gw_option *opt);

/* The row of this name (`len` bytes, without dashes) that the command takes; NULL without. */
const struct gw_option *gw_option_find(enum gw_command command, const char *name, size_t len);

/* The row whose value may stand alone behind the command; NULL without. */
const struct gw_option *gw_option_bare(enum gw_command command);

/* The row the person most likely meant: another program's name for it, or the nearest spelling
 * among what the command takes. NULL when nothing is near. */
const struct gw_option *gw_option_nearest(enum gw_command command, const char *name, size_t len);

/* Whether it describes a service, not the whole gateway. */
bool gw_option_of_service(const struct gw_option *opt);
/* Whether it is a key of a configuration file: of a section, or of the part before the sections.
 * NULL is none. */
bool gw_option_is_key(const struct gw_option *opt, bool of_service);
/* Whether a reload exchanges in place what it says. */
bool gw_option_exchanged(const struct gw_option *opt);

const char *gw_option_group_title(enum gw_option_group group);
