/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn/note.h"

#include "gateway/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the log line: short fields first. */
enum field {
    SERIAL,
    FINGERPRINT,
    CN,
    URI,
    DNS,
    IP,
    EMAIL,
    SUBJECT,
    ISSUER,
    UNUSABLE,
    FIELD_COUNT
};

static const char *const keys[FIELD_COUNT] = {
    [SERIAL] = "serial", [FINGERPRINT] = "fingerprint",
    [CN] = "cn",         [URI] = "uri",
    [DNS] = "dns",       [IP] = "ip",
    [EMAIL] = "email",   [SUBJECT] = "subject",
    [ISSUER] = "issuer", [UNUSABLE] = "unusable",
};

struct packer {
    char bytes[GW_NOTE_BYTES_MAX];
    size_t len;
};

_Static_assert(FIELD_COUNT *(GW_NOTE_TEXT_MAX + 2) < 2 * GW_NOTE_BYTES_MAX &&
                   7 * (GW_NOTE_TEXT_MAX + 2) < GW_NOTE_BYTES_MAX,
               "of the alternative names one or two are told");

/* Leaves out NULL and "". */
static void pack(struct packer *p, enum field field, const char *text)
{
    if (!text || !*text)
        return;
    gw_require(sizeof(p->bytes) - p->len >= GW_NOTE_TEXT_MAX + 2);
    char *at = p->bytes + p->len;
    *at++ = (char)field;
    gw_text_copy(at, GW_NOTE_TEXT_MAX + 1, text);
    p->len += strlen(at) + 2;
}

/* Packs the CN and the URI; a peer with neither is named by its first other name. */
static void pack_names(struct packer *p, const struct gw_identity *id)
{
    static const struct {
        enum gw_name_kind kind;
        enum field field;
    } others[] = {{GW_NAME_DNS, DNS}, {GW_NAME_EMAIL, EMAIL}, {GW_NAME_IP, IP}};
    size_t before = p->len;
    pack(p, CN, gw_identity_first(id, GW_NAME_CN));
    pack(p, URI, gw_identity_first(id, GW_NAME_URI));
    for (size_t i = 0; p->len == before && i < GW_ARRAY_SIZE(others); i++)
        pack(p, others[i].field, gw_identity_first(id, others[i].kind));
}

/* Example: dns 'a b.test': it holds a character … (and 2 more) */
static void pack_unusable(struct packer *p, const struct gw_identity *id, unsigned kinds)
{
    const struct gw_unusable_name *u = gw_identity_unusable(id, kinds);
    char text[GW_NOTE_TEXT_MAX];
    char more[32] = "";
    if (!u)
        return;
    if (id->unusable.count > 1)
        (void)snprintf(more, sizeof(more), " (and %u more)", id->unusable.count - 1);
    (void)snprintf(text, sizeof(text), "%s '%s': %s%s", gw_name_kind_word(u->kind), u->text, u->why,
                   more);
    pack(p, UNUSABLE, text);
}

struct gw_note *gw_note_new(const struct gw_identity *id, const struct gw_handshake_holder *holder,
                            unsigned deciding)
{
    struct packer p;
    p.len = 0;
    pack(&p, SERIAL, id->serial);
    pack(&p, FINGERPRINT, id->fingerprint);
    pack_names(&p, id);
    pack(&p, SUBJECT, holder->subject);
    pack(&p, ISSUER, holder->issuer);
    pack_unusable(&p, id, deciding);
    struct gw_note *note = malloc(sizeof(*note) + p.len);
    if (!note)
        return NULL;
    note->len = (uint16_t)p.len;
    memcpy(note->packed, p.bytes, p.len);
    return note;
}

void gw_note_tell(const char *packed, size_t len, struct gw_line *line)
{
    unsigned seen = 0; /* a bit for each field: a key comes once in a line of JSON */
    while (len > 1) {
        unsigned char field = (unsigned char)*packed;
        size_t text = strnlen(packed + 1, len - 1);
        if (field >= FIELD_COUNT || text == len - 1 || seen & 1U << field)
            return;
        seen |= 1U << field;
        gw_line_str(line, keys[field], packed + 1);
        packed += text + 2;
        len -= text + 2;
    }
}
