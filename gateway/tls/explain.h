/* SPDX-License-Identifier: Apache-2.0 */
/* How a handshake would judge a certificate, explained to people before anybody connects with
 * it. */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/base/reason.h"
#include "gateway/tls/context.h"
#include "gateway/tls/fault.h"
#include "gateway/tls/identity.h"

struct gw_explained {
    struct gw_identity id;  /* absent if its alternative names cannot be read */
    enum gw_reason reason;  /* GW_REASON_NONE: its chain is good now, or is not checked */
    char why[GW_FAULT_MAX]; /* more about the reason (gw_fault_describe); "": nothing */
    /* The versions of the side, among 0x0303 and 0x0304, that do not accept its key; 0 after the
     * last. If none accepts it, the reason is GW_REASON_HANDSHAKE_CIPHER. */
    uint16_t without[3];
};

/*
 * Reads a file through `files` (NULL: from disk): the certificate first, then the chain its holder
 * would send, in PEM; a single certificate in DER; or PKCS #12, opened with the pass phrase of the
 * side's --key-pass-file or none. Verifies it as a handshake would now, with a client or, in the
 * client role, with the target. `tls` must be made from `side`. Returns 0, and gw_explained_done
 * frees; a negative errno with *err filled when the file is unusable.
 */
gw_must_check int gw_explain(const struct gw_tls_context *tls, const struct gw_tls_side *side,
                             const char *path, struct gw_files *files, struct gw_explained *ret,
                             struct gw_error *err);
static inline void gw_explained_done(struct gw_explained *explained)
{
    gw_identity_done(&explained->id);
}
