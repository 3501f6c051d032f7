/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service and a client for tests of gateway/tls: real files, a real gw_handshake, and an OpenSSL
 * client over memory, the two fed from each other. After the hand-over the server's side goes on
 * with the derived keys, so that a wrong key or sequence number shows at the first record.
 */
#pragma once

#include "gateway/tls/context.h"
#include "gateway/tls/handshake.h"
#include "gateway/tls/tickets.h"
#include "tests/unit/certs.h"

#include <openssl/ssl.h>

/* Certificates and files, made once in a test program. */
struct tlsworld {
    struct test_dir *dir;
    struct test_cert *ca;
    struct test_cert *foreign_ca;
    struct test_cert *server_ec; /* gate.test, *.wild.test */
    struct test_cert *server_rsa;
    struct test_cert *other;        /* other.test, ECDSA */
    struct test_cert *client;       /* CN alice, OU ops, DNS and URI */
    struct test_cert *client_other; /* CN mallory */
    struct test_cert *client_expired;
    struct test_cert *client_future;
    struct test_cert *client_foreign;
    struct test_cert *client_server_eku; /* serverAuth only */
    const char *ca_file;
    struct gw_cert_pair ec_pair;
    struct gw_cert_pair rsa_pair;
    struct gw_cert_pair other_pair;
};

/* With KTLSGATE_TEST_CRYPTO=library in the environment handshakes are computed with libcrypto
 * alone. The set-up of the world does this, too. */
void tlsworld_choose_crypto(void);

/* For cmocka's group set-up: *state is the world. */
int tlsworld_setup(void **state);
int tlsworld_teardown(void **state);

enum {
    TLSWORLD_PAIRS_MAX = 4
};
/* A server's side with the ECDSA and the RSA pair, no client certificates, tickets on. Its `certs`
 * have room for TLSWORLD_PAIRS_MAX, and live as long as most tests. */
void tlsworld_side(const struct tlsworld *w, struct gw_tls_side *ret);

/* Ticket keys in shared pages, with one key; freed with gw_wipe_pages_free. */
struct gw_ticket_keys *tlsworld_ticket_keys(void);
/* A context that must come about. `keys` may be NULL. What there is to say of it is logged. */
struct gw_tls_context *tlsworld_context(const struct gw_tls_side *side,
                                        struct gw_ticket_keys *keys);

/* One side's view of one connection. */
struct tlspair {
    struct gw_handshake *server;
    SSL *client;
    BIO *to_client;
    BIO *from_client;
    enum gw_handshake_verdict verdict;
    struct gw_handover_keys keys;
    /* How the server is fed: bytes at a time; 0: all there is; TLSPAIR_RANDOM. */
    size_t piece;
    unsigned seed;
    /* What `allows` answers, and how often it was asked. */
    bool allow;
    unsigned asked;
    unsigned tickets;
    int client_alert;     /* received by the client: its description, or -1 */
    SSL_SESSION *session; /* the last one the client was given; owned */
    uint8_t sent[131072]; /* all that the server sent in the handshake */
    size_t sent_len;
    uint8_t inbox[65536]; /* records from the client after the hand-over */
    size_t inbox_len;
};

#define TLSPAIR_RANDOM SIZE_MAX

/* A client context that trusts the world's CA and speaks TLS `version` only (0: both). */
SSL_CTX *tlspair_client_ctx(const struct tlsworld *w, int version);

/* SSL_CTX_set1_sigalgs_list and SSL_set_tlsext_host_name of the client, which are macros that cast
 * a const away. */
bool tlspair_sigalgs(SSL_CTX *ctx, const char *list);
bool tlspair_name(struct tlspair *p, const char *name);

/* `session` (NULL: none) is offered for resumption. The client is not run yet. */
void tlspair_init(struct tlspair *p, struct gw_tls_context *tls, SSL_CTX *client_ctx,
                  SSL_SESSION *session);
void tlspair_done(struct tlspair *p);
/* The client shows this certificate. */
void tlspair_show(SSL_CTX *client_ctx, const struct test_cert *cert);

/* Moves what the client wrote to the server, and back, until neither moves. */
enum gw_handshake_verdict tlspair_run(struct tlspair *p);
/* Tickets, output to the client, keys. After DONE. */
void tlspair_handover(struct tlspair *p);
/* Moves the client's output to the server's input; false when there was none. */
bool tlspair_to_server(struct tlspair *p);
/* Moves the server's output to the client's input. */
bool tlspair_to_client(struct tlspair *p);

/* After the handover: the client's bytes open under keys.rx to exactly these bytes. */
void tlspair_expect_from_client(struct tlspair *p, const void *data, size_t len);
/* Bytes sealed under keys.tx reach the client. */
void tlspair_send_to_client(struct tlspair *p, const void *data, size_t len);
/* Both ways, records of several sizes. */
void tlspair_exchange(struct tlspair *p);

/* Takes the session out of the pair; the caller frees it. NULL when the client got none. */
SSL_SESSION *tlspair_take_session(struct tlspair *p);

/* Runs a whole connection: handshake, hand-over, exchange. Everything must succeed. */
void tlspair_succeed(struct tlspair *p);
