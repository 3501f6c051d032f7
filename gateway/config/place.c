/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/place.h"

#include "gateway/config/draft.h"
#include "gateway/config/options.h"

#include <stdio.h>
#include <string.h>

/* Length of the flag name at `at`, after its dashes. 0: none. */
static size_t flag_at(const char *at)
{
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
    for (unsigned i = 0; i < gw_option_count(); i++)
        if (strlen(gw_option_at(i)->name) == len && !strncmp(gw_option_at(i)->name, at, len))
            return len;
    return !strncmp(at, "allow flag", 10) || !strncmp(at, "deny flag", 9) ? 1 : 0;
}

/* Keys of a file have no dashes. */
static void drop_dashes(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (at[0] == '-' && at[1] == '-' && flag_at(at + 2))
            at += 2;
        *to++ = *at;
    }
    *to = '\0';
}

void gw_place_sentence(const struct gw_where *w, char *sentence, size_t size)
{
    char where[GW_SENTENCE_MAX / 4];
    char what[GW_SENTENCE_MAX];
    int len = 0;
    if (!w->file)
        return;
    drop_dashes(sentence);
    (void)snprintf(what, sizeof(what), "%s", sentence);
    len = snprintf(where, sizeof(where), "%s:", gw_draft_shown(w->file).text);
    if (w->line)
        len += snprintf(where + len, sizeof(where) - (size_t)len, "%u:", w->line);
    if (w->kind)
        (void)snprintf(where + len, sizeof(where) - (size_t)len, " %s %s:", w->kind, w->name);
    (void)snprintf(sentence, size, "%s %.*s", where, (int)(size - strlen(where) - 2), what);
}

/* The length of the sentence's beginning that names this value of the flag, including a file in a
 * folder. 0: it begins with something else. */
static size_t names(const char *sentence, const struct gw_place *p)
{
    size_t flag = strlen(p->name);
    size_t value = strlen(p->value);
    if (strncmp(sentence, "--", 2) != 0 || strncmp(sentence + 2, p->name, flag) != 0 ||
        sentence[2 + flag] != ' ' || strncmp(sentence + 3 + flag, p->value, value) != 0)
        return 0;
    char behind = sentence[3 + flag + value];
    return behind == ':' || behind == '/' || behind == ' ' ? value : 0;
}

/* The place of the value that `fault` begins with, else that of the section. */
static struct gw_where find(const struct gw_config *config, unsigned service, const char *fault)
{
    const struct gw_service *s = config->services[service];
    struct gw_where where = {
        .file = config->config_file,
        .line = s->line,
        .kind = s->role == GW_ROLE_SERVER ? "service" : "client",
        .name = s->name,
    };
    size_t longest = 0;
    for (unsigned i = 0; i < config->place_count; i++) {
        const struct gw_place *p = &config->places[i];
        size_t len = p->service == service ? names(fault, p) : 0;
        if (len <= longest)
            continue;
        longest = len;
        where.line = p->line;
    }
    return where;
}

void gw_place_error(const struct gw_config *config, unsigned service, struct gw_error *err)
{
    if (!err)
        return;
    struct gw_where where = find(config, service, err->text);
    gw_place_sentence(&where, err->text, sizeof(err->text));
}

void gw_place_notes(const struct gw_config *config, unsigned service, struct gw_notes *notes,
                    unsigned from)
{
    for (unsigned i = from; config->config_file && i < notes->count;) {
        char text[GW_NOTES_TEXT_MAX];
        (void)snprintf(text, sizeof(text), "%s", notes->all[i]);
        const char *fault = strstr(text, "--");
        struct gw_where where = find(config, service, fault ? fault : text);
        gw_place_sentence(&where, text, sizeof(text));
        i += gw_notes_change(notes, i, text);
    }
}
