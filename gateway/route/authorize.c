/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route/authorize.h"

#include <string.h>
#include <strings.h>

/* The part at *at, up to the next '/'; steps over both. False past the last part. */
static bool next_part(const char **at, const char **ret_part, size_t *ret_len)
{
    if (!*at)
        return false;
    *ret_part = *at;
    *ret_len = strcspn(*at, "/");
    *at = (*at)[*ret_len] ? *at + *ret_len + 1 : NULL;
    return true;
}

static bool is_last(const char *at)
{
    return !at || !*at; /* nothing follows, or the one '/' that makes no difference */
}

static bool is_word(const char *part, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(part, word, len) == 0;
}

static bool uri_matches(const char *pattern, const char *uri)
{
    const char *part;
    const char *have;
    size_t part_len;
    size_t have_len;
    const char *end = pattern + strlen(pattern);
    bool slash_at_end = end - pattern > 1 && end[-1] == '/';
    for (const char *at = pattern; next_part(&at, &part, &part_len);) {
        if (slash_at_end && part == end)
            break;
        if (is_last(at) && is_word(part, part_len, "**"))
            return true;
        if (!next_part(&uri, &have, &have_len))
            return false;
        if (is_word(part, part_len, "*")
                ? have_len == 0
                : part_len != have_len || memcmp(part, have, part_len) != 0)
            return false;
    }
    return is_last(uri);
}

static bool text_matches(const char *pattern, const char *name)
{
    return strcmp(pattern, name) == 0;
}

static bool dns_matches(const char *pattern, const char *name)
{
    return strcasecmp(pattern, name) == 0;
}

static const struct matcher {
    enum gw_name_kind name;
    bool first_only;
    bool (*matches)(const char *pattern, const char *name);
} matchers[] = {
    [GW_RULE_CN] = {GW_NAME_CN, true, text_matches},
    [GW_RULE_OU] = {GW_NAME_OU, false, text_matches},
    [GW_RULE_DNS] = {GW_NAME_DNS, false, dns_matches},
    [GW_RULE_URI] = {GW_NAME_URI, false, uri_matches},
};

static bool rule_matches(const struct gw_rule *rule, const struct gw_identity *id)
{
    if (rule->kind == GW_RULE_ALL)
        return true;
    if ((unsigned)rule->kind >= GW_ARRAY_SIZE(matchers) || !rule->pattern || !*rule->pattern)
        return false;
    const struct matcher *m = &matchers[rule->kind];
    for (unsigned i = 0; i < id->name_count; i++) {
        if (id->names[i].kind != m->name)
            continue;
        if (m->matches(rule->pattern, id->names[i].text))
            return true;
        if (m->first_only)
            return false;
    }
    return false;
}

const struct gw_rule *gw_authorize(const struct gw_rule *rules, unsigned count,
                                   const struct gw_identity *id, bool absent_ok)
{
    for (unsigned i = 0; i < count; i++) {
        if (id->present ? rule_matches(&rules[i], id) : absent_ok && rules[i].kind == GW_RULE_ALL)
            return &rules[i];
    }
    return NULL;
}

static bool uri_pattern_ok(const char *pattern)
{
    const char *part;
    size_t len;
    for (const char *at = pattern; next_part(&at, &part, &len);) {
        if (is_word(part, len, "*") || (is_word(part, len, "**") && is_last(at)))
            continue;
        if (memchr(part, '*', len))
            return false;
    }
    return true;
}

bool gw_authorize_pattern_ok(enum gw_rule_kind kind, const char *pattern)
{
    if (kind == GW_RULE_ALL)
        return !pattern;
    if (!pattern || !*pattern)
        return false;
    if (kind == GW_RULE_DNS)
        return !strchr(pattern, '*');
    return kind != GW_RULE_URI || uri_pattern_ok(pattern);
}
