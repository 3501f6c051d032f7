/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tool/lists.h"

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/config/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    PART_MAX = 32,
};

/* The next part of a list, which *at goes past. false: none is left, or it is too long. */
static bool next_part(const char **at, char part[PART_MAX], const char **ret_why)
{
    size_t len = strcspn(*at, ",");
    *ret_why = "has an empty part, or one that is too long";
    if (len == 0 || len >= PART_MAX)
        return false;
    memcpy(part, *at, len);
    part[len] = '\0';
    *at += len;
    return true;
}

static int read_size(const char *part, struct bench_sizes *to, const char **ret_why)
{
    uint64_t size;
    int r = gw_units_size(part, &size, ret_why);
    if (r)
        return r;
    *ret_why = to->count == BENCH_SIZES_MAX                 ? "are more than 8"
               : size < 1 || size > GW_RECORD_PLAINTEXT_MAX ? "a size is from 1 to 16k"
               : to->count && size <= to->list[to->count - 1]
                   ? "each must be larger than the one before"
                   : NULL;
    if (*ret_why)
        return -EINVAL;
    to->list[to->count++] = (size_t)size;
    return 0;
}

int bench_lists_sizes(const char *text, struct bench_sizes *ret, const char **ret_why)
{
    struct bench_sizes sizes = {.count = 0};
    char part[PART_MAX];
    for (const char *at = text;; at++) {
        if (!next_part(&at, part, ret_why) || read_size(part, &sizes, ret_why))
            return -EINVAL;
        if (!*at)
            break;
    }
    *ret = sizes;
    return 0;
}

int bench_lists_words(const char *text, const char *const *words, unsigned *ret_set,
                      const char **ret_why)
{
    unsigned set = 0;
    char part[PART_MAX];
    for (const char *at = text;; at++) {
        unsigned i = 0;
        if (!next_part(&at, part, ret_why))
            return -EINVAL;
        while (words[i] && strcmp(words[i], part) != 0)
            i++;
        *ret_why = "has a word that --help does not list";
        if (!words[i])
            return -EINVAL;
        set |= 1U << i;
        if (!*at)
            break;
    }
    *ret_set = set;
    return 0;
}

/* A word that a shell takes as it stands. */
static bool is_plain(const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-_./:,@%+=";
    return word[0] && word[strspn(word, plain)] == '\0';
}

static void append_quoted(struct gw_text *t, const char *word)
{
    gw_text_append(t, "'");
    for (; *word; word++)
        if (*word == '\'')
            gw_text_append(t, "'\\''");
        else
            gw_text_append(t, "%c", *word);
    gw_text_append(t, "'");
}

void bench_lists_line(int argc, char *const *argv, char ret[BENCH_LINE_MAX])
{
    struct gw_text t = gw_text_in(ret, BENCH_LINE_MAX);
    gw_text_append(&t, "ktlsgate-bench");
    for (int i = 0; i < argc; i++) {
        gw_text_append(&t, " ");
        if (is_plain(argv[i]))
            gw_text_append(&t, "%s", argv[i]);
        else
            append_quoted(&t, argv[i]);
    }
}
