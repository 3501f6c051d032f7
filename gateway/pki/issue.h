/* SPDX-License-Identifier: Apache-2.0 */
/* Issues certificates for servers and clients: the first of a name, and its renewals. */
#pragma once

#include "gateway/pki/ca.h"

/* The parameters of issuing and renewing beside the request. */
struct gw_pki_wish {
    const char *bundle_pass; /* NULL: the PKCS #12 file has no pass phrase */
    bool keep_key;           /* renew: keep the key */
    unsigned days;           /* renew; 0: as many as before */
};

/* For both: the CA is open for writing and has its keys. On success *ret is the new record, which
 * the CA owns and which stays valid until the next change. Returns 0, or a negative errno with *err
 * filled. */

/* Refuses a name that has an active certificate. */
gw_must_check int gw_pki_issue(struct gw_pki_ca *ca, const struct gw_pki_request *request,
                               const struct gw_pki_wish *wish, const struct gw_pki_record **ret,
                               struct gw_error *err);
/* Makes a new certificate with all contents of the old one, which is left to expire. Only for the
 * newest of its name, and not after its revocation. */
gw_must_check int gw_pki_renew(struct gw_pki_ca *ca, const struct gw_pki_record *old,
                               const struct gw_pki_wish *wish, const struct gw_pki_record **ret,
                               struct gw_error *err);
