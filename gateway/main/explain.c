/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/explain.h"

#include "gateway/base/log.h"
#include "gateway/base/wipe.h"
#include "gateway/config/pattern.h"
#include "gateway/config/place.h"
#include "gateway/route/terms.h"
#include "gateway/tls/explain.h"

#include <stdio.h>

static void print_value(const char *what, const char *value)
{
    printf("  %-12s %s\n", what, value);
}

static void print_unusable(const struct gw_identity *id)
{
    const struct gw_unusable *all = &id->unusable;
    for (unsigned i = 0; i < all->described; i++) {
        const struct gw_unusable_name *u = &id->unusables[i];
        printf("  %-12s %s '%s': %s", "unusable", gw_name_kind_word(u->kind), u->text, u->why);
        if (i + 1 == all->described && all->count > all->described)
            printf(" (and %u more)", all->count - all->described);
        (void)puts("");
    }
}

static void print_names(const char *path, const struct gw_identity *id)
{
    struct gw_name name;
    (void)puts(path);
    if (!id->present) {
        (void)puts("  its alternative names cannot be read");
        return;
    }
    for (size_t at = 0; gw_identity_next(id, &at, &name);)
        print_value(gw_name_kind_word(name.kind), name.text);
    print_unusable(id);
    print_value("fingerprint", id->fingerprint);
    print_value("spki", id->spki);
}

/* For example ", by allow-cn 'alice' for alice". */
static void print_rule(const struct gw_ruling *ruling)
{
    const struct gw_rule *rule = ruling->rule;
    if (!rule) {
        printf(": no rule matches any of its names\n");
        return;
    }
    printf(", by %s-%s", rule->deny ? "deny" : "allow", gw_pattern_kind_word(rule->kind));
    if (rule->pattern)
        printf(" '%s'", rule->pattern);
    if (ruling->name)
        printf(" for %s", ruling->name);
    (void)puts(ruling->doubt ? ", which cannot judge an unusable name" : "");
}

/* Prints the rules' decision alone; not for a target without rules. */
static void print_rules_alone(const struct gw_service *s, const struct gw_ruling *ruling)
{
    bool has_none = s->role == GW_ROLE_CLIENT && ruling->rule && !ruling->rule->pattern;
    if (has_none)
        return;
    printf("  by its names it would %s", ruling->pass ? "pass" : "be refused, too");
    print_rule(ruling);
}

static void print_bad_chain(const struct gw_service *s, const struct gw_explained *e,
                            const struct gw_ruling *ruling)
{
    printf("it is refused (%s)", gw_reason_info(e->reason)->word);
    if (!e->id.present) {
        (void)puts(": its alternative names cannot be read");
        return;
    }
    if (e->reason == GW_REASON_BACKEND_NAME)
        printf(": none of its alternative names is %s\n", s->tls.peer_name);
    else
        printf(
            ": %s%s\n",
            e->reason == GW_REASON_HANDSHAKE_CIPHER ? "" : "its chain is not valid now: ", e->why);
    print_rules_alone(s, ruling);
}

/* With one of two TLS versions it may pass though the other does not accept its key. */
static void print_without(const struct gw_explained *e)
{
    bool old = e->without[0] == 0x0303;
    if (e->without[0])
        printf("  but in TLS %s it is refused (%s): its key is on a curve that %s\n",
               old ? "1.2" : "1.3", gw_reason_info(GW_REASON_HANDSHAKE_CIPHER)->word,
               old ? "--groups does not name" : "that version has no signatures for");
}

/* By a rule or, without rules, by the name alone. */
static void print_target(const struct gw_service *s, const struct gw_ruling *ruling)
{
    if (!s->tls.peer_unnamed)
        printf(" as %s", s->tls.peer_name);
    if (ruling->rule->pattern)
        print_rule(ruling);
    else
        (void)puts("");
}

/* Prints and returns whether the service admits it. */
static bool print_service(const struct gw_terms *terms, const struct gw_explained *e)
{
    const struct gw_service *s = terms->service;
    bool is_client = s->role == GW_ROLE_CLIENT;
    if (!is_client && s->tls.verify == GW_VERIFY_NONE) {
        (void)puts("every client passes, no certificate is requested");
        return true;
    }
    struct gw_ruling ruling = gw_ruleset_judge(terms->rules, &e->id, false);
    if (e->reason) {
        print_bad_chain(s, e, &ruling);
        return false;
    }
    if (ruling.pass)
        printf("it passes");
    else
        printf("it is refused (%s)",
               gw_reason_info(gw_reason_in(s->role, GW_REASON_NOT_ALLOWED))->word);
    if (ruling.pass && is_client)
        print_target(s, &ruling);
    else
        print_rule(&ruling);
    print_without(e);
    return ruling.pass;
}

struct run {
    const struct gw_config *config;
    struct gw_files *files;
    bool named;  /* the names were printed */
    bool passes; /* some service admits it */
};

static int ask_service(struct run *run, const struct gw_service *s, struct gw_error *err)
{
    struct gw_explained e;
    struct gw_terms *terms = NULL;
    int r = gw_terms_new(&terms, s, NULL, run->files, err);
    if (!r)
        r = gw_explain(terms->tls, &s->tls, run->config->explain, run->files, &e, err);
    if (!r) {
        if (!run->named)
            print_names(run->config->explain, &e.id);
        run->named = true;
        printf("%s %s: ", s->role == GW_ROLE_SERVER ? "service" : "client", s->name);
        run->passes |= print_service(terms, &e);
        gw_explained_done(&e);
    }
    gw_terms_put(terms);
    return r;
}

enum gw_exit gw_explain_run(const struct gw_config *config, struct gw_error *err)
{
    struct run run = {.config = config, .files = gw_files_new()};
    int r = run.files ? 0 : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    gw_wipe_forbid_dumps(); /* before the first key is read */
    for (unsigned i = 0; !r && i < config->service_count; i++) {
        unsigned noted = gw_files_notes(run.files)->count;
        r = ask_service(&run, config->services[i], err);
        if (r)
            gw_place_error(config, i, err);
        gw_place_notes(config, i, gw_files_notes(run.files), noted);
    }
    if (run.files)
        gw_log_notes(gw_files_notes(run.files));
    gw_files_free(run.files);
    if (r)
        return err->exit;
    if (run.passes)
        return GW_EXIT_OK;
    *err = (struct gw_error){.exit = GW_EXIT_OTHER};
    return GW_EXIT_OTHER;
}
