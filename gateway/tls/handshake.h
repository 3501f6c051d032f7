/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS handshake in the role of its context, without I/O: bytes in, bytes out, a verdict.
 * Nothing here blocks or uses a socket.
 *
 * Life: gw_handshake_new → gw_handshake_begin → gw_handshake_input for each piece received → on
 * DONE decide by gw_handshake_identity → gw_handshake_tickets if the peer may pass →
 * gw_handshake_keys, gw_handshake_unread → send all output → gw_handshake_free, in the client role
 * possibly after some gw_handshake_show. After every call there may be output, also after FAILED
 * (the alert). The caller must send it.
 */
#pragma once

#include "gateway/base/reason.h"
#include "gateway/tls/chain.h"
#include "gateway/tls/context.h"
#include "gateway/tls/handover.h"
#include "gateway/tls/identity.h"

struct gw_handshake;

enum gw_handshake_verdict {
    GW_HANDSHAKE_MORE, /* wants more input */
    GW_HANDSHAKE_DONE, /* complete; input after the peer's Finished is kept as unread */
    /* gw_handshake_reason has the reason in server terms (gw_reason_in); the alert, if any, is in
     * the output */
    GW_HANDSHAKE_FAILED,
};

/* Whether the peer with this identity would be admitted. Called in the server role before a ticket
 * is sealed or accepted for resumption, in the client role before a session is kept. */
typedef bool gw_handshake_allows(void *arg, const struct gw_identity *identity);

/* NULL when out of memory. `arg` must outlive the handshake. In the client role `allows` may be
 * NULL, which admits every peer. */
struct gw_handshake *gw_handshake_new(struct gw_tls_context *ctx, gw_handshake_allows *allows,
                                      void *arg);
/* Wipes and frees. The session stays resumable if the handshake was complete. NULL is allowed. */
void gw_handshake_free(struct gw_handshake *hs);

/* Client role: makes the first output. Server role: does nothing. */
enum gw_handshake_verdict gw_handshake_begin(struct gw_handshake *hs);
/* Takes all of `data` and advances the handshake as far as possible. */
enum gw_handshake_verdict gw_handshake_input(struct gw_handshake *hs, const void *data, size_t len);
/* Valid when FAILED. */
enum gw_reason gw_handshake_reason(const struct gw_handshake *hs);
/* More about the failure, for the log ("no shared cipher"); "" when there is none. At most
 * GW_FAULT_MAX bytes. */
const char *gw_handshake_detail(const struct gw_handshake *hs);

/* Unsent output. The pointer is valid until the next call on hs. */
size_t gw_handshake_output(struct gw_handshake *hs, const uint8_t **ret_data);
/* Marks the first `len` bytes of the output as sent. */
void gw_handshake_output_sent(struct gw_handshake *hs, size_t len);

/* After DONE, or FAILED: */

/* Fills *ret, which gw_identity_done frees. False when the certificate's alternative names cannot
 * be read; the peer must then not pass. */
gw_must_check bool gw_handshake_identity(struct gw_handshake *hs, struct gw_identity *ret);
struct gw_handshake_holder {
    char subject[256]; /* as formatted by gw_dname_print */
    char issuer[256];
};
/* Fills *ret with the holder of the peer's certificate. False when it showed none that could be
 * parsed. Like gw_handshake_identity, also works for a refused certificate. */
gw_must_check bool gw_handshake_get_holder(const struct gw_handshake *hs,
                                           struct gw_handshake_holder *ret);

/* After DONE: */

/* The chain that the peer's certificate was verified by, in this handshake or in the resumed
 * session's one; absent when it showed none. False when the chain is unavailable; the peer must
 * then not pass. */
gw_must_check bool gw_handshake_chain(struct gw_handshake *hs, struct gw_chain *ret);
/* Server role: appends a session ticket (TLS 1.3) to the output. Returns the number of tickets that
 * the client gets; TLS 1.2 sends its one within the handshake. 0 when tickets are off. Call it
 * once. */
unsigned gw_handshake_tickets(struct gw_handshake *hs);
/* The keys of both directions, with sequence numbers that account for the output so far. Call it
 * after gw_handshake_tickets. Returns 0 or a negative errno. */
gw_must_check int gw_handshake_keys(struct gw_handshake *hs, struct gw_handover_keys *ret);
/* Moves the bytes received after the peer's Finished to `data`. Returns their number, which never
 * exceeds what the last gw_handshake_input brought; `cap` must be at least that. */
size_t gw_handshake_unread(struct gw_handshake *hs, uint8_t *data, size_t cap);

/*
 * Client role: a TLS 1.3 server sends its tickets after the handshake, and only libssl can turn
 * them into sessions. While this returns true, pass each received record to gw_handshake_show, as
 * it is on the wire, before it is opened. The first record that is not a ticket ends that. libssl
 * sees a copy, and its response is discarded.
 */
bool gw_handshake_wants_tickets(const struct gw_handshake *hs);
bool gw_handshake_show(struct gw_handshake *hs, const void *record, size_t len);
/* The number of resumable sessions received so far. */
unsigned gw_handshake_sessions(const struct gw_handshake *hs);

struct gw_handshake_info {
    bool resumed;
    char version[8]; /* "TLSv1.3" */
    char suite[48];  /* OpenSSL's name */
    char group[32];  /* "x25519", "" when unknown */
    char sni[128];   /* received or sent; "" when none; truncated if longer */
    char alpn[32];   /* "" when none */
    bool ticket_sent;
    bool crl_tolerated; /* a CA of the peer has no current CRL, and --crl-soft permits that */
};
/* Callable at any time; unknown fields are "". Before DONE only the SNI is known. */
void gw_handshake_get_info(struct gw_handshake *hs, struct gw_handshake_info *ret);

/* Further facts for a PROXY header; "" and length 0 where there is none. */
struct gw_handshake_facts {
    const char *sni;     /* complete */
    const uint8_t *alpn; /* complete; any bytes */
    size_t alpn_len;
    char key_alg[16];    /* key type of the certificate that we showed: "EC256"; "" when resumed */
    const char *sig_alg; /* the algorithm that signed that certificate: "ecdsa-with-SHA256" */
    const char *sig_scheme; /* the scheme of our own signature: "ecdsa_secp256r1_sha256" */
    /* the peer's certificate in DER, if one was requested; also when resumed */
    const uint8_t *cert;
    size_t cert_len;
};
/* Server role, after DONE. The pointers stay valid as long as hs. False without memory. */
gw_must_check bool gw_handshake_get_facts(struct gw_handshake *hs, bool with_cert,
                                          struct gw_handshake_facts *ret);
