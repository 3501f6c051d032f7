/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRL distribution points. A certificate names where its lists are (RFC 5280 4.2.1.13). A list may
 * name its own points (5.2.5); it then covers the certificates that name one of these (6.3.3 b 2
 * i). A name is kept as a hash; names are equal when their DER is.
 */
#pragma once

#include "gateway/tls/chain.h"

#include "gateway/base/attr.h"
#include "gateway/base/text.h"

#include <openssl/x509v3.h>

/* The points of a certificate. `more` is set by a point for some reasons only, by names beyond the
 * room, and by unreadable ones. A point whose lists another CA signs is skipped: such lists are
 * never accepted. */
void gw_points_of_cert(struct gw_points *ret, const X509 *cert, const EVP_MD *sha256);

/* The points of a list, from `name` in its issuing distribution point. None when one of the names
 * is its issuer's: the list then covers all certificates (RFC 5280 6.3.3, at the end). `more` as
 * above. */
void gw_points_of_crl(struct gw_points *ret, DIST_POINT_NAME *name, const X509_NAME *issuer,
                      const EVP_MD *sha256);

/* The same points as text, for people: URIs and distinguished names, joined by ", ". At most four
 * are printed; bytes outside of printable ASCII are '?'. `before` precedes them if there are any.
 */
void gw_points_print_cert(struct gw_text *out, const X509 *cert, const char *before);
void gw_points_print_crl(struct gw_text *out, DIST_POINT_NAME *name, const X509_NAME *issuer);

/* Whether the two share a point. */
bool gw_points_meet(const struct gw_points *a, const struct gw_points *b);
/* Whether the two have the same points. */
bool gw_points_equal(const struct gw_points *a, const struct gw_points *b);
