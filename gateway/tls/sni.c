/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/sni.h"

#include "gateway/base/array.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 253 /* RFC 1035 2.3.4, in text form */
};

int gw_sni_add(struct gw_sni_table *table, const char *name, unsigned index, unsigned key_types)
{
    if (!gw_array_grow(&table->names, table->count, sizeof(*table->names)))
        return -ENOMEM;
    table->names[table->count++] = (struct gw_sni_name){name, index, key_types};
    return 0;
}

static int best_first(const void *a, const void *b)
{
    const struct gw_sni_name *x = a;
    const struct gw_sni_name *y = b;
    int by_name = strcmp(x->name, y->name);
    if (by_name)
        return by_name;
    if (x->key_types != y->key_types)
        return x->key_types > y->key_types ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void gw_sni_seal(struct gw_sni_table *table)
{
    if (table->count)
        qsort(table->names, table->count, sizeof(*table->names), best_first);
}

/* The position of the first entry of that name, which is the best one. */
static unsigned find_place(const struct gw_sni_table *table, const char *name)
{
    unsigned low = 0;
    unsigned high = table->count;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        if (strcmp(table->names[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool is_at(const struct gw_sni_table *table, unsigned place, const char *name)
{
    return place < table->count && strcmp(table->names[place].name, name) == 0;
}

static bool find_exactly(const struct gw_sni_table *table, const char *name, unsigned *ret_index)
{
    unsigned place = find_place(table, name);
    if (!is_at(table, place, name))
        return false;
    *ret_index = table->names[place].index;
    return true;
}

unsigned gw_sni_find_all(const struct gw_sni_table *table, const char *name,
                         const struct gw_sni_name **ret_first)
{
    unsigned place = find_place(table, name);
    unsigned count = 0;
    while (is_at(table, place + count, name))
        count++;
    *ret_first = table->names + place;
    return count;
}

/* Converts to lower case and removes the final dot. False when the name cannot match. */
static bool normalize(const char *name, char *out)
{
    size_t len = strnlen(name, NAME_MAX_BYTES + 2);
    if (len && name[len - 1] == '.')
        len--;
    if (len == 0 || len > NAME_MAX_BYTES || name[0] == '*')
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    out[len] = '\0';
    return true;
}

bool gw_sni_find(const struct gw_sni_table *table, const char *name, unsigned *ret_index)
{
    char buf[NAME_MAX_BYTES + 2]; /* one byte in front for the star */
    char *plain = buf + 1;
    if (!normalize(name, plain))
        return false;
    if (find_exactly(table, plain, ret_index))
        return true;
    char *dot = strchr(plain, '.');
    if (!dot || dot == plain)
        return false;
    dot[-1] = '*';
    return find_exactly(table, dot - 1, ret_index);
}

void gw_sni_done(struct gw_sni_table *table)
{
    free(table->names);
    *table = (struct gw_sni_table){0};
}
