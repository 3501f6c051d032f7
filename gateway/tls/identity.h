/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a peer is, as plain data: read once from the certificate after its chain was verified, then
 * used by the allow rules, the log and the PROXY header without libssl.
 *
 * Names with an embedded NUL, names that are not what their type says, a spiffe: URI that is no
 * SPIFFE ID, and more names or bytes than the limits hold make the certificate unusable (fail
 * closed), never silently shorter.
 */
#pragma once

#include "gateway/base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gw_name_kind {
    GW_NAME_CN, /* of the subject; the last (most specific) one is what rules compare */
    GW_NAME_OU,
    GW_NAME_DNS, /* subject alternative names, from here on */
    GW_NAME_URI,
    GW_NAME_IP, /* text form */
    GW_NAME_EMAIL,
};

struct gw_name {
    enum gw_name_kind kind;
    const char *text; /* into identity->text, NUL-terminated UTF-8 */
};

struct gw_identity {
    bool present; /* false: the peer showed no certificate; nothing below is set */
    struct gw_name names[GW_IDENTITY_NAMES_MAX];
    unsigned name_count;
    char serial[64];      /* hex, capital letters */
    char fingerprint[65]; /* SHA-256 of the DER, hex, small letters */
    char spki[65];        /* SHA-256 of the SubjectPublicKeyInfo's DER, the same way */
    char text[GW_IDENTITY_TEXT_MAX];
};

/* Bytes that a copy needs: the text that no name uses is left out. */
size_t gw_identity_len(const struct gw_identity *id);
/* To `ret`, which has gw_identity_len(id) bytes. */
void gw_identity_copy(struct gw_identity *ret, const struct gw_identity *id);

/* The first name of a kind, or NULL. */
const char *gw_identity_first(const struct gw_identity *id, enum gw_name_kind kind);
