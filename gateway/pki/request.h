/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a certificate as a person or a record requests them; checked before use. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/pki/key.h"

#include <stdbool.h>
#include <stdint.h>

enum gw_pki_kind {
    GW_PKI_ROOT,
    GW_PKI_INTERMEDIATE,
    GW_PKI_SERVER, /* extended key usage serverAuth */
    GW_PKI_CLIENT, /* clientAuth */
    GW_PKI_KIND_COUNT,
};

enum {
    GW_PKI_NAME_MAX = 64 /* bytes of a name, which is also the common name (RFC 5280 A.1) */
};

struct gw_pki_request {
    enum gw_pki_kind kind; /* GW_PKI_SERVER or GW_PKI_CLIENT */
    const char *name;      /* common name, and name of the folder */
    const char *ou;        /* NULL: none */
    struct gw_pki_san sans[GW_PKI_SANS_MAX];
    unsigned san_count;
    enum gw_pki_key_type key_type;
    unsigned days; /* 0: the default of its kind */
};

/* `server`, `client`, …, and `dns`, `uri`, …. NULL after the last. */
const char *gw_pki_kind_word(enum gw_pki_kind kind);
const char *gw_pki_san_word(enum gw_pki_san_kind kind);

/* Whether the name is valid for a certificate and its folder; if not, *ret_why is a phrase. */
bool gw_pki_name_good(const char *name, const char **ret_why);

/* Whether the name is an IPv4 or IPv6 address. */
bool gw_pki_name_is_address(const char *name);

/* The fault of a subject alternative name, as a phrase. NULL when it is valid. */
const char *gw_pki_san_wrong(enum gw_pki_san_kind kind, const char *text);

/* Fills in the values that follow from others (a server's name is its DNS name or address, the days
 * of its kind) and checks all. Returns 0; -EINVAL with *err filled (GW_EXIT_USAGE). */
gw_must_check int gw_pki_request_complete(struct gw_pki_request *request, struct gw_error *err);
/* The same checks for a complete request. */
gw_must_check int gw_pki_request_check(const struct gw_pki_request *request, struct gw_error *err);
