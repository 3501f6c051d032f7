/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is revoked: the CRLs of --crl, of each issuer and scope the newest. Once there are any, each
 * CA that issued a certificate of a chain must have one that is about it and current.
 *
 * Immutable, but that each list is noted once when it turns out to be too old.
 */
#pragma once

#include "gateway/base/files.h"
#include "gateway/config/config.h"
#include "gateway/tls/crl.h"

#include <time.h>

struct gw_revocation;

/*
 * Reads all CRLs of the service. Each must be signed by one of the anchors and current; one that
 * is not yet or no longer current is a warning where the service says --crl-soft. Returns 0;
 * negative errno with *err filled.
 */
gw_must_check int gw_revocation_load(struct gw_revocation **ret, const struct gw_service *service,
                                     const struct gw_anchors *anchors, struct gw_files *files,
                                     OSSL_LIB_CTX *library, struct gw_error *err);
void gw_revocation_free(struct gw_revocation *revocation); /* NULL is allowed */

/*
 * About one certificate by what a chain keeps of it: X509_V_OK; X509_V_ERR_CERT_REVOKED, also by a
 * list that is too old; else what its issuer's list lacks: X509_V_ERR_UNABLE_TO_GET_CRL,
 * X509_V_ERR_CRL_NOT_YET_VALID or X509_V_ERR_CRL_HAS_EXPIRED.
 */
int gw_revocation_look(struct gw_revocation *revocation, const struct gw_chain_entry *entry,
                       time_t now);

/* What was noted while it was looked at, for whoever logs it to take (gw_notes_done); owned by the
 * lists. */
struct gw_notes *gw_revocation_notes(struct gw_revocation *revocation);

/* When the next list that is current now will be too old, seconds since 1970; INT64_MAX: none will.
 */
int64_t gw_revocation_next_end(const struct gw_revocation *revocation, time_t now);

/* How many entries all lists have together. */
size_t gw_revocation_size(const struct gw_revocation *revocation);
