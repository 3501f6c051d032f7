/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All certificates of a service with their keys, and which of them answer for which name. What
 * answers together is a family: a certificate, and for each other type of key the first one that is
 * good for the same names.
 */
#pragma once

#include "gateway/config/config.h"
#include "gateway/tls/credential.h"
#include "gateway/tls/sni.h"

enum {
    GW_KEY_TYPES = 5 /* that a certificate of TLS may have */
};

struct gw_family {
    unsigned members[GW_KEY_TYPES]; /* numbers of credentials; the first gave it its number */
    unsigned count;
};

struct gw_keyring {
    struct gw_credential *all; /* those of --cert first, in their order */
    unsigned count;
    struct gw_family *families; /* as many */
    struct gw_sni_table sni;    /* its indexes are those of families */
};

/*
 * Loads what the service names; that may be nothing. What cannot be used is left out with a note
 * (gw_files_notes) where another certificate is left, or stays as it was in force (credential.h).
 * `ctx`: whose policy certificates must satisfy. `known`: the CAs of the service, NULL without.
 * Returns 0; negative errno with *err filled, the first mistake where none can be used; on failure
 * *ret may still be passed to _done.
 */
gw_must_check int gw_keyring_load(struct gw_keyring *ret, const struct gw_service *service,
                                  struct gw_files *files, OSSL_LIB_CTX *library, SSL_CTX *ctx,
                                  X509_STORE *known, struct gw_error *err);
/* A zeroed one is allowed. */
void gw_keyring_done(struct gw_keyring *ring);
