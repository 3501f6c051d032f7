/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateways that are compared: one row each, which says how it is found, asked for its version,
 * configured and started. Adding one is adding a row.
 *
 * All get the same: certificate, backend, TLS 1.2 and 1.3, session tickets, no log of connections,
 * as many workers as asked for. Beyond that each is set up as is best for it; what was tried is
 * said beside its row, so that nobody has to believe that it was.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdio.h>

/* What configurations depend on. */
struct bench_peer_facts {
    const char *folder; /* holds cert.pem, key.pem, both.pem (key and certificate) and NAME.conf */
    unsigned port;      /* where it listens on 127.0.0.1 */
    unsigned backend;   /* the port of the origin there */
    unsigned workers;   /* processes or threads that do the work */
    const char *load_module; /* a line of nginx's configuration; "": stream is built in */
};

enum {
    BENCH_PEER_ARGS = 32
};

struct bench_peer {
    const char *name;
    const char *program;
    const char *version_flag;
    const char *version_after; /* the version follows this in what the program then says */
    bool ours;                 /* ktlsgate: what the others are compared with */
    bool plain;                /* relays without TLS: the floor of a run, and nobody's rival */
    bool quick;                /* is among those of --quick */
    bool asked;                /* takes part only where --systems names it */
    const char *config;        /* its file; NULL: the command line says all */
    const char *args[BENCH_PEER_ARGS]; /* those behind the program's name */
};

/* NULL past the last. ktlsgate is the first. */
const struct bench_peer *bench_peer_at(unsigned i);

/* Writes the text of a row with the facts in the places that it has for them. */
void bench_peer_write(FILE *out, const char *text, const struct bench_peer_facts *facts);
