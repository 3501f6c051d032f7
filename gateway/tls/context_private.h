/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of a TLS context, for this folder only. */
#pragma once

#include "gateway/tls/context.h"
#include "gateway/tls/keyring.h"
#include "gateway/tls/sessionstack.h"
#include "gateway/tls/tickets.h"
#include "gateway/tls/trust.h"

#include <openssl/ssl.h>

struct gw_tls_context {
    enum gw_role role;
    OSSL_LIB_CTX *library;
    bool ours; /* it uses the gateway's own algorithms */
    struct gw_trust trust;
    struct gw_keyring keyring;
    /* One for all names: one for each would take half a millisecond and 14 KiB. It shows the first
     * family. Where another answers, the handshake gets that family's certificates. In the client
     * role it shows the one certificate, if there is any. */
    SSL_CTX *ctx;
    enum gw_strict_sni strict_sni;    /* server role */
    struct gw_session_stack sessions; /* client role; each worker has its own */
    bool keeps_sessions;
    struct gw_ticket_keys *tickets;  /* NULL: off */
    EVP_CIPHER *ticket_cipher;       /* AES-256-CBC */
    uint8_t alpn[GW_MAX_ALPN * 256]; /* as on the wire: each name after its length */
    unsigned alpn_len;
};
