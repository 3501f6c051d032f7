/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/named.h"

#include <string.h>

struct names {
    const struct gw_config *config;
    const char *text;
    size_t len;
};

/* A character that may surround a word in a configuration file (gateway/config/filetext.h). */
static bool separates(char c)
{
    static const char around[] = {' ', '\t', '\r', '\n', '{', '}', '=', ',', '"', '\''};
    return memchr(around, c, sizeof(around));
}

/* Whether the place follows a # on its line outside quotes, which end on their line. */
static bool is_comment(const char *text, const char *at)
{
    const char *from = at;
    char quote = '\0';
    while (from > text && from[-1] != '\n')
        from--;
    for (; from < at; from++) {
        if (!quote && *from == '#')
            return true;
        if (quote == '"' && *from == '\\')
            from++;
        else if (quote ? *from == quote : *from == '"' || *from == '\'')
            quote = quote ? '\0' : *from;
    }
    return false;
}

static bool is_in_text(const struct names *n, const char *word, size_t len)
{
    const char *end = n->text + n->len;
    const char *from = n->text;
    const char *at;
    while ((at = memmem(from, (size_t)(end - from), word, len))) {
        if ((at == n->text || separates(at[-1])) && (at + len == end || separates(at[len])) &&
            !is_comment(n->text, at))
            return true;
        from = at + 1;
    }
    return false;
}

static bool is(const char *word, const char *text, size_t len)
{
    return strlen(word) == len && memcmp(word, text, len) == 0;
}

static bool is_typed(const struct gw_config *c, const char *word, size_t len)
{
    for (int i = 0; i < c->argc; i++) {
        const char *value = strncmp(c->argv[i], "--", 2) == 0 ? strchr(c->argv[i], '=') : NULL;
        if (is(value ? value + 1 : c->argv[i], word, len))
            return true;
    }
    return false;
}

static bool is_word(const struct names *n, const char *word, size_t len)
{
    return is_typed(n->config, word, len) || (n->text && is_in_text(n, word, len));
}

static bool climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")); at += 2)
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
            return true;
    return false;
}

static bool is_below(const struct names *n, const char *path, size_t len)
{
    for (size_t cut = len; cut-- > 1;)
        if (path[cut] == '/' && is_word(n, path, cut))
            return true;
    return false;
}

static const char beside[] = ".ocsp";

bool gw_named(const struct gw_config *config, const char *text, size_t len, const char *path)
{
    const struct names n = {config, text, len};
    size_t path_len = strlen(path);
    size_t end_len = strlen(beside);
    if (!path_len)
        return false;
    if (is_word(&n, path, path_len))
        return true;
    if (path_len > end_len && is(beside, path + path_len - end_len, end_len) &&
        is_word(&n, path, path_len - end_len))
        return true;
    return !climbs(path) && is_below(&n, path, path_len);
}
