/* SPDX-License-Identifier: Apache-2.0 */
/* Revokes certificates: first in their records, then in crl.pem. */
#pragma once

#include "gateway/pki/ca.h"

/* Records a revocation. Succeeds if it is already recorded. Does not change crl.pem. The CA must be
 * open for writing. Returns 0; -EIO with *err filled. */
gw_must_check int gw_pki_revoke(struct gw_pki_ca *ca, struct gw_pki_record *record,
                                enum gw_pki_reason reason, struct gw_error *err);

/* Writes a new crl.pem, valid from now for `span_s` seconds; 0: as long as the last one, or seven
 * days. The CA must be open for writing and have its keys. A root without its key keeps its CRL.
 * Returns 0, or a negative errno with *err filled. */
gw_must_check int gw_pki_crl_renew(struct gw_pki_ca *ca, int64_t span_s, struct gw_error *err);
/* Does so only when crl.pem lacks a revoked certificate or does not exist. */
gw_must_check int gw_pki_crl_mend(struct gw_pki_ca *ca, struct gw_error *err);

/* The state of crl.pem. */
struct gw_pki_crl_status {
    bool there;          /* it has a CRL of each CA, with a valid signature */
    bool complete;       /* it lists all revoked certificates */
    int64_t next_update; /* of the CRL that expires first */
};
void gw_pki_crl_look(const struct gw_pki_ca *ca, struct gw_pki_crl_status *ret);
