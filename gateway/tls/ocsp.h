/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP response from a file, to be stapled to the certificate that it is about (RFC 6066 8). */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
    GW_OCSP_MAX = 16384, /* bytes; it goes into every handshake that asks for it */
    /* Seconds that a response without nextUpdate is shown for: newer ones are always to be had then
     * (RFC 6960 4.2.2.1), and browsers take it for a day. */
    GW_OCSP_LIFE = 24 * 3600
};

struct gw_ocsp {
    uint8_t *der; /* NULL: none */
    size_t len;
    int64_t begins, ends; /* thisUpdate and nextUpdate (or GW_OCSP_LIFE later), since 1970 */
};

/* The certificate that it must be about, and what came with it. */
struct gw_ocsp_subject {
    X509 *leaf;
    STACK_OF(X509) * chain; /* must hold the issuer */
};

/*
 * Reads and checks: it is about this certificate, signed by its issuer or whom that has named for
 * it, and says that the certificate is good. One that is not in date is loaded too, with a note.
 * Returns 0; -EKEYREVOKED: it says that the certificate is revoked; another negative errno. *err is
 * filled then, and *ret zeroed.
 */
gw_must_check int gw_ocsp_load(struct gw_ocsp *ret, struct gw_files *files, const char *flag,
                               const char *path, const struct gw_ocsp_subject *subject,
                               struct gw_error *err);
/* A zeroed one is allowed. */
void gw_ocsp_done(struct gw_ocsp *ocsp);

/* Whether there is one that may be shown at this time. */
static inline bool gw_ocsp_in_date(const struct gw_ocsp *ocsp, time_t now)
{
    return ocsp->der && now >= ocsp->begins && now < ocsp->ends;
}
