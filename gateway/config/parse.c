/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/parse.h"

#include "gateway/config/again.h"
#include "gateway/config/command.h"
#include "gateway/config/draft.h"
#include "gateway/config/options.h"
#include "gateway/config/validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define refuse_usage(d, ...) gw_draft_refuse(d, GW_EXIT_USAGE, __VA_ARGS__)

/* One argument taken apart. */
struct flag {
    const char *name; /* without dashes, len bytes */
    size_t len;
    const char *value; /* behind '='; NULL without */
};

static const char *command_word(const struct gw_draft *d)
{
    enum gw_command command = d->config->command;
    return command < GW_COMMAND_COUNT ? gw_command_info(command)->word : "";
}

static struct flag split(const char *arg)
{
    const char *name = arg + strspn(arg, "-");
    size_t len = strcspn(name, "=");
    return (struct flag){.name = name, .len = len, .value = name[len] ? name + len + 1 : NULL};
}

/* The first subcommand that takes a flag of this name; GW_COMMAND_COUNT when none does. */
static enum gw_command who_takes(const struct flag *f)
{
    unsigned command = 0;
    while (command < GW_COMMAND_COUNT && !gw_option_find((enum gw_command)command, f->name, f->len))
        command++;
    return (enum gw_command)command;
}

static int refuse_unknown(struct gw_draft *d, const struct flag *f, const char *arg)
{
    size_t end = f->value ? (size_t)(f->value - arg) - 1 : strlen(arg);
    char text[GW_VALUE_BYTES_MAX];
    (void)snprintf(text, sizeof(text), "%.*s", (int)GW_MIN(end, sizeof(text) - 1), arg);
    struct gw_shown shown = gw_draft_shown(text);
    const struct gw_option *near = gw_option_nearest(d->config->command, f->name, f->len);
    enum gw_command other = who_takes(f);
    bool ours = gw_option_find(d->config->command, f->name, f->len) != NULL; /* with one dash */
    if (other != GW_COMMAND_COUNT && !ours)
        return refuse_usage(d, "'%s' is a flag of `ktlsgate %s`, not of `ktlsgate %s`", shown.text,
                            gw_command_info(other)->word, command_word(d));
    if (near)
        return refuse_usage(d, "unknown flag '%s'; did you mean --%s?", shown.text, near->name);
    return refuse_usage(d, "unknown flag '%s'; `ktlsgate %s --help` lists those there are",
                        shown.text, command_word(d));
}

/* What no setter should have to look for. */
static int check_value(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    size_t len = strlen(value);
    if (!len)
        return refuse_usage(d, "--%s: the value is empty; give %s", opt->name,
                            opt->value ? opt->value : "one of its words");
    if (len > GW_VALUE_BYTES_MAX)
        return gw_draft_refuse_value(d, opt, value, "the value is longer than %d bytes",
                                     GW_VALUE_BYTES_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return gw_draft_refuse_value(d, opt, value, "there is a control character in it");
    return 0;
}

/* The value behind '=' or, for *at, the next argument; NULL with the error filled. */
static const char *find_value(struct gw_draft *d, const struct gw_option *opt, const struct flag *f,
                              int argc, char **argv, int *at)
{
    const char *what = opt->value ? opt->value : "a value";
    if (f->value)
        return f->value;
    if (*at + 1 >= argc) {
        (void)refuse_usage(d, "--%s: the value is missing; give %s", opt->name, what);
        return NULL;
    }
    const char *next = argv[*at + 1];
    if (!strncmp(next, "--", 2)) {
        (void)refuse_usage(d,
                           "--%s: the value is missing, '%s' comes instead; give %s, or "
                           "--%s=VALUE when it does begin with dashes",
                           opt->name, gw_draft_shown(next).text, what, opt->name);
        return NULL;
    }
    ++*at;
    return next;
}

static int set(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    int error = opt->set(d, opt, value);
    return error ? error : gw_draft_note(d, opt, value);
}

/* A word without a flag, where the command has one that may be left out. */
static int take_bare(struct gw_draft *d, const char *word)
{
    const struct gw_option *opt = gw_option_bare(d->config->command);
    if (d->given[gw_option_index(opt)]++)
        return refuse_usage(d, "'%s' is one %s too many; give one", gw_draft_shown(word).text,
                            opt->value);
    int error = check_value(d, opt, word);
    return error ? error : set(d, opt, word);
}

static int take_flag(struct gw_draft *d, int argc, char **argv, int *at)
{
    const char *arg = argv[*at];
    struct flag f = split(arg);
    if (arg[0] != '-' && gw_option_bare(d->config->command))
        return take_bare(d, arg);
    if (arg[0] != '-')
        return refuse_usage(d,
                            "'%s' is not expected here; every setting is a flag, see "
                            "`ktlsgate %s --help`",
                            gw_draft_shown(arg).text, command_word(d));
    const struct gw_option *opt = gw_option_find(d->config->command, f.name, f.len);
    if (!opt || f.name != arg + 2)
        return refuse_unknown(d, &f, arg);
    if (d->given[gw_option_index(opt)]++ && !opt->repeatable)
        return refuse_usage(d, "--%s is given twice; leave one out", opt->name);
    if (opt->kind == GW_OPTION_SWITCH && f.value)
        return refuse_usage(d, "--%s takes no value; write it without '='", opt->name);
    if (opt->kind == GW_OPTION_SWITCH)
        return set(d, opt, NULL);
    const char *value = find_value(d, opt, &f, argc, argv, at);
    int error = value ? check_value(d, opt, value) : -EINVAL;
    return error ? error : set(d, opt, value);
}

/* Whether the row speaks for this command: its own, or, so that no setting is left undecided, one
 * whose name the command does not take. What a command does not listen to has no addresses. */
static bool speaks_for(enum gw_command command, const struct gw_option *opt)
{
    const struct gw_option *own = gw_option_find(command, opt->name, strlen(opt->name));
    return own == opt || (!own && opt->kind != GW_OPTION_ADDRESS);
}

static int set_defaults(struct gw_draft *d)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        if (!opt->initial || d->given[i] || !speaks_for(d->config->command, opt))
            continue;
        int error = opt->set(d, opt, opt->initial);
        if (error)
            return error;
    }
    return 0;
}

/* The second words of the commands that begin with this one, for a sentence. */
static int refuse_half(struct gw_draft *d, const char *word)
{
    char all[128] = "";
    size_t len = strlen(word);
    for (unsigned i = 0; i < GW_COMMAND_COUNT; i++) {
        const char *whole = gw_command_info((enum gw_command)i)->word;
        size_t at = strlen(all);
        if (!strncmp(whole, word, len) && whole[len] == ' ')
            (void)snprintf(all + at, sizeof(all) - at, "%s%s", at ? ", " : "", whole + len + 1);
    }
    return refuse_usage(d, "`ktlsgate %s` wants one of these words behind it: %s", word, all);
}

static int refuse_command(struct gw_draft *d, const char *word)
{
    struct flag f = split(word);
    const struct gw_option *opt = gw_option_find(GW_COMMAND_COUNT, f.name, f.len);
    enum gw_command near = gw_command_nearest(word);
    struct gw_shown shown = gw_draft_shown(word);
    if (opt)
        return refuse_usage(d, "unknown command '%s'; did you mean --%s?", shown.text, opt->name);
    if (near != GW_COMMAND_COUNT)
        return refuse_usage(d, "unknown command '%s'; did you mean %s?", shown.text,
                            gw_command_info(near)->word);
    return refuse_usage(d, "unknown command '%s'; `ktlsgate --help` lists those there are",
                        shown.text);
}

/* --help or --version without a command. NULL: it is neither. */
static const struct gw_option *find_ask(const char *word)
{
    struct flag f = split(word);
    return f.name == word + 2 && !f.value ? gw_option_find(GW_COMMAND_COUNT, f.name, f.len) : NULL;
}

/* A command of two words, whose second says what the first is for: `check` is of the server's
 * flags, `check client` of the client's. *ret_used: of the arguments. */
static enum gw_command find_command(const char *word, int argc, char **argv, int *ret_used)
{
    char both[64];
    enum gw_command command = GW_COMMAND_COUNT;
    *ret_used = argc > 0;
    if (argc > 0 && (size_t)snprintf(both, sizeof(both), "%s %s", word, argv[0]) < sizeof(both))
        command = gw_command_find(both);
    if (command != GW_COMMAND_COUNT)
        return command;
    command = gw_command_find(word);
    *ret_used = command == GW_COMMAND_CHECK && argc > 0 &&
                !strcmp(argv[0], gw_command_info(GW_COMMAND_SERVER)->word);
    return command;
}

static int take_command(struct gw_draft *d, const char *word, int argc, char **argv, int *ret_used)
{
    struct gw_config *c = d->config;
    const struct gw_option *ask = NULL;
    *ret_used = 0;
    c->command = word ? find_command(word, argc, argv, ret_used) : GW_COMMAND_COUNT;
    if (c->command != GW_COMMAND_COUNT)
        return 0;
    if (!word)
        return refuse_usage(d, "a command is missing; `ktlsgate --help` lists them");
    if (gw_command_begins(word)) {
        ask = argc > 0 ? find_ask(argv[0]) : NULL;
        return ask ? ask->set(d, ask, NULL) : refuse_half(d, word);
    }
    ask = find_ask(word);
    return ask ? ask->set(d, ask, NULL) : refuse_command(d, word);
}

static int fill(struct gw_draft *d, const char *subcommand, int argc, char **argv)
{
    int at;
    int error = take_command(d, subcommand, argc, argv, &at);
    for (; !error && d->config->ask == GW_ASK_RUN && at < argc; at++)
        error = take_flag(d, argc, argv, &at);
    if (error || d->config->ask != GW_ASK_RUN)
        return error;
    error = set_defaults(d);
    return error ? error : gw_validate_draft(d);
}

static int start(struct gw_draft *d)
{
    d->config = calloc(1, sizeof(*d->config));
    d->service = calloc(1, sizeof(*d->service));
    if (!d->config || !d->service) {
        free(d->service);
        return gw_draft_refuse(d, GW_EXIT_OTHER, "out of memory");
    }
    d->config->services[d->config->service_count++] = d->service;
    d->service->name = "default";
    return 0;
}

static int parse(struct gw_config **ret, struct gw_draft *d, const char *subcommand, int argc,
                 char **argv)
{
    int error = start(d);
    if (!error)
        error = fill(d, subcommand, argc, argv);
    gw_draft_done(d);
    if (error) {
        gw_config_free(d->config);
        return error;
    }
    d->config->subcommand = subcommand;
    d->config->argc = argc;
    d->config->argv = argv;
    *ret = d->config;
    return 0;
}

int gw_config_parse(struct gw_config **ret_config, const char *subcommand, int argc, char **argv,
                    struct gw_error *err)
{
    struct gw_draft d = {.err = err};
    return parse(ret_config, &d, subcommand, argc, argv);
}

int gw_config_again(struct gw_config **ret, const struct gw_config *first,
                    struct gw_files *files gw_unused, struct gw_error *err)
{
    struct gw_draft d = {.err = err, .first = first};
    return parse(ret, &d, first->subcommand, first->argc, first->argv);
}
