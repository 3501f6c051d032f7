/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a TLS context; for this folder only. */
#pragma once

#include "gateway/tls/context.h"
#include "gateway/tls/sessionstack.h"
#include "gateway/tls/sni.h"
#include "gateway/tls/tickets.h"
#include "gateway/tls/trust.h"

#include <openssl/ssl.h>

struct gw_credential;

struct gw_tls_context {
    enum gw_role role;
    OSSL_LIB_CTX *library;
    struct gw_trust trust;
    struct gw_credential *credentials; /* one per --cert */
    unsigned credential_count;
    /* Client role: one, which shows the one certificate there may be. Server role: ctxs[i] answers
     * with certificate i and those of other key types that are good for the same names. [0] answers
     * where no name fits. All are equal otherwise. */
    SSL_CTX *ctxs[GW_MAX_CERT_PAIRS];
    unsigned count;
    struct gw_session_stack sessions; /* client role; each worker fills its own */
    bool keeps_sessions;
    struct gw_sni_table sni;
    struct gw_ticket_keys *tickets;  /* NULL: off */
    EVP_CIPHER *ticket_cipher;       /* AES-256-CBC */
    uint8_t alpn[GW_MAX_ALPN * 256]; /* as on the wire: length, name, … */
    unsigned alpn_len;
};
