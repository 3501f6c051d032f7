/* SPDX-License-Identifier: Apache-2.0 */
/* Taking certificates back: in their records first, then in crl.pem. */
#pragma once

#include "gateway/pki/ca.h"

/* Writes into the record that it is revoked; it is no error when it is already. crl.pem is not
 * touched. The CA is open for writing. Returns 0; -EIO with *err filled. */
gw_must_check int gw_pki_revoke(struct gw_pki_ca *ca, struct gw_pki_record *record,
                                enum gw_pki_reason reason, struct gw_error *err);

/* Writes crl.pem anew, valid from now for `span_s` seconds; 0: as long as the last one was, or
 * seven days. The CA is open for writing and has its keys. A root whose key is not at hand keeps
 * its list. Returns 0; a negative errno with *err filled. */
gw_must_check int gw_pki_crl_renew(struct gw_pki_ca *ca, int64_t span_s, struct gw_error *err);
/* The same when crl.pem lacks somebody who is revoked, or is not there. */
gw_must_check int gw_pki_crl_mend(struct gw_pki_ca *ca, struct gw_error *err);

/* What there is to know of crl.pem. */
struct gw_pki_crl_status {
    bool there;          /* with a list of each CA, signed by it */
    bool complete;       /* all who are revoked are in it */
    int64_t next_update; /* of the list that ends first */
};
void gw_pki_crl_look(const struct gw_pki_ca *ca, struct gw_pki_crl_status *ret);
