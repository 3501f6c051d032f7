/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a peer is, as plain data: read once from the certificate after its chain was verified, then
 * used by the rules, the log and the PROXY header without libssl.
 *
 * A name that is not what its type says is no name: it does not stand in the list, and `unusable`
 * tells of it. Such are names with an embedded NUL or a control character, DNS names with a blank
 * or a final dot, URIs in a spelling that is not canonical, a spiffe: URI that is no SPIFFE ID, and
 * what is beyond GW_IDENTITY_BYTES_MAX. Of several names that only count together none is kept when
 * one is unusable: common names, since the last one is the one that counts; URIs beside a SPIFFE
 * ID, since nobody knows which of them the bearer is.
 */
#pragma once

#include "gateway/base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum gw_name_kind {
    GW_NAME_CN, /* of the subject; the last (most specific) one comes first */
    GW_NAME_OU,
    GW_NAME_DNS, /* subject alternative names, from here on */
    GW_NAME_URI,
    GW_NAME_IP, /* text form */
    GW_NAME_EMAIL,
    GW_NAME_KIND_COUNT,
};

struct gw_name {
    enum gw_name_kind kind;
    size_t len;
    const char *text; /* NUL-terminated UTF-8 without control characters; the identity's */
};

/* The names that no rule can match. */
struct gw_unusable {
    unsigned kinds; /* bit for each gw_name_kind of which there are some */
    unsigned count;
    enum gw_name_kind kind; /* of the first one, as are the next two */
    const char *why;        /* a static phrase: "it ends in a dot" */
    char text[64];          /* its beginning; '?' stands for what is not printable ASCII */
};

struct gw_identity {
    bool present;         /* false: the peer showed no certificate, and there are no names */
    char serial[64];      /* hex, capital letters; one that is too long ends in "..." */
    char fingerprint[65]; /* SHA-256 of the DER, hex, small letters */
    char spki[65];        /* SHA-256 of the SubjectPublicKeyInfo's DER, the same way */
    struct gw_unusable unusable;
    unsigned name_count;
    uint32_t used; /* bytes of the names: of each its kind, its text, a NUL */
    uint32_t room; /* 0: they lie in `own`, else this many bytes at `more` */
    char *more;
    char own[GW_IDENTITY_OWN_BYTES];
};

/* An identity without a certificate; what `own` holds is left as it is. */
void gw_identity_init(struct gw_identity *id);
/* Frees what a long list of names needed; a zeroed one is fine. */
void gw_identity_done(struct gw_identity *id);

/* Appends a name, which is what its kind says; unusable where there is no room for it. */
void gw_identity_add(struct gw_identity *id, enum gw_name_kind kind, const char *text, size_t len);
/* Notes a name that no rule can match; `why` is static. */
void gw_identity_add_unusable(struct gw_identity *id, enum gw_name_kind kind, const char *text,
                              size_t len, const char *why);
/* Removes all names again. */
void gw_identity_drop_names(struct gw_identity *id);

/* Bytes that a copy needs. */
size_t gw_identity_len(const struct gw_identity *id);
/* To `ret`, which has gw_identity_len(id) bytes; not to be added to, and nothing to be freed. */
void gw_identity_copy(struct gw_identity *ret, const struct gw_identity *id);

/* The name at *at, 0 at first, which moves on to the next one; false behind the last. */
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

/* "cn", as in --allow-cn. */
const char *gw_name_kind_word(enum gw_name_kind kind);
