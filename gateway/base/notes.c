/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/notes.h"

#include "gateway/base/array.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct gw_notes *notes, unsigned count, const char *text)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(notes->all[i], text) == 0)
            return true;
    return false;
}

void gw_notes_add(struct gw_notes *notes, const char *fmt, ...)
{
    char text[GW_NOTES_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (has(notes, notes->count, text))
        return;
    char *copy = notes->count < GW_NOTES_MAX ? strdup(text) : NULL;
    if (!copy || !gw_array_grow(&notes->all, notes->count, sizeof(*notes->all))) {
        free(copy);
        notes->more++;
        return;
    }
    notes->all[notes->count++] = copy;
}

bool gw_notes_change(struct gw_notes *notes, unsigned i, const char *text)
{
    bool is_new = !has(notes, i, text);
    char *copy = is_new ? strdup(text) : NULL;
    if (is_new && !copy)
        return true;
    free(notes->all[i]);
    notes->all[i] = copy;
    if (is_new)
        return true;
    notes->count--;
    memmove(&notes->all[i], &notes->all[i + 1], (notes->count - i) * sizeof(*notes->all));
    return false;
}

bool gw_notes_equal(const struct gw_notes *a, const struct gw_notes *b)
{
    if (a->count != b->count || a->more != b->more)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->all[i], b->all[i]) != 0)
            return false;
    return true;
}

void gw_notes_done(struct gw_notes *notes)
{
    for (unsigned i = 0; i < notes->count; i++)
        free(notes->all[i]);
    free(notes->all);
    *notes = (struct gw_notes){NULL};
}
