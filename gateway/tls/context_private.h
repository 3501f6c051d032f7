/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a TLS context; for this folder only. */
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
    bool ours; /* algorithms of our own are among those it computes with */
    struct gw_trust trust;
    struct gw_keyring keyring;
    /* One for all names, since one for each would take half a millisecond and 14 KiB. It shows the
     * first family; where another one answers, the handshake is given that one's certificates. In
     * the client role the one certificate that there may be. */
    SSL_CTX *ctx;
    enum gw_strict_sni strict_sni;    /* server role */
    struct gw_session_stack sessions; /* client role; each worker fills its own */
    bool keeps_sessions;
    struct gw_ticket_keys *tickets;  /* NULL: off */
    EVP_CIPHER *ticket_cipher;       /* AES-256-CBC */
    uint8_t alpn[GW_MAX_ALPN * 256]; /* as on the wire: length, name, … */
    unsigned alpn_len;
};
