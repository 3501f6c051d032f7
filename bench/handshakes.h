/* SPDX-License-Identifier: Apache-2.0 */
/* In-memory handshakes that measure the server's share, for the programs of this folder. */
#pragma once

#include "gateway/tls/context.h"
#include "tests/unit/tlspair.h"

#include <openssl/ssl.h>
#include <stdbool.h>

enum {
    BENCH_AT_A_TIME = 16
};

/* One way of serving: how a step of it is made, and what it costs. */
struct way {
    const char *name;
    int version;
    bool resumed;
    unsigned tickets;           /* plain libssl: that it sends */
    struct gw_tls_context *tls; /* accepts them; NULL: plain libssl does */
    SSL_CTX *server;            /* of plain libssl */
    SSL_CTX *client;
    SSL_SESSION *session;
    double best_us;
};

/* CPU time of this thread. */
double bench_cpu_us(void);

/* Makes `count` handshakes of that way, at most BENCH_AT_A_TIME, side by side as on a server.
 * Returns the server's microseconds for one. The first of a resumed way is full, and gives the
 * session. */
double bench_handshakes(struct way *w, unsigned count);

/* Both owned by the caller. */
SSL_CTX *bench_plain_server(const struct tlsworld *world, unsigned tickets);
SSL_CTX *bench_client(int version);
