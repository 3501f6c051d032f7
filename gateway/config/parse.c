/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/parse.h"

#include "gateway/base/text.h"
#include "gateway/config/again.h"
#include "gateway/config/command.h"
#include "gateway/config/configfile.h"
#include "gateway/config/draft.h"
#include "gateway/config/options.h"
#include "gateway/config/set.h"
#include "gateway/config/validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define refuse_usage(d, ...) gw_draft_refuse(d, GW_EXIT_USAGE, __VA_ARGS__)

/* One argument taken apart. */
struct flag {
    const char *name; /* without dashes, of len bytes */
    size_t len;
    const char *value; /* after '='; NULL: none */
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

/* One file describes both roles, so a flag of the other command does not exist here. */
static const char *why_there(enum gw_command there, const struct flag *f, enum gw_command here)
{
    const struct gw_option *opt = gw_option_find(there, f->name, f->len);
    if (opt->set != gw_set_config || (here != GW_COMMAND_CLIENT && here != GW_COMMAND_CHECK_CLIENT))
        return "";
    return here == GW_COMMAND_CLIENT
               ? "; run `ktlsgate server --config FILE`, which runs the client sections of the "
                 "file, too"
               : "; run `ktlsgate check --config FILE`, which checks the client sections of the "
                 "file, too";
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
        return refuse_usage(d, "'%s' is a flag of `ktlsgate %s`, not of `ktlsgate %s`%s",
                            shown.text, gw_command_info(other)->word, command_word(d),
                            why_there(other, f, d->config->command));
    if (near)
        return refuse_usage(d, "unknown flag '%s'; did you mean --%s?", shown.text, near->name);
    return refuse_usage(d, "unknown flag '%s'; `ktlsgate %s --help` lists its flags", shown.text,
                        command_word(d));
}

/* Whether an argument may be the value of the flag before it. */
static bool may_be_value(const struct gw_option *opt, const char *arg)
{
    return arg && strncmp(arg, "--", opt->alone ? 1 : 2) != 0;
}

/* The value after '=' or, from *at, the next argument, or the flag's value when none is given. NULL
 * with the error filled. */
static const char *find_value(struct gw_draft *d, const struct gw_option *opt, const struct flag *f,
                              int argc, char **argv, int *at)
{
    const char *what = opt->value ? opt->value : "a value";
    if (f->value)
        return f->value;
    const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
    if (may_be_value(opt, next)) {
        ++*at;
        return next;
    }
    if (opt->alone)
        return opt->alone;
    if (!next)
        (void)refuse_usage(d, "--%s: the value is missing; give %s", opt->name, what);
    else
        (void)refuse_usage(d,
                           "--%s: the value is missing before '%s'; give %s, or --%s=VALUE if it "
                           "begins with dashes",
                           opt->name, gw_draft_shown(next).text, what, opt->name);
    return NULL;
}

/* Takes a word without a flag, if the command has a flag that may be omitted. */
static int take_bare(struct gw_draft *d, const char *word)
{
    const struct gw_option *opt = gw_option_bare(d->config->command);
    if (d->given[gw_option_index(opt)])
        return refuse_usage(d, "'%s' is one %s too many; give one", gw_draft_shown(word).text,
                            opt->value);
    return gw_draft_take(d, opt, word);
}

/* Whether the words before this one are a flag and the first of the names that a shell put in place
 * of a pattern. */
static bool follows_pattern(const struct gw_draft *d, char **argv, int at)
{
    if (at < 2 || argv[at - 2][0] != '-')
        return false;
    struct flag f = split(argv[at - 2]);
    const struct gw_option *opt = gw_option_find(d->config->command, f.name, f.len);
    return opt && !f.value &&
           (opt->kind == GW_OPTION_PATTERN || strcmp(opt->name, "cert-glob") == 0);
}

static int take_flag(struct gw_draft *d, int argc, char **argv, int *at)
{
    const char *arg = argv[*at];
    struct flag f = split(arg);
    if (arg[0] != '-' && gw_option_bare(d->config->command))
        return take_bare(d, arg);
    if (arg[0] != '-' && follows_pattern(d, argv, *at))
        return refuse_usage(d,
                            "'%s' is not expected here, after the value of %s; put quotes around a "
                            "value with *, or the shell replaces it",
                            gw_draft_shown(arg).text, argv[*at - 2]);
    if (arg[0] != '-')
        return refuse_usage(d,
                            "'%s' is not expected here; every setting is a flag, see "
                            "`ktlsgate %s --help`",
                            gw_draft_shown(arg).text, command_word(d));
    const struct gw_option *opt = gw_option_find(d->config->command, f.name, f.len);
    if (!opt || f.name != arg + 2)
        return refuse_unknown(d, &f, arg);
    if (opt->kind == GW_OPTION_SWITCH && f.value)
        return refuse_usage(d, "--%s takes no value; write it without '='", opt->name);
    if (opt->kind == GW_OPTION_SWITCH)
        return gw_draft_take(d, opt, NULL);
    const char *value = find_value(d, opt, &f, argc, argv, at);
    return value ? gw_draft_take(d, opt, value) : -EINVAL;
}

/* Whether the row sets a default for this command: its own rows, and those whose name the command
 * does not take, so that every setting has a value. A command that does not listen gets no
 * addresses. */
static bool speaks_for(enum gw_command command, const struct gw_option *opt)
{
    const struct gw_option *own = gw_option_find(command, opt->name, strlen(opt->name));
    return own == opt || (!own && opt->kind != GW_OPTION_ADDRESS);
}

/* The settings that a draft decides. */
enum scope {
    SCOPE_SERVICE = 1,
    SCOPE_WHOLE = 2,
    SCOPE_BOTH = SCOPE_SERVICE | SCOPE_WHOLE,
};

/* A setting of each service may have a value for all in `whole`. */
static int set_defaults(struct gw_draft *d, enum scope scope, const struct gw_draft *whole)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        enum scope own = gw_option_of_service(opt) ? SCOPE_SERVICE : SCOPE_WHOLE;
        if (!(own & scope) || !opt->initial || d->given[i] || !speaks_for(d->command, opt))
            continue;
        const char *of_each = gw_draft_of_each(whole, opt);
        int error = opt->set(d, opt, of_each ? of_each : opt->initial);
        if (error)
            return error;
    }
    return 0;
}

/* Refuses the first word of a two-word command, listing the second words. */
static int refuse_half(struct gw_draft *d, const char *word)
{
    char all[128];
    struct gw_text text = gw_text_in(all, sizeof(all));
    unsigned family = gw_command_family(word);
    for (unsigned i = 0; i < GW_COMMAND_COUNT; i++)
        if (family & 1u << i)
            gw_text_append(&text, "%s%s", *all ? ", " : "",
                           gw_command_info((enum gw_command)i)->word + strlen(word) + 1);
    return refuse_usage(d, "`ktlsgate %s` needs one of these words after it: %s", word, all);
}

static int refuse_command(struct gw_draft *d, const char *word)
{
    struct flag f = split(word);
    const struct gw_option *opt = gw_option_find(GW_COMMAND_COUNT, f.name, f.len);
    enum gw_command near = gw_command_nearest(f.name);
    struct gw_shown shown = gw_draft_shown(word);
    if (opt)
        return refuse_usage(d, "unknown command '%s'; did you mean --%s?", shown.text, opt->name);
    if (near != GW_COMMAND_COUNT)
        return refuse_usage(d, "unknown command '%s'; did you mean %s?", shown.text,
                            gw_command_info(near)->word);
    return refuse_usage(d, "unknown command '%s'; `ktlsgate --help` lists the commands",
                        shown.text);
}

/* --help or --version without a command. NULL: neither. */
static const struct gw_option *find_ask(const char *word)
{
    struct flag f = split(word);
    return f.name == word + 2 && !f.value ? gw_option_find(GW_COMMAND_COUNT, f.name, f.len) : NULL;
}

/* Finds a command of one or two words: `check` is for the server's flags, `check client` for the
 * client's. *ret_used: the number of arguments used. */
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
    if (gw_command_family(word)) {
        ask = argc > 0 ? find_ask(argv[0]) : NULL;
        return ask ? ask->set(d, ask, NULL) : refuse_half(d, word);
    }
    ask = find_ask(word);
    return ask ? ask->set(d, ask, NULL) : refuse_command(d, word);
}

static int take_flags(struct gw_draft *d, int argc, char **argv)
{
    int error = 0;
    for (int at = 0; !error && d->config->ask == GW_ASK_RUN && at < argc; at++)
        error = take_flag(d, argc, argv, &at);
    return error;
}

/* ---- with --config ---- */

static int refuse_service_flags(struct gw_draft *d)
{
    for (unsigned i = 0; i < gw_option_count(); i++)
        if (d->given[i] && gw_option_of_service(gw_option_at(i)) && !gw_option_at(i)->of_each)
            return refuse_usage(d,
                                "--%s describes a service, and with --config the services are in "
                                "the file; write it into the section there",
                                gw_option_at(i)->name);
    return 0;
}

static int set_all_defaults(struct gw_draft *d, const struct gw_drafts *services)
{
    int error = set_defaults(d, SCOPE_WHOLE, d);
    for (unsigned i = 0; !error && i < services->count; i++)
        error = set_defaults(services->of[i], SCOPE_SERVICE, d);
    return error;
}

/* The flags were read once, to be checked. Those for the whole gateway are applied again after the
 * file, so that they take precedence. */
static int take_services(struct gw_draft *d, struct gw_drafts *services, struct gw_files *files,
                         int argc, char **argv)
{
    unsigned in_file[GW_OPTIONS_MAX];
    memset(d->given, 0, sizeof(d->given));
    int error = gw_configfile_read(d, d->config_file, files, services);
    if (error)
        return error;
    const struct gw_where file = d->where;
    d->where = (struct gw_where){.file = NULL};
    memcpy(in_file, d->given, sizeof(in_file));
    memset(d->given, 0, sizeof(d->given));
    error = take_flags(d, argc, argv);
    for (unsigned i = 0; i < GW_OPTIONS_MAX; i++)
        d->given[i] += in_file[i];
    d->where = file;
    if (!error)
        error = set_all_defaults(d, services);
    return error ? error : gw_validate_drafts(d, services->of, services->count);
}

/* The services of the file replace the one that flags would describe, to which setters still write
 * the values for all services. */
static int take_file(struct gw_draft *d, struct gw_drafts *services, struct gw_files *files,
                     int argc, char **argv)
{
    int error = refuse_service_flags(d);
    if (error)
        return error;
    struct gw_service *of_each = d->service;
    d->config->service_count = 0;
    error = take_services(d, services, files, argc, argv);
    d->service = NULL;
    free(of_each);
    return error;
}

static int fill(struct gw_draft *d, struct gw_files *files, int argc, char **argv)
{
    d->command = d->config->command;
    int error = take_flags(d, argc, argv);
    if (error || d->config->ask != GW_ASK_RUN)
        return error;
    if (d->config_file) {
        struct gw_drafts services = {.count = 0};
        error = take_file(d, &services, files, argc, argv);
        gw_drafts_done(&services);
        return error;
    }
    error = set_defaults(d, SCOPE_BOTH, d);
    return error ? error : gw_validate_drafts(d, &d, 1);
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
    d->service->name = d->service->tls.session_scope = "default";
    return 0;
}

static int parse(struct gw_config **ret, struct gw_draft *d, struct gw_files *files,
                 const char *subcommand, int argc, char **argv)
{
    int used = 0;
    int error = start(d);
    if (!error)
        error = take_command(d, subcommand, argc, argv, &used);
    if (!error && d->config->ask == GW_ASK_RUN)
        error = fill(d, files, argc - used, argv + used);
    gw_draft_done(d);
    if (error) {
        gw_config_free(d->config);
        return error;
    }
    d->config->config_file = d->config_file;
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
    return parse(ret_config, &d, NULL, subcommand, argc, argv);
}

int gw_config_again(struct gw_config **ret, const struct gw_config *first, struct gw_files *files,
                    struct gw_error *err)
{
    struct gw_draft d = {.err = err, .first = first};
    return parse(ret, &d, files, first->subcommand, first->argc, first->argv);
}
