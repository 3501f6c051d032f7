/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of a handshake, for this folder only. The SSL's application data points to it. */
#pragma once

#include "gateway/crypto/provider.h"
#include "gateway/tls/context_private.h"
#include "gateway/tls/fault.h"
#include "gateway/tls/handshake.h"
#include "gateway/tls/recordscan.h"

enum gw_handshake_state {
    GW_HANDSHAKE_RUNNING,
    GW_HANDSHAKE_COMPLETE,
    GW_HANDSHAKE_BROKEN, /* failed, or complete and then broken: has no keys */
};

/* Tracks the records that a client sends in the clear, and the handshake messages in them. */
struct gw_hello_watch {
    uint8_t record[GW_RECORD_HEADER]; /* the header that is arriving, as far as it is there */
    size_t record_have;
    size_t record_left; /* bytes of its body that are still to come */
    uint8_t message[4]; /* the header of a handshake message, likewise */
    size_t message_have;
    size_t message_left;
    bool over; /* the rest is not inspected */
};

enum {
    GW_FIRST_BYTES = 8 /* enough to distinguish TLS from HTTP (plainhttp.h) */
};

struct gw_handshake {
    struct gw_tls_context *tls;
    gw_handshake_allows *allows;
    void *allows_arg;
    SSL *ssl;
    BIO *in; /* owned by ssl, like out */
    BIO *out;
    enum gw_handshake_state state;
    enum gw_reason reason;
    char detail[GW_FAULT_MAX];
    char fault[GW_FAULT_MAX]; /* of the peer's certificate, if verification failed; else "" */

    uint8_t first[GW_FIRST_BYTES]; /* server role: held until the protocol is known */
    size_t first_len;
    bool first_known;
    struct gw_hello_watch hello;
    size_t received;    /* input bytes of the handshake so far */
    bool speaks_tls;    /* the first bytes look like a record */
    uint64_t reads;     /* TLS 1.2: records received since the peer's ChangeCipherSpec */
    size_t out_scanned; /* bytes of out's content that are already scanned */
    struct gw_recordscan sent;
    uint64_t sent_before; /* TLS 1.3: sent.protected at the end of the handshake */

    struct gw_traffic_secrets secrets; /* TLS 1.3 */
    struct ktls_keys server_keys; /* TLS 1.3: set once a ticket was sealed; else without a suite */

    char sni[256];   /* a host name in TLS has up to 255 bytes */
    bool name_known; /* server role: a certificate covers it */
    unsigned family; /* the family that answers (struct gw_keyring) */
    /* verified in this handshake; absent: not yet, or the session was resumed */
    struct gw_chain chain;
    bool crl_tolerated; /* a chain was accepted though one of its CAs has no current CRL */
    bool ticket_sent;
    unsigned char *peer_der; /* the peer's certificate, once it was requested; owned */
    int peer_der_len;
    X509 *refused;              /* the peer's certificate, if verification failed; owned */
    SSL_SESSION *offered;       /* client role: the session offered for resumption; owned */
    unsigned sessions_received; /* client role: sessions received for later connections */
};

/* Verifies the peer's chain. Returns 1, or 0 with the error set. */
int gw_handshake_verify(struct gw_handshake *hs, X509_STORE_CTX *verification);
/* Client role: takes ownership of a reference to a resumable session. */
void gw_handshake_take_session(struct gw_handshake *hs, SSL_SESSION *session);
/* Server role: inspects received bytes before libssl allocates room for them. False: a ClientHello
 * announces more than GW_CLIENT_HELLO_BYTES_MAX. */
bool gw_handshake_hello_fits(struct gw_handshake *hs, const uint8_t *data, size_t len);
/* Server role: the SSL_client_hello_cb, which chooses the certificate by the client's SNI. libssl's
 * own record of the name differs when it resumes a session of TLS 1.2. */
int gw_handshake_take_hello(SSL *ssl, int *alert, void *arg);
/* "EC256", "RSA2048", "ED25519"; leaves `out` unchanged for other keys. */
void gw_handshake_name_key(const EVP_PKEY *key, char *out, size_t size);
/* NULL: not a suite that the handover supports. */
const struct ktls_suite *gw_handshake_suite(const struct gw_handshake *hs);
/* As in struct gw_handover_keys. */
uint16_t gw_handshake_payload_max(const struct gw_handshake *hs);
/* Counts a record of this type whose header libssl has read. */
void gw_handshake_count_read(struct gw_handshake *hs, uint8_t type);
