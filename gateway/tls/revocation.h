/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation by the CRLs of --crl: the newest of each issuer and scope. Once there are any, each CA
 * that issued a certificate of a chain must have a current one that covers it.
 *
 * Immutable, except that each list is noted once when it has expired.
 */
#pragma once

#include "gateway/base/files.h"
#include "gateway/base/text.h"
#include "gateway/config/config.h"
#include "gateway/tls/crl.h"

#include <time.h>

struct gw_revocation;

/*
 * Reads all CRLs of the side. Each must be signed by one of the anchors and be current. With
 * --crl-soft one that is not current is a warning. Returns 0, or a negative errno with *err filled.
 */
gw_must_check int gw_revocation_load(struct gw_revocation **ret, const struct gw_tls_side *side,
                                     const struct gw_anchors *anchors, struct gw_files *files,
                                     OSSL_LIB_CTX *library, struct gw_error *err);
void gw_revocation_free(struct gw_revocation *revocation); /* NULL is allowed. */

/*
 * Judges one certificate by the facts in its chain: X509_V_OK; X509_V_ERR_CERT_REVOKED, even by a
 * list that is not current; else the fault of its issuer's list: X509_V_ERR_UNABLE_TO_GET_CRL,
 * X509_V_ERR_DIFFERENT_CRL_SCOPE if there are lists and none covers it,
 * X509_V_ERR_CRL_NOT_YET_VALID or X509_V_ERR_CRL_HAS_EXPIRED.
 */
int gw_revocation_look(struct gw_revocation *revocation, const struct gw_chain_entry *entry,
                       time_t now);

/* Prints for people what the lists of its issuer cover: "users, CAs at http://ca.test/2.crl and 4
 * more". */
void gw_revocation_print(const struct gw_revocation *revocation, const struct gw_chain_entry *entry,
                         struct gw_text *out);

/* The notes that gw_revocation_look made. The caller that logs them calls gw_notes_done. Owned by
 * the lists. */
struct gw_notes *gw_revocation_notes(struct gw_revocation *revocation);

/* The next expiry of a list that is current now, in seconds since 1970. INT64_MAX: none expires. */
int64_t gw_revocation_next_end(const struct gw_revocation *revocation, time_t now);

/* The number of entries in all lists together. */
size_t gw_revocation_size(const struct gw_revocation *revocation);
