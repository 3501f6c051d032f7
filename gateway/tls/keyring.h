/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All certificates of a side with their keys, and which of them answer for which name.
 * Certificates that answer together are a family: one certificate, and for each other type of key
 * the first one that is good for the same names.
 */
#pragma once

#include "gateway/config/config.h"
#include "gateway/tls/credential.h"
#include "gateway/tls/sni.h"

enum {
    GW_KEY_TYPES = 5 /* key types that a TLS certificate may have */
};

struct gw_family {
    /* indexes of credentials; the first gave the family its number */
    unsigned members[GW_KEY_TYPES];
    unsigned count;
};

struct gw_keyring {
    struct gw_credential *all; /* those of --cert first, in their order */
    unsigned count;
    struct gw_family *families; /* one per credential */
    struct gw_sni_table sni;    /* its indexes are those of families */
};

/*
 * Loads the certificates that the side names, possibly none. An unusable one is skipped with a
 * note (gw_files_notes) if another is left, or keeps its version in force (credential.h). `ctx`:
 * the policy that certificates must satisfy. Returns 0, or a negative errno with *err filled: the
 * first mistake when none is usable. On failure *ret may still be passed to gw_keyring_done.
 */
gw_must_check int gw_keyring_load(struct gw_keyring *ret, const struct gw_tls_side *side,
                                  struct gw_files *files, OSSL_LIB_CTX *library, SSL_CTX *ctx,
                                  struct gw_error *err);
/* A zeroed object is allowed. */
void gw_keyring_done(struct gw_keyring *ring);
