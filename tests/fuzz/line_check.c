/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/line_check.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const unsigned char *at;
    const unsigned char *end;
};

static bool take(struct cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != (unsigned char)wanted)
        return false;
    c->at++;
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    while (*word)
        if (!take(c, *word++))
            return false;
    return true;
}

/* ---- characters ---- */

/* One code point; -1: it is malformed. */
static int32_t take_character(struct cursor *c)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = *c->at++;
    int more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : -1;
    if (more < 0 || first > 0xf7)
        return -1;
    int32_t code = (int32_t)(more ? first & (0x3fU >> more) : first);
    for (int i = 0; i < more; i++) {
        if (c->at == c->end || (*c->at & 0xc0) != 0x80)
            return -1;
        code = code << 6 | (*c->at++ & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[more + 1] || code > 0x10ffff || surrogate ? -1 : code;
}

/* Controls, marks without a width, and changes of direction. */
static bool hidden(int32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff9 && code <= 0xfffb);
}

bool line_is_plain(const char *text, size_t len)
{
    if (len == 0 || text[len - 1] != '\n')
        return false;
    struct cursor c = {(const unsigned char *)text, (const unsigned char *)text + len - 1};
    while (c.at < c.end) {
        int32_t code = take_character(&c);
        if (code < 0 || hidden(code))
            return false;
    }
    return true;
}

/* ---- values ---- */

static bool take_escape(struct cursor *c)
{
    if (take(c, '"') || take(c, '\\'))
        return true;
    if (!take(c, 'u'))
        return false;
    for (int i = 0; i < 4; i++, c->at++)
        if (c->at == c->end || !isxdigit(*c->at))
            return false;
    return true;
}

static bool take_string(struct cursor *c)
{
    if (!take(c, '"'))
        return false;
    while (c->at < c->end && *c->at != '"') {
        bool escape = *c->at++ == '\\';
        if (escape && !take_escape(c))
            return false;
    }
    return take(c, '"');
}

static bool take_digits(struct cursor *c)
{
    const unsigned char *first = c->at;
    while (c->at < c->end && isdigit(*c->at))
        c->at++;
    return c->at > first;
}

static bool take_number(struct cursor *c)
{
    bool zero = c->at < c->end && *c->at == '0';
    const unsigned char *first = c->at;
    if (!take_digits(c) || (zero && c->at != first + 1))
        return false;
    return !take(c, '.') || take_digits(c);
}

static bool is_digit_next(const struct cursor *c)
{
    return c->at < c->end && isdigit(*c->at);
}

/* ---- lines ---- */

enum {
    KEYS_MAX = 48
};

struct keys {
    struct cursor all[KEYS_MAX];
    size_t count;
};

/* False when it is there already. */
static bool add_key(struct keys *keys, struct cursor key)
{
    size_t len = (size_t)(key.end - key.at);
    for (size_t i = 0; i < keys->count; i++) {
        const struct cursor *other = &keys->all[i];
        if ((size_t)(other->end - other->at) == len && memcmp(other->at, key.at, len) == 0)
            return false;
    }
    if (keys->count == KEYS_MAX)
        return false;
    keys->all[keys->count++] = key;
    return true;
}

static bool take_member(struct cursor *c, struct keys *keys)
{
    const unsigned char *key = c->at;
    if (!take_string(c) || !add_key(keys, (struct cursor){key, c->at}) || !take(c, ':'))
        return false;
    if (is_digit_next(c))
        return take_number(c);
    return c->at < c->end && *c->at == 't' ? take_word(c, "true") : take_string(c);
}

bool line_is_json(const char *text, size_t len)
{
    struct cursor c = {(const unsigned char *)text, (const unsigned char *)text + len};
    struct keys keys = {.count = 0};
    if (!take(&c, '{'))
        return false;
    do {
        if (!take_member(&c, &keys))
            return false;
    } while (take(&c, ','));
    return take_word(&c, "}\n") && c.at == c.end;
}

static bool take_field(struct cursor *c)
{
    const unsigned char *key = c->at;
    while (c->at < c->end && (islower(*c->at) || *c->at == '_'))
        c->at++;
    if (c->at == key || !take(c, '='))
        return false;
    if (c->at < c->end && *c->at == '"')
        return take_string(c);
    const unsigned char *value = c->at;
    while (c->at<c->end && * c->at> ' ' && *c->at < 0x7f && !strchr("\"=\\", *c->at))
        c->at++;
    return c->at > value;
}

bool line_is_text(const char *text, size_t len, const char *head)
{
    const char *at = memmem(text, len, head, strlen(head));
    if (!at)
        return false;
    struct cursor c = {(const unsigned char *)at + strlen(head), (const unsigned char *)text + len};
    while (take(&c, ' '))
        if (!take_field(&c))
            return false;
    return take(&c, '\n') && c.at == c.end;
}
