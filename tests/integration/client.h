/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS clients over OpenSSL, that can do by hand what well-behaved clients do not: half-close,
 * truncate, reset, ask for key updates, glue data to the Finished. Either one at a time with calls
 * that wait (until DEADLINE_MS), or many at once by clients_run.
 */
#pragma once

#include "tests/integration/harness.h"
#include "tests/integration/wire.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_options {
    uint16_t port;
    int version;       /* TLS1_2_VERSION or TLS1_3_VERSION; 0: both */
    const char *suite; /* OpenSSL's name; NULL: any */
    bool with_cert;    /* present the certificate of `identity` */
    enum identity identity;
    const char *sni;      /* NULL: "localhost" */
    const char *alpn;     /* one protocol; NULL: none */
    SSL_SESSION *session; /* to resume; stays the caller's */
    size_t fragment;      /* largest record to send; 0: 16384 */
    size_t padding;       /* block size of TLS 1.3 record padding; 0: none */
    bool chop;            /* send in odd pieces of 1 to 7 bytes */
    bool hold;            /* hold the last flight of the handshake until client_release */
    enum identity trust;  /* the CA that the server has to be of */
    bool any_server;      /* do not check the server's certificate */
};

/* How far a read or a handshake came. */
enum client_end {
    CLIENT_OPEN,         /* nothing ended */
    CLIENT_CLOSE_NOTIFY, /* the stream ended properly */
    CLIENT_TRUNCATED,    /* FIN without close_notify */
    CLIENT_ALERTED,      /* fatal alert: its number in `alert` */
    CLIENT_WAS_RESET,
    CLIENT_STUCK,  /* the deadline passed */
    CLIENT_FAILED, /* our side did not like what came: `error` says what */
};

struct client_work {
    uint64_t up_bytes; /* to send of the stream up_seed */
    uint64_t up_seed;
    uint64_t down_bytes; /* that have to come, of the stream down_seed */
    uint64_t down_seed;
    bool half_close; /* close_notify once all is sent, then continue reading */
    bool meet;       /* when all has come, wait for all others (clients_run) */
    bool leave;      /* when all has come, close without waiting for close_notify */
};

struct client {
    struct client_options options;
    struct wire wire;
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    int alert; /* fatal alert that came; -1: none */
    enum client_end end;
    char error[160];
    SSL_SESSION *ticket; /* the last that came, resumable; NULL: none */
    unsigned tickets;

    struct client_work work;
    uint64_t sent;
    uint64_t received;
    bool wrong; /* a byte that came was not the stream's, at position `received` */
    int phase;  /* of clients_run */
    uint32_t events;
};

/* ---- one at a time ---- */

/* TCP connect and an SSL object; asserts. Nothing is sent yet. */
void client_open(struct client *c, const struct client_options *options);
/* The handshake; CLIENT_OPEN when it is done. */
enum client_end client_handshake(struct client *c);
/* open + handshake, asserting that it is done. */
void client_connect(struct client *c, const struct client_options *options);
/* Sends what was held back, in one piece. */
void client_release(struct client *c);

/* Sends the next `bytes` of the stream work.up_seed; asserts. */
void client_send(struct client *c, uint64_t bytes);
/* Sends until nothing moves any more; asserts that it can. */
void client_send_until_stuck(struct client *c);
/* Receives exactly `bytes` more of the stream work.down_seed, checked; asserts. */
void client_receive(struct client *c, uint64_t bytes);
/* Reads until the end of the stream, which it returns; bytes that come are checked and counted. */
enum client_end client_read_end(struct client *c);
/* Plain pieces of text. */
void client_send_text(struct client *c, const char *text);
size_t client_receive_some(struct client *c, void *data, size_t size);

/* close_notify; reading continues. */
void client_close_notify(struct client *c);
/* FIN without close_notify. */
void client_truncate(struct client *c);
/* RST. */
void client_reset(struct client *c);
/* TLS 1.3 KeyUpdate; `request`: asks the peer for one as well. It leaves with the next bytes. */
void client_update_keys(struct client *c, bool request);
bool client_resumed(const struct client *c);
/* The session to resume later, taken from the client; NULL: none came. Reads what there is. */
SSL_SESSION *client_take_session(struct client *c);
/* Frees everything; the connection is just closed. Twice is harmless. */
void client_close(struct client *c);

/* connect, work, wait for the proper end, close: the whole of a usual connection. Asserts that all
 * bytes were right. */
void client_transfer(const struct client_options *options, const struct client_work *work);

/* ---- many at once ---- */

/*
 * Runs `count` connections alike, `at_once` of them at a time, in this thread. Returns how many did
 * all their work and ended properly; why the first that did not failed is in `error`.
 * `met`: called when all of them meet (work.meet), with all connections open; NULL: no.
 */
unsigned clients_run(const struct client_options *options, const struct client_work *work,
                     unsigned count, unsigned at_once, void (*met)(void *arg), void *arg,
                     char error[160]);
