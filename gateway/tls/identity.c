/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/identity.h"

#include "gateway/base/attr.h"

#include <stdlib.h>

static const char *const words[GW_NAME_KIND_COUNT] = {
    [GW_NAME_CN] = "cn",   [GW_NAME_OU] = "ou", [GW_NAME_DNS] = "dns",
    [GW_NAME_URI] = "uri", [GW_NAME_IP] = "ip", [GW_NAME_EMAIL] = "email",
};

const char *gw_name_kind_word(enum gw_name_kind kind)
{
    gw_require((unsigned)kind < GW_NAME_KIND_COUNT);
    return words[kind];
}

void gw_identity_init(struct gw_identity *id)
{
    memset(id, 0, offsetof(struct gw_identity, own));
}

void gw_identity_done(struct gw_identity *id)
{
    if (id->room)
        free(id->more);
    id->more = NULL;
    id->room = id->used = id->name_count = 0;
}

/* Makes room for `len` more bytes: four times the present room, or the maximum. */
static bool grow(struct gw_identity *id, size_t len)
{
    size_t room = id->room ? id->room : sizeof(id->own);
    if (len > GW_IDENTITY_BYTES_MAX - id->used)
        return false;
    while (room - id->used < len)
        room = GW_MIN(4 * room, (size_t)GW_IDENTITY_BYTES_MAX);
    char *more = realloc(id->room ? id->more : NULL, room);
    if (!more)
        return false;
    if (!id->room)
        memcpy(more, id->own, id->used);
    id->more = more;
    id->room = (uint32_t)room;
    return true;
}

void gw_identity_add(struct gw_identity *id, enum gw_name_kind kind, const char *text, size_t len)
{
    size_t need = len + 2;
    if (need > (id->room ? id->room : sizeof(id->own)) - id->used && !grow(id, need)) {
        gw_identity_add_unusable(id, kind, text, len, "the certificate has too many names");
        return;
    }
    char *to = (id->more ? id->more : id->own) + id->used;
    to[0] = (char)kind;
    memcpy(to + 1, text, len);
    to[1 + len] = '\0';
    id->used += (uint32_t)need;
    id->name_count++;
}

void gw_identity_add_unusable(struct gw_identity *id, enum gw_name_kind kind, const char *text,
                              size_t len, const char *why)
{
    struct gw_unusable *all = &id->unusable;
    bool first = !(all->kinds & 1U << kind);
    all->kinds |= 1U << kind;
    all->count++;
    if (all->described >= GW_UNUSABLE_DESCRIBED_MAX - GW_NAME_KIND_COUNT && !first)
        return;
    struct gw_unusable_name *u = &id->unusables[all->described++];
    u->kind = kind;
    u->why = why;
    size_t shown = GW_MIN(len, sizeof(u->text) - 1);
    for (size_t i = 0; i < shown; i++)
        u->text[i] = text[i] < ' ' || text[i] >= 0x7f ? '?' : text[i];
    u->text[shown] = '\0';
}

void gw_identity_drop_names(struct gw_identity *id)
{
    id->used = id->name_count = 0;
}

size_t gw_identity_len(const struct gw_identity *id)
{
    return offsetof(struct gw_identity, own) + id->used;
}

void gw_identity_copy(struct gw_identity *ret, const struct gw_identity *id)
{
    memcpy(ret, id, offsetof(struct gw_identity, own));
    ret->room = 0;
    ret->unusable.described = 0;
    ret->more = (char *)ret + offsetof(struct gw_identity, own);
    memcpy(ret->more, id->more ? id->more : id->own, id->used);
}

const char *gw_identity_first(const struct gw_identity *id, enum gw_name_kind kind)
{
    struct gw_name name;
    for (size_t at = 0; gw_identity_next(id, &at, &name);)
        if (name.kind == kind)
            return name.text;
    return NULL;
}

const struct gw_unusable_name *gw_identity_unusable(const struct gw_identity *id, unsigned kinds)
{
    unsigned count = id->unusable.described;
    for (unsigned i = 0; i < count; i++)
        if (kinds & 1U << id->unusables[i].kind)
            return &id->unusables[i];
    return count ? &id->unusables[0] : NULL;
}
