/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/configfile.h"

#include "gateway/base/text.h"
#include "gateway/config/command.h"
#include "gateway/config/filetext.h"
#include "gateway/config/options.h"
#include "gateway/config/spelling.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The two kinds of section. */
static const struct kind {
    const char *word;
    enum gw_command command; /* the command whose flags are its keys */
    enum gw_role role;
} kinds[] = {
    {"service", GW_COMMAND_SERVER, GW_ROLE_SERVER},
    {"client", GW_COMMAND_CLIENT, GW_ROLE_CLIENT},
};

struct reading {
    struct gw_draft *whole;
    struct gw_drafts *drafts;
    const char *text; /* as libconfuse gets it */
    cfg_t *root;
    cfg_t *section; /* the section of the last draft; NULL: none yet */
    bool failed;    /* the error is already filled */
};

/* libconfuse passes no argument to its callbacks, and its scanner is global to the process anyway:
 * one file is read at a time. */
static struct reading *now;

static int failed(struct reading *r, int error)
{
    r->failed |= error != 0;
    return error;
}

/* ---- sections ---- */

static const struct kind *kind_of(const char *word)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].word, word) == 0)
            return &kinds[i];
    return NULL;
}

static int refuse_double(struct gw_draft *d, const char *name)
{
    return gw_draft_refuse(d, GW_EXIT_USAGE,
                           "there is a service '%s' already; give each its own name",
                           gw_draft_shown(name).text);
}

static int check_name(struct gw_draft *whole, const char *name)
{
    size_t len = strlen(name);
    if (!len || len >= GW_SERVICE_NAME_SIZE ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
        return gw_draft_refuse(whole, GW_EXIT_USAGE,
                               "'%s' cannot be the name of a service; give 1 to %d letters, digits "
                               "and . _ -",
                               gw_draft_shown(name).text, GW_SERVICE_NAME_SIZE - 1);
    for (unsigned i = 0; i < whole->config->service_count; i++)
        if (strcmp(whole->config->services[i]->name, name) == 0)
            return refuse_double(whole, name);
    if (whole->config->service_count == GW_MAX_SERVICES)
        return gw_draft_refuse(whole, GW_EXIT_USAGE, "more than %d services are described",
                               GW_MAX_SERVICES);
    return 0;
}

static int add_service(struct reading *r, const struct kind *kind, const char *name)
{
    struct gw_config *c = r->whole->config;
    struct gw_draft *d = calloc(1, sizeof(*d));
    struct gw_service *s = calloc(1, sizeof(*s));
    if (!d || !s) {
        free(d);
        free(s);
        return gw_draft_refuse(r->whole, GW_EXIT_OTHER, "out of memory");
    }
    c->services[c->service_count++] = s;
    r->drafts->of[r->drafts->count++] = d;
    *d = (struct gw_draft){
        .config = c,
        .service = s,
        .command = kind->command,
        .first = r->whole->first,
        .err = r->whole->err,
        .where = {.file = r->whole->where.file,
                  .line = (unsigned)r->root->line,
                  .kind = kind->word},
    };
    s->role = kind->role;
    s->line = d->where.line;
    s->name = d->where.name = gw_draft_keep(r->whole, name, strlen(name));
    s->tls.session_scope = s->name;
    if (s->name)
        return 0;
    s->name = "";
    return -ENOMEM;
}

/* The draft of a section, made on first use. NULL with the error filled. */
static struct gw_draft *draft_of(struct reading *r, cfg_t *section)
{
    if (section != r->section) {
        const char *name = cfg_title(section);
        r->whole->where.line = (unsigned)r->root->line;
        if (check_name(r->whole, name) || add_service(r, kind_of(cfg_name(section)), name))
            return NULL;
        r->section = section;
    }
    return r->drafts->of[r->drafts->count - 1];
}

/* Counts a section without keys too. */
static int on_section_end(cfg_t *root gw_unused, cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    return failed(now, draft_of(now, section) ? 0 : -EINVAL) ? -1 : 0;
}

/* ---- keys ---- */

/* `off` counts as given only here. Everywhere else it has no effect. */
static int take_switch(struct gw_draft *d, const struct gw_option *opt, const char *value)
{
    bool *was_off = &d->off[gw_option_index(opt)];
    bool off = strcmp(value, "off") == 0;
    if (!off && strcmp(value, "on") != 0)
        return gw_draft_refuse_value(d, opt, value, "give on or off");
    if (*was_off || (off && d->given[gw_option_index(opt)]))
        return gw_draft_refuse_twice(d, opt);
    *was_off = off;
    return off ? 0 : gw_draft_take(d, opt, NULL);
}

static int on_value(cfg_t *cfg, cfg_opt_t *confuse, const char *value, void *ret)
{
    bool global = cfg == now->root;
    struct gw_draft *d = global ? now->whole : draft_of(now, cfg);
    if (!d)
        return failed(now, -1);
    unsigned section_line = d->where.line;
    const char *name = cfg_opt_name(confuse);
    const struct gw_option *opt = gw_option_find(d->command, name, strlen(name));
    gw_require(opt);
    d->where.line = (unsigned)cfg->line;
    int error =
        opt->kind == GW_OPTION_SWITCH ? take_switch(d, opt, value) : gw_draft_take(d, opt, value);
    d->where.line = section_line;
    *(const char **)ret = ""; /* the value is now ours */
    return failed(now, error) ? -1 : 0;
}

/* ---- errors ---- */

static const struct gw_option *key_of(const struct kind *kind, const char *name, bool of_service)
{
    const struct gw_option *opt = gw_option_find(kind->command, name, strlen(name));
    return gw_option_is_key(opt, of_service) ? opt : NULL;
}

/* The section that was meant, possibly by the name of the command that serves it. */
static const struct kind *nearest_kind(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < GW_ARRAY_SIZE(kinds); i++) {
        int distance = gw_spelling_distance(kinds[i].word, strlen(kinds[i].word), name, len);
        if (gw_spelling_near(distance, len) ||
            strcmp(gw_command_info(kinds[i].command)->word, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* Returns 0 when no key is near. */
static int refuse_near(struct gw_draft *d, bool global, const char *name,
                       const struct gw_shown *shown)
{
    const char *bare = name + strspn(name, "-");
    const struct kind *kind = global ? nearest_kind(name) : NULL;
    const struct gw_option *near = gw_option_nearest(d->command, bare, strlen(bare));
    bool here = gw_option_is_key(near, !global);
    if (kind)
        return gw_draft_refuse(d, GW_EXIT_USAGE,
                               "unknown key '%s'; did you mean a section, %s NAME { … }?",
                               shown->text, kind->word);
    if (here && !strcmp(near->name, bare))
        return gw_draft_refuse(d, GW_EXIT_USAGE, "keys have no dashes before them; write %s", bare);
    if (here || gw_option_is_key(near, global))
        return gw_draft_refuse(d, GW_EXIT_USAGE, "unknown key '%s'; did you mean %s%s?",
                               shown->text, near->name,
                               here     ? ""
                               : global ? ", in a section"
                                        : ", before the sections");
    return 0;
}

static int refuse_key(struct gw_draft *d, cfg_t *cfg, const char *name)
{
    bool global = cfg == now->root;
    const struct kind *kind = kind_of(cfg_name(cfg));
    struct gw_shown shown = gw_draft_shown(name);
    for (size_t i = 0; i < GW_ARRAY_SIZE(kinds); i++)
        if (global && key_of(&kinds[i], name, true))
            return gw_draft_refuse(d, GW_EXIT_USAGE,
                                   "'%s' describes a service; write it into a section, such as "
                                   "%s NAME { … }",
                                   shown.text, kinds[i].word);
    for (size_t i = 0; !global && i < GW_ARRAY_SIZE(kinds); i++)
        if (key_of(&kinds[i], name, true))
            return gw_draft_refuse(d, GW_EXIT_USAGE, "'%s' is a key of a %s, not of a %s",
                                   shown.text, kinds[i].word, kind->word);
    if (!global && key_of(&kinds[0], name, false))
        return gw_draft_refuse(d, GW_EXIT_USAGE,
                               "'%s' applies to the whole gateway; write it before the sections",
                               shown.text);
    int refused = refuse_near(d, global, name, &shown);
    if (refused)
        return refused;
    return gw_draft_refuse(d, GW_EXIT_USAGE,
                           "unknown key '%s'; keys are the flags that `ktlsgate help %s` lists, "
                           "without their dashes",
                           shown.text,
                           kind ? kind->word[0] == 's' ? "server" : "client" : "server");
}

/* Refuses a key without a value, in its own line: libconfuse has read the next word by now. */
static int refuse_valueless(struct gw_draft *d, const char *name)
{
    const struct gw_option *opt = gw_option_find(d->command, name, strlen(name));
    unsigned line = gw_filetext_valueless(now->text, name);
    char values[128];
    struct gw_text t = gw_text_in(values, sizeof(values));
    gw_require(opt);
    if (line)
        d->where.line = line;
    gw_text_append(&t, "%s", opt->words ? "" : opt->value ? opt->value : "on or off");
    for (unsigned i = 0; opt->words && opt->words[i]; i++)
        gw_text_append(&t, "%s%s", i == 0 ? "" : opt->words[i + 1] ? ", " : " or ", opt->words[i]);
    return gw_draft_refuse(d, GW_EXIT_USAGE, "%s needs a value: %s", name, values);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list args) gw_printf(2, 0);

/* Reports only errors that our own callbacks have not reported. */
static void on_error(cfg_t *cfg, const char *fmt, va_list args)
{
    struct reading *r = now;
    char words[256];
    if (r->failed)
        return;
    bool global = cfg == r->root;
    struct gw_draft *d = global ? r->whole : draft_of(r, cfg);
    r->failed = true;
    if (!d)
        return;
    d->where.line = (unsigned)cfg->line;
    if (strcmp(fmt, "no such option '%s'") == 0) {
        (void)refuse_key(d, cfg, va_arg(args, const char *));
        return;
    }
    if (strcmp(fmt, "missing equal sign after option '%s'") == 0) {
        (void)refuse_valueless(d, va_arg(args, const char *));
        return;
    }
    if (strcmp(fmt, "found duplicate title '%s'") == 0) {
        (void)refuse_double(d, va_arg(args, const char *));
        return;
    }
    (void)vsnprintf(words, sizeof(words), fmt, args);
    (void)gw_draft_refuse(d, GW_EXIT_USAGE, "%s%s", gw_draft_shown(words).text,
                          strstr(words, "','") ? "; quotes are needed around a value with a comma"
                                               : "");
}

/* ---- the grammar, from the option table ---- */

static cfg_opt_t *add_keys(cfg_opt_t *at, enum gw_command command, bool of_service)
{
    for (unsigned i = 0; i < gw_option_count(); i++) {
        const struct gw_option *opt = gw_option_at(i);
        cfg_opt_t one = CFG_STR_CB(opt->name, NULL, CFGF_NODEFAULT, on_value);
        cfg_opt_t list = CFG_STR_LIST_CB(opt->name, NULL, CFGF_NODEFAULT, on_value);
        if (opt->commands & 1u << command && gw_option_is_key(opt, of_service))
            *at++ = opt->repeatable ? list : one;
    }
    return at;
}

/* Without the last flag a second section of the same name would replace the first. */
#define SECTION (CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

static cfg_t *make_grammar(void)
{
    static const cfg_opt_t end = CFG_END();
    static cfg_opt_t keys[GW_ARRAY_SIZE(kinds)][GW_OPTIONS_MAX + 1];
    static cfg_opt_t top[GW_OPTIONS_MAX + GW_ARRAY_SIZE(kinds) + 1];
    cfg_opt_t *at = add_keys(top, GW_COMMAND_SERVER, false);
    for (size_t i = 0; i < GW_ARRAY_SIZE(kinds); i++) {
        cfg_opt_t section = CFG_SEC(kinds[i].word, keys[i], SECTION);
        *add_keys(keys[i], kinds[i].command, true) = end;
        section.validcb = on_section_end;
        *at++ = section;
    }
    *at = end;
    return cfg_init(top, CFGF_NONE);
}

static int parse(struct reading *r, const char *text)
{
    r->root = make_grammar();
    if (!r->root)
        return gw_draft_refuse(r->whole, GW_EXIT_OTHER, "out of memory");
    (void)cfg_set_error_function(r->root, on_error);
    r->text = text;
    now = r;
    int error = *text ? cfg_parse_buf(r->root, text) : CFG_SUCCESS;
    now = NULL;
    (void)cfg_free(r->root);
    if (error == CFG_SUCCESS)
        return 0;
    if (!r->failed)
        return gw_draft_refuse(r->whole, GW_EXIT_OTHER, "out of memory");
    return r->whole->err && r->whole->err->exit == GW_EXIT_USAGE ? -EINVAL : -EIO;
}

/* ---- the file ---- */

/* Who can change the file's contents beside root and the user that this process runs as. NULL:
 * nobody. */
static const char *who_else_writes(const struct gw_file *file)
{
    if (file->owner && file->owner != geteuid())
        return "another user, its owner, may write to it";
    if (file->mode & 002)
        return "everybody may write to it";
    return file->mode & 020 ? "its group may write to it" : NULL;
}

static int read_text(struct gw_draft *whole, const char *path, struct gw_files *files, char **ret)
{
    struct gw_file file;
    struct gw_filetext_error bad;
    int error = gw_files_read(files, path, GW_CONFIGFILE_MAX, &file);
    if (error)
        return gw_draft_refuse(whole, GW_EXIT_START, "the file cannot be read: %s",
                               error == -EFBIG ? "it is larger than 32 MiB" : strerror(-error));
    const char *writer = who_else_writes(&file);
    if (writer && gw_draft_warn(whole, "%s, and so decide who may pass", writer))
        return -ENOMEM;
    error = gw_filetext_clean((const char *)file.data, file.len, ret, &bad);
    if (error == -ENOMEM)
        return gw_draft_refuse(whole, GW_EXIT_OTHER, "out of memory");
    whole->where.line = error ? bad.line : 0;
    return error ? gw_draft_refuse(whole, GW_EXIT_USAGE, "%s", bad.why) : 0;
}

int gw_configfile_read(struct gw_draft *whole, const char *path, struct gw_files *files,
                       struct gw_drafts *ret)
{
    struct reading r = {.whole = whole, .drafts = ret};
    struct gw_files *own = files ? NULL : gw_files_new();
    char *text = NULL;
    ret->count = 0;
    whole->where = (struct gw_where){.file = path};
    int error = files || own ? read_text(whole, path, files ? files : own, &text)
                             : gw_draft_refuse(whole, GW_EXIT_OTHER, "out of memory");
    if (!error)
        error = parse(&r, text);
    whole->where.line = 0;
    if (!error && !ret->count)
        error = gw_draft_refuse(whole, GW_EXIT_USAGE,
                                "no service is described; write a section for each, such as "
                                "service NAME { … }");
    free(text);
    gw_files_free(own);
    return error;
}

void gw_drafts_done(struct gw_drafts *drafts)
{
    while (drafts->count > 0) {
        gw_draft_done(drafts->of[--drafts->count]);
        free(drafts->of[drafts->count]);
    }
}
