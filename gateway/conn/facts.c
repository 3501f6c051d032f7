/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn/facts.h"

#include "gateway/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AROUND = 3,   /* bytes of a text's entry besides the text: fact, length, NUL */
    SHORTEST = 3, /* gw_text_copy can cut a text to that */
    LEN_MAX = UINT8_MAX,
#define X(id, field) +(int)sizeof(((struct gw_conn_report *)0)->field) - 1 + AROUND
    BYTES_MAX = 0 GW_FACTS(X) /* of all texts */
#undef X
};

static const struct {
    size_t offset;
    size_t size;
} fields[GW_FACT_COUNT] = {
#define X(id, field)                                                                               \
    [GW_FACT_##id] = {offsetof(struct gw_conn_report, field),                                      \
                      sizeof(((struct gw_conn_report *)0)->field)},
    GW_FACTS(X)
#undef X
};

#define X(id, field)                                                                               \
    _Static_assert(sizeof(((struct gw_conn_report *)0)->field) - 1 <= LEN_MAX, "a byte of "        \
                                                                               "length");
GW_FACTS(X)
#undef X

static char *texts_of(const struct gw_facts *f)
{
    return f->more ? f->more : (char *)(uintptr_t)f->texts;
}

static size_t entry_len(const char *entry)
{
    return AROUND + (uint8_t)entry[1];
}

/* NULL: there is none. */
static char *find(const struct gw_facts *f, enum gw_fact fact)
{
    char *texts = texts_of(f);
    for (size_t at = 0; at < f->used; at += entry_len(&texts[at]))
        if ((enum gw_fact)texts[at] == fact)
            return &texts[at];
    return NULL;
}

static void remove_entry(struct gw_facts *f, char *entry)
{
    size_t len = entry_len(entry);
    size_t after = f->used - (size_t)(entry - texts_of(f)) - len;
    memmove(entry, entry + len, after);
    f->used -= (uint16_t)len;
}

/* The number of bytes that the texts can grow by; makes room for `len` if there is memory. */
static size_t make_room(struct gw_facts *f, size_t len)
{
    if (!f->more && f->used + len > sizeof(f->texts)) {
        f->more = malloc(BYTES_MAX);
        if (f->more)
            memcpy(f->more, f->texts, f->used);
    }
    return (f->more ? (size_t)BYTES_MAX : sizeof(f->texts)) - f->used;
}

void gw_facts_set(struct gw_facts *f, enum gw_fact fact, const char *text)
{
    char *before = find(f, fact);
    size_t len = text ? strnlen(text, fields[fact].size - 1) : 0;
    if (before)
        remove_entry(f, before);
    size_t room = len ? make_room(f, len + AROUND) : 0;
    if (room < AROUND + SHORTEST)
        return;
    char *entry = texts_of(f) + f->used;
    gw_text_copy(entry + 2, GW_MIN(fields[fact].size, room - AROUND + 1), text);
    entry[0] = (char)fact;
    entry[1] = (char)strlen(entry + 2);
    f->used += (uint16_t)entry_len(entry);
}

void gw_facts_printf(struct gw_facts *f, enum gw_fact fact, const char *format, ...)
{
    char text[LEN_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    gw_facts_set(f, fact, text);
}

const char *gw_facts_get(const struct gw_facts *f, enum gw_fact fact)
{
    const char *entry = find(f, fact);
    return entry ? entry + 2 : "";
}

void gw_facts_report(const struct gw_facts *f, struct gw_conn_report *ret)
{
    *ret = (struct gw_conn_report){
        .id = f->id,
        .run = f->run,
        .bytes_up = f->bytes_up,
        .bytes_down = f->bytes_down,
        .handshake_us = f->handshake_us,
        .resumed = f->resumed,
        .key_updates_in = f->key_updates_in,
        .key_updates_out = f->key_updates_out,
    };
    const char *texts = texts_of(f);
    for (size_t at = 0; at < f->used; at += entry_len(&texts[at])) {
        size_t fact = (size_t)texts[at];
        memcpy((char *)ret + fields[fact].offset, &texts[at + 2], entry_len(&texts[at]) - 2);
    }
}

void gw_facts_done(struct gw_facts *f)
{
    free(f->more);
    f->more = NULL;
    f->used = 0;
}
