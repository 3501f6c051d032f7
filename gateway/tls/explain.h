/* SPDX-License-Identifier: Apache-2.0 */
/* What a handshake would find in a certificate: for people, before anybody connects with it. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/base/reason.h"
#include "gateway/tls/context.h"
#include "gateway/tls/identity.h"

struct gw_explained {
    struct gw_identity id; /* not present: its alternative names cannot be read */
    enum gw_reason reason; /* GW_REASON_NONE: its chain is good now, or not asked for */
    const char *why;       /* the reason in libcrypto's words; static, NULL without */
    /* The versions that the service speaks and its key is not for, among 0x0303 and 0x0304; 0 after
     * the last. Where it is for none, the reason is GW_REASON_HANDSHAKE_CIPHER. */
    uint16_t without[3];
};

/*
 * `tls` was made of `service`. Reads the PEM file (the certificate first, then what its holder
 * would send with it) through `files` (NULL: from disk) and verifies it as a handshake with a
 * client, or in the client role with the target, would now. Returns 0, and gw_explained_done frees;
 * negative errno with *err filled, when the file is none.
 */
gw_must_check int gw_explain(const struct gw_tls_context *tls, const struct gw_service *service,
                             const char *path, struct gw_files *files, struct gw_explained *ret,
                             struct gw_error *err);
static inline void gw_explained_done(struct gw_explained *explained)
{
    gw_identity_done(&explained->id);
}
