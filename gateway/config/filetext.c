/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/filetext.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 4, /* a section, a list in it, and further levels for libconfuse to report */
    GROWS = 4,     /* a word of one letter becomes three */
};

struct scan {
    const char *at;
    const char *end;
    char *out;
    unsigned line;
    unsigned open[DEPTH_MAX]; /* lines of the open braces */
    unsigned depth;
    bool has_bar; /* the last word has a |, which libconfuse takes as a path into another section */
    const char *why;
};

static int no(struct scan *s, const char *why)
{
    s->why = why;
    return -EINVAL;
}

static void put(struct scan *s, char c)
{
    *s->out++ = c;
}

static void put_quoted(struct scan *s, char c)
{
    if (c == '\'' || c == '\\')
        put(s, '\\');
    put(s, c);
    s->has_bar |= c == '|';
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool is_variable(const struct scan *s)
{
    return s->end - s->at > 1 && s->at[0] == '$' && s->at[1] == '{';
}

static const char variable[] =
    "${ is refused, since variables are not expanded; put a literal ${ in single quotes";

/* From after the opening quote to after the closing one. */
static int take_quoted(struct scan *s, char quote)
{
    s->has_bar = false;
    put(s, '\'');
    for (; s->at < s->end && *s->at != quote; s->at++) {
        bool escape = quote == '"' && *s->at == '\\';
        if (*s->at == '\n')
            return no(s, "a quoted text does not end on its line");
        if (is_control(*s->at))
            return no(s, "it contains a control character");
        if (quote == '"' && is_variable(s))
            return no(s, variable);
        if (escape && (s->at + 1 == s->end || (s->at[1] != '"' && s->at[1] != '\\')))
            return no(s, "only \\\" and \\\\ may follow a backslash; in single quotes everything "
                         "is literal");
        s->at += escape;
        put_quoted(s, *s->at);
    }
    if (s->at == s->end)
        return no(s, "a quoted text does not end");
    s->at++;
    put(s, '\'');
    return 0;
}

static bool ends_word(const struct scan *s)
{
    if (s->at == s->end || strchr(" \t\r\n{}=,\"'", *s->at))
        return true;
    return *s->at == '+' && s->at + 1 < s->end && s->at[1] == '=';
}

static int take_word(struct scan *s)
{
    s->has_bar = false;
    if (s->end - s->at > 1 && s->at[0] == '/' && (s->at[1] == '/' || s->at[1] == '*'))
        return no(s, "comments begin with #");
    put(s, '\'');
    for (; !ends_word(s); s->at++) {
        if (is_control(*s->at))
            return no(s, "it contains a control character");
        if (is_variable(s))
            return no(s, variable);
        if (strchr("#();\\", *s->at))
            return no(s, "quotes are needed around a value with # ( ) ; or \\ in it");
        put_quoted(s, *s->at);
    }
    put(s, '\'');
    return 0;
}

static int take_brace(struct scan *s, char brace)
{
    if (brace == '{' && s->depth == DEPTH_MAX)
        return no(s, "braces are nested too deeply");
    if (brace == '}' && s->depth == 0)
        return no(s, "there is one } too many");
    if (brace == '{')
        s->open[s->depth++] = s->line;
    else
        s->depth--;
    put(s, brace);
    return 0;
}

static int take_sign(struct scan *s)
{
    char c = *s->at++;
    if (c == '+') /* with the '=' after it */
        c = *s->at++;
    if (c == '=' && s->has_bar)
        return no(s, "no key has a | in its name");
    if (c == '{' || c == '}')
        return take_brace(s, c);
    put(s, c);
    return 0;
}

static void skip_comment(struct scan *s)
{
    while (s->at < s->end && *s->at != '\n')
        s->at++;
}

static int take_one(struct scan *s)
{
    char c = *s->at;
    if (c == '\n')
        s->line++;
    if (c == '\0')
        return no(s, "it contains a control character");
    if (strchr(" \t\r\n", c)) {
        put(s, c == '\r' ? ' ' : c);
        s->at++;
        return 0;
    }
    if (c == '#') {
        skip_comment(s);
        return 0;
    }
    if (c == '"' || c == '\'') {
        s->at++;
        return take_quoted(s, c);
    }
    return strchr("{}=,", c) || ends_word(s) ? take_sign(s) : take_word(s);
}

int gw_filetext_clean(const char *text, size_t len, char **ret, struct gw_filetext_error *ret_error)
{
    char *out = malloc(GROWS * len + 1);
    struct scan s = {.at = text, .end = text + len, .out = out, .line = 1};
    int error = out ? 0 : -ENOMEM;
    if (!error && len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        error = no(&s, "it begins with a byte order mark; save it as UTF-8 without one");
    while (!error && s.at < s.end)
        error = take_one(&s);
    if (!error && s.depth > 0) {
        s.line = s.open[s.depth - 1];
        error = no(&s, "this { is never closed");
    }
    if (error) {
        free(out);
        *ret_error = (struct gw_filetext_error){s.line, s.why};
        return error;
    }
    *s.out = '\0';
    *ret = out;
    return 0;
}

/* From after the opening quote of a clean word to after the closing one. */
static const char *skip_clean_word(const char *at)
{
    for (; *at && *at != '\''; at++)
        at += *at == '\\' && at[1];
    return *at ? at + 1 : at;
}

static const char *skip_blanks(const char *at, unsigned *line)
{
    for (; *at && strchr(" \t\n", *at); at++)
        *line += *at == '\n';
    return at;
}

unsigned gw_filetext_valueless(const char *clean, const char *name)
{
    size_t len = strlen(name);
    unsigned line = 1;
    bool value = false; /* a value comes next, not a key */
    bool list = false;
    for (const char *at = skip_blanks(clean, &line); *at; at = skip_blanks(at, &line)) {
        const char *word = at + 1;
        bool is_key = *at == '\'' && !value && !list;
        unsigned here = line;
        list = *at == '{' ? value : list && *at != '}';
        value = *at == '=';
        at = *at == '\'' ? skip_clean_word(word) : word;
        if (!is_key || (size_t)(at - word) != len + 1 || memcmp(word, name, len) != 0)
            continue;
        at = skip_blanks(at, &line);
        if (!*at || !strchr("={", *at)) /* a title precedes a brace */
            return here;
    }
    return 0;
}
