/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate answers for a name, against a look at every entry in turn. Input: lines; the
 * first is the name that the client sends, the others are names of certificates, each led by a byte
 * of certificate and number of key types.
 */
#include "gateway/tls/sni.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#include <ctype.h>

enum {
    NAMES_MAX = 64
};

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

/* RFC 6066 3 and RFC 6125 6.4.3: a star stands for exactly the first label. */
static bool matches(const char *pattern, const char *name, bool *ret_exact)
{
    *ret_exact = strcmp(pattern, name) == 0;
    const char *dot = strchr(name, '.');
    return *ret_exact || (pattern[0] == '*' && dot && dot != name && strcmp(pattern + 1, dot) == 0);
}

struct entry {
    char *name;
    unsigned index, key_types;
    bool exact;
};

static bool better(const struct entry *a, const struct entry *b)
{
    if (!b->name || a->exact != b->exact)
        return !b->name || a->exact;
    if (a->key_types != b->key_types)
        return a->key_types > b->key_types;
    return a->index < b->index;
}

static bool name_usable(char *name)
{
    size_t len = strlen(name);
    if (len && name[len - 1] == '.')
        name[--len] = '\0';
    lower(name);
    return len > 0 && len <= 253 && name[0] != '*';
}

static struct entry find(struct entry *entries, size_t count, const char *sent)
{
    struct entry best = {.name = NULL};
    char *name = strdup(sent);
    gw_require(name);
    bool usable = name_usable(name);
    for (size_t i = 0; usable && i < count; i++)
        if (matches(entries[i].name, name, &entries[i].exact) && better(&entries[i], &best))
            best = entries[i];
    free(name);
    return best;
}

static size_t read_entries(struct gw_reader *r, struct entry *entries, struct gw_sni_table *table)
{
    size_t count = 0;
    for (; gw_reader_left(r) > 0 && count < NAMES_MAX; count++) {
        struct entry *e = &entries[count];
        uint8_t choice = gw_read_u8(r);
        *e = (struct entry){.index = choice % 8, .key_types = choice / 8 % 4};
        e->name = input_text(r, '\n');
        lower(e->name);
        gw_require(gw_sni_add(table, e->name, e->index, e->key_types) == 0);
    }
    gw_sni_seal(table);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    struct gw_sni_table table = {0};
    struct entry entries[NAMES_MAX];
    unsigned index = 77;
    char *name = input_text(&r, '\n');
    size_t count = read_entries(&r, entries, &table);
    struct entry best = find(entries, count, name);
    bool found = gw_sni_find(&table, name, &index);
    gw_require(found == (best.name != NULL));
    gw_require(index == (found ? best.index : 77));
    gw_sni_done(&table);
    while (count > 0)
        free(entries[--count].name);
    free(name);
    return 0;
}
