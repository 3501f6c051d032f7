/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP response from a file, stapled to its certificate (RFC 6066 8). */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
    GW_OCSP_MAX = 16384, /* bytes; the response is in every handshake that requests it */
    /* Seconds that a response without nextUpdate is served: newer ones are then always available
     * (RFC 6960 4.2.2.1), and browsers accept it for a day. */
    GW_OCSP_LIFE = 24 * 3600
};

struct gw_ocsp {
    uint8_t *der; /* NULL: none */
    size_t len;
    /* thisUpdate and nextUpdate (or GW_OCSP_LIFE later), seconds since 1970 */
    int64_t begins, ends;
};

/* The certificate that the response must be for, and the certificates beside it. */
struct gw_ocsp_subject {
    X509 *leaf;
    STACK_OF(X509) * chain; /* must contain the issuer */
};

/*
 * Reads and checks: the response is for this certificate, signed by its issuer or a responder that
 * the issuer authorized, and its status is good. A response out of date is loaded too, with a note.
 * Returns 0; -EKEYREVOKED: the certificate is revoked; another negative errno. On failure *err is
 * filled and *ret zeroed.
 */
gw_must_check int gw_ocsp_load(struct gw_ocsp *ret, struct gw_files *files, const char *flag,
                               const char *path, const struct gw_ocsp_subject *subject,
                               struct gw_error *err);
/* A zeroed object is allowed. */
void gw_ocsp_done(struct gw_ocsp *ocsp);

/* Whether there is a response that may be served at this time. */
static inline bool gw_ocsp_in_date(const struct gw_ocsp *ocsp, time_t now)
{
    return ocsp->der && now >= ocsp->begins && now < ocsp->ends;
}
