/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a handshake; for this folder only. The SSL's application data points to it. */
#pragma once

#include "gateway/crypto/provider.h"
#include "gateway/tls/context_private.h"
#include "gateway/tls/handshake.h"
#include "gateway/tls/recordscan.h"

enum gw_handshake_state {
    GW_HANDSHAKE_RUNNING,
    GW_HANDSHAKE_COMPLETE,
    GW_HANDSHAKE_BROKEN, /* failed, or complete and then broken: gives no keys */
};

/* Records that a client sends in the clear, and handshake messages in them. */
struct gw_hello_watch {
    uint8_t record[GW_RECORD_HEADER]; /* the header that is coming, as far as it is there … */
    size_t record_have;
    size_t record_left; /* … and bytes of its body that are to come */
    uint8_t message[4]; /* the same of a message */
    size_t message_have;
    size_t message_left;
    bool over; /* the rest is not looked at */
};

enum {
    GW_FIRST_BYTES = 8 /* that tell TLS from HTTP (plainhttp.h) */
};

struct gw_handshake {
    struct gw_tls_context *tls;
    gw_handshake_allows *allows;
    void *allows_arg;
    SSL *ssl;
    BIO *in; /* owned by ssl, as is out */
    BIO *out;
    enum gw_handshake_state state;
    enum gw_reason reason;
    char detail[96];

    uint8_t first[GW_FIRST_BYTES]; /* server role: held until it is known what is spoken */
    size_t first_len;
    bool first_known;
    struct gw_hello_watch hello;
    size_t received;    /* bytes of input until complete */
    bool speaks_tls;    /* the first bytes look like a record */
    uint64_t reads;     /* TLS 1.2: records received since the peer's ChangeCipherSpec */
    size_t out_scanned; /* bytes of out's content that `sent` has seen */
    struct gw_recordscan sent;
    uint64_t sent_before; /* TLS 1.3: sent.protected at the end of the handshake */

    struct gw_traffic_secrets secrets; /* TLS 1.3 */
    struct ktls_keys server_keys; /* … of it, once a ticket was sealed; else without a suite */

    char sni[256];         /* a host name in TLS has up to 255 bytes */
    bool name_known;       /* server role: a certificate is for it */
    unsigned family;       /* … which answers (struct gw_keyring) */
    struct gw_chain chain; /* verified in this handshake; absent: none yet, or it was resumed */
    bool crl_tolerated;    /* a chain was good though a CA of it has no current CRL */
    bool ticket_sent;
    unsigned char *peer_der; /* the peer's certificate, once it was asked for; owned */
    int peer_der_len;
    X509 *refused;              /* the peer's certificate, when verifying failed; owned */
    SSL_SESSION *offered;       /* client role: what it hopes to resume; owned */
    unsigned sessions_received; /* … and what it was given for the next time */
};

/* Whether the peer of this certificate (NULL: none) passes, asked of `allows`; false when the
 * certificate cannot be read. */
bool gw_handshake_peer_allowed(const struct gw_handshake *hs, X509 *cert);

/* Verifies the peer's chain: 1, or 0 with the error set. */
int gw_handshake_verify(struct gw_handshake *hs, X509_STORE_CTX *verification);
/* Client role: takes over a reference to a session that may be resumed later. */
void gw_handshake_take_session(struct gw_handshake *hs, SSL_SESSION *session);
/* Server role: looks at what is received, before libssl does and finds room for it. False: there is
 * a ClientHello that says it is longer than GW_CLIENT_HELLO_BYTES_MAX. */
bool gw_handshake_hello_fits(struct gw_handshake *hs, const uint8_t *data, size_t len);
/* Server role: SSL_client_hello_cb, which chooses who answers, by the name that the client asks
 * for. What libssl calls the name is another one when it resumes a session of TLS 1.2. */
int gw_handshake_take_hello(SSL *ssl, int *alert, void *arg);
/* "EC256", "RSA2048", "ED25519"; left as it was for others. */
void gw_handshake_name_key(const EVP_PKEY *key, char *out, size_t size);
/* NULL: none that the hand-over knows. */
const struct ktls_suite *gw_handshake_suite(const struct gw_handshake *hs);
/* As in struct gw_handover_keys. */
uint16_t gw_handshake_payload_max(const struct gw_handshake *hs);
/* libssl read the header of a record of this type. */
void gw_handshake_count_read(struct gw_handshake *hs, uint8_t type);
