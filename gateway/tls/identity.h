/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer's identity as plain data: read once from the certificate after its chain was verified,
 * then used by the rules, the log and the PROXY header without libssl.
 *
 * A name that violates its type's syntax is not in the list; `unusable` describes it instead. Such
 * are names with an embedded NUL or a control character, DNS names with a blank or a final dot,
 * URIs in a spelling that is not canonical, a spiffe: URI that is not a SPIFFE ID, and names beyond
 * GW_IDENTITY_BYTES_MAX. Where several names only count together, one unusable name removes all:
 * common names, since the last one counts; and URIs beside a SPIFFE ID, since it is ambiguous which
 * of them identifies the holder.
 */
#pragma once

#include "gateway/base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum gw_name_kind {
    GW_NAME_CN, /* from the subject; the last (most specific) one comes first */
    GW_NAME_OU,
    GW_NAME_DNS, /* from here on: subject alternative names */
    GW_NAME_URI,
    GW_NAME_IP, /* in text form */
    GW_NAME_EMAIL,
    GW_NAME_KIND_COUNT,
};

struct gw_name {
    enum gw_name_kind kind;
    size_t len;
    const char *text; /* NUL-terminated UTF-8 without control characters; owned by the identity */
};

/* The names that no rule can match. */
struct gw_unusable {
    unsigned kinds; /* one bit for each gw_name_kind that occurs */
    unsigned count;
    unsigned described; /* of these, how many are described, in their order */
};

struct gw_unusable_name {
    enum gw_name_kind kind;
    const char *why; /* a static phrase: "it ends in a dot" */
    char text[64];   /* its beginning, with '?' for bytes that are not printable ASCII */
};

enum {
    GW_UNUSABLE_DESCRIBED_MAX = 16 /* the first of each kind is always among them */
};

struct gw_identity {
    bool present;         /* false: the peer showed no certificate, and there are no names */
    char serial[64];      /* hex, capital letters; truncated with "..." if too long */
    char fingerprint[65]; /* SHA-256 of the DER, hex, small letters */
    char spki[65];        /* SHA-256 of the SubjectPublicKeyInfo's DER, likewise */
    struct gw_unusable unusable;
    unsigned name_count;
    uint32_t used; /* bytes used by names; each is its kind, its text, a NUL */
    uint32_t room; /* 0: the names are in `own`; else the size of `more` in bytes */
    char *more;
    char own[GW_IDENTITY_OWN_BYTES];
    struct gw_unusable_name unusables[GW_UNUSABLE_DESCRIBED_MAX]; /* unusable.described of them */
};

/* Makes an identity without a certificate. Leaves the contents of the arrays at the end unchanged.
 */
void gw_identity_init(struct gw_identity *id);
/* Frees the memory of a long list of names. A zeroed object is allowed. */
void gw_identity_done(struct gw_identity *id);

/* Appends a name with correct syntax. It becomes unusable if there is no room for it. */
void gw_identity_add(struct gw_identity *id, enum gw_name_kind kind, const char *text, size_t len);
/* Records a name that no rule can match. `why` is static. */
void gw_identity_add_unusable(struct gw_identity *id, enum gw_name_kind kind, const char *text,
                              size_t len, const char *why);
/* Removes all names. */
void gw_identity_drop_names(struct gw_identity *id);

/* The number of bytes that gw_identity_copy needs. */
size_t gw_identity_len(const struct gw_identity *id);
/* Copies to `ret`, which has gw_identity_len(id) bytes. The copy accepts no more names, describes
 * no unusable ones and needs no gw_identity_done. */
void gw_identity_copy(struct gw_identity *ret, const struct gw_identity *id);

/* Returns the name at *at, which must be 0 at first, and advances *at. False after the last
 * name. */
static inline bool gw_identity_next(const struct gw_identity *id, size_t *at, struct gw_name *ret)
{
    const char *names = id->more ? id->more : id->own;
    if (*at >= id->used)
        return false;
    ret->kind = (enum gw_name_kind)names[*at];
    ret->text = names + *at + 1;
    ret->len = strlen(ret->text);
    *at += ret->len + 2;
    return true;
}

/* The first name of a kind, or NULL. */
const char *gw_identity_first(const struct gw_identity *id, enum gw_name_kind kind);

/* The first unusable name of one of the kinds (a bit for each), or of none the first of all. NULL:
 * all names are usable. */
const struct gw_unusable_name *gw_identity_unusable(const struct gw_identity *id, unsigned kinds);

/* "cn", as in --allow-cn. */
const char *gw_name_kind_word(enum gw_name_kind kind);
