/* SPDX-License-Identifier: Apache-2.0 */
/* The rules judged one after the other, as simply as it can be said: what the compiled set is
 * compared with, in the unit test and the fuzzer. */
#pragma once

#include "gateway/config/pattern.h"
#include "gateway/tls/identity.h"

#include <string.h>
#include <strings.h>

enum {
    LINEAR_NOBODY = -1000000
};

/* Parts of both from the front; `rest` stands for at least `rest_min` parts. */
static inline bool linear_parts(const char *p, const char *n, char separator, bool rest_min_0)
{
    size_t plen = strcspn(p, (char[]){separator, 0});
    size_t nlen = strcspn(n, (char[]){separator, 0});
    if (!strcmp(p, "**"))
        return true;
    bool same = plen == 1 && *p == '*' ? nlen > 0 : plen == nlen && !memcmp(p, n, nlen);
    if (!same)
        return false;
    if (!p[plen] || !n[nlen])
        return !p[plen] ? !n[nlen] : rest_min_0 && !strcmp(p + plen + 1, "**");
    return linear_parts(p + plen + 1, n + nlen + 1, separator, rest_min_0);
}

static inline bool linear_uri(const char *pattern, const char *name)
{
    char text[8192];
    size_t len = strlen(name);
    gw_require(len < sizeof(text));
    memcpy(text, name, len + 1);
    if (len > 1 && text[len - 1] == '/')
        text[len - 1] = '\0';
    return linear_parts(pattern, text, '/', true);
}

/* Both from their ends: turned around, and so is every label in them. */
static inline bool linear_dns(const char *pattern, const char *name)
{
    char p[GW_PATTERN_BYTES_MAX];
    char n[GW_PATTERN_BYTES_MAX];
    size_t plen = strlen(pattern);
    size_t nlen = strlen(name);
    if (plen >= sizeof(p) || nlen >= sizeof(n) || nlen > 253)
        return false;
    for (size_t i = 0; i < plen; i++)
        p[i] = pattern[plen - 1 - i];
    for (size_t i = 0; i < nlen; i++)
        n[i] =
            (char)(name[nlen - 1 - i] >= 'A' && name[nlen - 1 - i] <= 'Z' ? name[nlen - 1 - i] + 32
                                                                          : name[nlen - 1 - i]);
    p[plen] = n[nlen] = '\0';
    return linear_parts(p, n, '.', false);
}

static inline bool linear_ip(const char *pattern, const char *name)
{
    struct gw_net net;
    struct gw_net host;
    const char *why;
    if (gw_net_read(pattern, &net, &why) || gw_net_read(name, &host, &why) || net.len != host.len)
        return false;
    for (unsigned bit = 0; bit < net.bits; bit++)
        if ((net.bytes[bit / 8] ^ host.bytes[bit / 8]) & 0x80 >> bit % 8)
            return false;
    return true;
}

static inline bool linear_email(const char *pattern, const char *name)
{
    const char *p = strrchr(pattern, '@');
    const char *n = strrchr(name, '@');
    return n && !strcasecmp(p, n) && strlen(n) <= 254 &&
           ((p == pattern + 1 && *pattern == '*' && n > name) ||
            (p - pattern == n - name && !memcmp(pattern, name, (size_t)(n - name))));
}

static inline bool linear_name(enum gw_rule_kind kind, const char *normal,
                               const struct gw_name *name)
{
    switch (name->kind) {
    case GW_NAME_CN:
        return kind == GW_RULE_CN && !strcmp(normal, name->text);
    case GW_NAME_OU:
        return kind == GW_RULE_OU && !strcmp(normal, name->text);
    case GW_NAME_DNS:
        return kind == GW_RULE_DNS && linear_dns(normal, name->text);
    case GW_NAME_URI:
        return kind == GW_RULE_URI && linear_uri(normal, name->text);
    case GW_NAME_IP:
        return kind == GW_RULE_IP && linear_ip(normal, name->text);
    case GW_NAME_EMAIL:
        return kind == GW_RULE_EMAIL && linear_email(normal, name->text);
    case GW_NAME_KIND_COUNT:
        break;
    }
    return false;
}

static inline bool linear_matches(const struct gw_rule *rule, const struct gw_identity *id)
{
    char normal[GW_PATTERN_BYTES_MAX];
    const char *why;
    unsigned cns = 0;
    struct gw_name name;
    if (rule->kind == GW_RULE_ALL)
        return true;
    gw_require(!gw_pattern_read(rule->kind, rule->pattern, normal, &why));
    if (rule->kind == GW_RULE_FINGERPRINT)
        return !strcmp(normal, id->fingerprint);
    if (rule->kind == GW_RULE_SPKI)
        return !strcmp(normal, id->spki);
    for (size_t at = 0; gw_identity_next(id, &at, &name);) {
        cns += name.kind == GW_NAME_CN;
        bool counts = rule->deny || name.kind != GW_NAME_CN || cns == 1;
        if (counts && linear_name(rule->kind, normal, &name))
            return true;
    }
    return false;
}

/* Whether the identity has an unusable name of the rule's kind. */
static inline bool linear_doubts(const struct gw_rule *rule, const struct gw_identity *id)
{
    for (unsigned kind = 0; kind < GW_NAME_KIND_COUNT; kind++)
        if (id->unusable.kinds & 1U << kind &&
            !strcmp(gw_pattern_kind_word(rule->kind), gw_name_kind_word((enum gw_name_kind)kind)))
            return true;
    return false;
}

/* The number of the rule that lets in; -1 - number of one that refuses; LINEAR_NOBODY. */
static inline int linear_judge(const struct gw_rule *rules, unsigned count,
                               const struct gw_identity *id)
{
    for (unsigned i = 0; i < count; i++)
        if (rules[i].deny && linear_matches(&rules[i], id))
            return -1 - (int)i;
    for (unsigned i = 0; i < count; i++)
        if (rules[i].deny && linear_doubts(&rules[i], id))
            return -1 - (int)i;
    for (unsigned i = 0; i < count; i++)
        if (!rules[i].deny && linear_matches(&rules[i], id))
            return (int)i;
    return LINEAR_NOBODY;
}
