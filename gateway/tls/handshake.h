/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS handshake in the role of its context, without I/O: bytes in, bytes out, a verdict.
 * Nothing here blocks or knows a socket.
 *
 * Life: gw_handshake_new → gw_handshake_begin → gw_handshake_input for each piece received → on
 * DONE decide by gw_handshake_identity → gw_handshake_tickets if the peer may pass →
 * gw_handshake_keys, gw_handshake_unread → send all output → gw_handshake_free, in the client role
 * perhaps after some gw_handshake_show. After every call there may be output, also after FAILED
 * (the alert), and it must be sent.
 */
#pragma once

#include "gateway/base/reason.h"
#include "gateway/tls/chain.h"
#include "gateway/tls/context.h"
#include "gateway/tls/handover.h"
#include "gateway/tls/identity.h"

struct gw_handshake;

enum gw_handshake_verdict {
    GW_HANDSHAKE_MORE,   /* wants more input */
    GW_HANDSHAKE_DONE,   /* complete; input after the peer's Finished is kept as unread */
    GW_HANDSHAKE_FAILED, /* gw_handshake_reason says why, as a server (gw_reason_in); the alert, if
                            any, is in the output */
};

/* Whether the peer with this identity would be let in. Asked in the server role before a ticket is
 * sealed and before one is accepted for resumption, in the client role before a session is kept. */
typedef bool gw_handshake_allows(void *arg, const struct gw_identity *identity);

/* NULL when out of memory. `arg` must outlive the handshake; `allows` may be NULL in the client
 * role: everybody is. */
struct gw_handshake *gw_handshake_new(struct gw_tls_context *ctx, gw_handshake_allows *allows,
                                      void *arg);
/* Wipes and frees; the session stays resumable when the handshake was done. NULL is allowed. */
void gw_handshake_free(struct gw_handshake *hs);

/* Client role: makes the first output. Server role: nothing. */
enum gw_handshake_verdict gw_handshake_begin(struct gw_handshake *hs);
/* Takes all of `data` and drives the handshake as far as it goes. */
enum gw_handshake_verdict gw_handshake_input(struct gw_handshake *hs, const void *data, size_t len);
/* Valid when FAILED. */
enum gw_reason gw_handshake_reason(const struct gw_handshake *hs);
/* A word or two on the failure for the log ("no shared cipher"); "" when there is none. */
const char *gw_handshake_detail(const struct gw_handshake *hs);

/* Unsent output: pointer valid until the next call on hs. */
size_t gw_handshake_output(struct gw_handshake *hs, const uint8_t **ret_data);
/* The first `len` bytes of the output were sent. */
void gw_handshake_output_sent(struct gw_handshake *hs, size_t len);

/* After DONE, or FAILED: */

/* Fills *ret, for gw_identity_done to free; false when the certificate's alternative names cannot
 * be read, and then the peer is not to pass. */
gw_must_check bool gw_handshake_identity(struct gw_handshake *hs, struct gw_identity *ret);
struct gw_handshake_holder {
    char subject[256]; /* as gw_dname_print writes it */
    char issuer[256];
};
/* Whom the peer's certificate names; false when it showed none that could be parsed. Of one that
 * was refused both tell, too. */
gw_must_check bool gw_handshake_get_holder(const struct gw_handshake *hs,
                                           struct gw_handshake_holder *ret);

/* After DONE: */

/* The chain that the peer's certificate was verified by, in this handshake or in the one whose
 * session was resumed; absent when it showed none. False when there is none to be had: then the
 * peer is not to pass. */
gw_must_check bool gw_handshake_chain(struct gw_handshake *hs, struct gw_chain *ret);
/* Server role: appends a session ticket (TLS 1.3) to the output. Returns how many the client has
 * got, in TLS 1.2 the one that left within the handshake; 0 when tickets are off. Call it once. */
unsigned gw_handshake_tickets(struct gw_handshake *hs);
/* Keys of both directions with the sequence numbers right for the output so far; call it after
 * gw_handshake_tickets. Returns 0 or negative errno. */
gw_must_check int gw_handshake_keys(struct gw_handshake *hs, struct gw_handover_keys *ret);
/* Moves the bytes received after the peer's Finished to `data`; their number. More than `cap`
 * cannot be: at most what the last gw_handshake_input brought. */
size_t gw_handshake_unread(struct gw_handshake *hs, uint8_t *data, size_t cap);

/*
 * Client role: a TLS 1.3 server sends its tickets after the handshake, and only libssl can make
 * sessions of them. While true is returned each record received is to be shown here as it is on
 * the wire, before it is opened; the last answer comes with the first record that is none of a
 * ticket. Shown is a copy, and what libssl would answer goes nowhere.
 */
bool gw_handshake_wants_tickets(const struct gw_handshake *hs);
bool gw_handshake_show(struct gw_handshake *hs, const void *record, size_t len);
/* Sessions received so far that a later connection may resume. */
unsigned gw_handshake_sessions(const struct gw_handshake *hs);

struct gw_handshake_info {
    bool resumed;
    char version[8]; /* "TLSv1.3" */
    char suite[48];  /* OpenSSL's name */
    char group[32];  /* "x25519", "" when unknown */
    char sni[128];   /* received or sent; "" when none; cut when longer */
    char alpn[32];   /* "" when none */
    bool ticket_sent;
    bool crl_tolerated; /* a CA of the peer has no current CRL, and --crl-soft lets that pass */
};
/* At any time; what is not known yet is "". Before DONE that is all but the SNI. */
void gw_handshake_get_info(struct gw_handshake *hs, struct gw_handshake_info *ret);

/* What a PROXY header tells beyond that; "" and length 0 where there is nothing. */
struct gw_handshake_facts {
    const char *sni;     /* whole */
    const uint8_t *alpn; /* whole, any bytes */
    size_t alpn_len;
    char key_alg[16];       /* of the certificate that we showed: "EC256"; none when resumed */
    const char *sig_alg;    /* … that signed it: "ecdsa-with-SHA256" */
    const char *sig_scheme; /* … of our own signature: "ecdsa_secp256r1_sha256" */
    const uint8_t *cert;    /* the peer's, in DER, when asked for; also when resumed */
    size_t cert_len;
};
/* After DONE, in the server role. What is pointed to lives as long as hs. False without memory. */
gw_must_check bool gw_handshake_get_facts(struct gw_handshake *hs, bool with_cert,
                                          struct gw_handshake_facts *ret);
