/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for servers and clients: the first of a name, and those that follow it. */
#pragma once

#include "gateway/pki/ca.h"

/* What issuing and renewing want beside the request. */
struct gw_pki_wish {
    const char *bundle_pass; /* NULL: the PKCS #12 file has no pass phrase */
    bool keep_key;           /* renew: the key stays the same */
    unsigned days;           /* renew; 0: as many as before */
};

/* All of these: the CA is open for writing and has its keys. On success *ret is the new record,
 * which lies in the CA and holds until the next change. Returns 0; a negative errno with *err
 * filled. */

/* A name that has an active certificate is refused. */
gw_must_check int gw_pki_issue(struct gw_pki_ca *ca, const struct gw_pki_request *request,
                               const struct gw_pki_wish *wish, const struct gw_pki_record **ret,
                               struct gw_error *err);
/* A new certificate for all that the old one said, which is left to expire. The newest of its name
 * only, and not after it was revoked. */
gw_must_check int gw_pki_renew(struct gw_pki_ca *ca, const struct gw_pki_record *old,
                               const struct gw_pki_wish *wish, const struct gw_pki_record **ret,
                               struct gw_error *err);
