/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRL distribution points. A certificate names where the lists about it are (RFC 5280 4.2.1.13),
 * and a list may say of which points it is (5.2.5): then it is about the certificates that name one
 * of these (6.3.3 b 2 i). Of a name a hash is kept; names are the same when their DER is.
 */
#pragma once

#include "gateway/tls/chain.h"

#include "gateway/base/attr.h"

#include <openssl/x509v3.h>

/* Those of a certificate. A point for some reasons only, names beyond the room, and what cannot be
 * read set `more`. A point whose lists another CA signs is left out: no such list is ever taken. */
void gw_points_of_cert(struct gw_points *ret, const X509 *cert, const EVP_MD *sha256);

/* Those of a list, of which `name` is what its issuing distribution point says; none when one of
 * the names is its issuer's: then it is about all certificates (RFC 5280 6.3.3, at the end). `more`
 * as above. */
void gw_points_of_crl(struct gw_points *ret, DIST_POINT_NAME *name, const X509_NAME *issuer,
                      const EVP_MD *sha256);

/* Whether both have one. */
bool gw_points_meet(const struct gw_points *a, const struct gw_points *b);
/* Whether both have the same ones. */
bool gw_points_equal(const struct gw_points *a, const struct gw_points *b);
