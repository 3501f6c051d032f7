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

void gw_place_sentence(const struct gw_where *w, char sentence[static GW_SENTENCE_MAX])
{
    char where[GW_SENTENCE_MAX / 2];
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
    (void)snprintf(sentence, GW_SENTENCE_MAX, "%s %.*s", where,
                   (int)(GW_SENTENCE_MAX - strlen(where) - 2), what);
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

void gw_place_error(const struct gw_config *config, unsigned service, struct gw_error *err)
{
    const struct gw_service *s = config->services[service];
    struct gw_where where = {
        .file = config->config_file,
        .line = s->line,
        .kind = s->role == GW_ROLE_SERVER ? "service" : "client",
        .name = s->name,
    };
    size_t longest = 0;
    for (unsigned i = 0; err && i < config->place_count; i++) {
        const struct gw_place *p = &config->places[i];
        size_t len = p->service == service ? names(err->text, p) : 0;
        if (len <= longest)
            continue;
        longest = len;
        where.line = p->line;
    }
    if (err)
        gw_place_sentence(&where, err->text);
}
