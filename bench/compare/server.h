/* SPDX-License-Identifier: Apache-2.0 */
/* A system, or the origin, as a running process on one processor. */
#pragma once

#include "bench/compare/peer.h"

#include <sys/types.h>

struct bench_server {
    pid_t pid;       /* 0: none */
    uint16_t port;   /* where it answers */
    char words[640]; /* where its standard error goes */
};

/* Writes its configuration, starts it and waits until it takes connections. 0, or negative errno
 * with *err filled, its own last words among them. */
gw_must_check int bench_server_start(struct bench_server *s, const struct bench_peer *peer,
                                     const char *path, const struct bench_site *site, int cpu,
                                     struct gw_error *err);
/* The same for the origin. */
gw_must_check int bench_server_start_origin(struct bench_server *s, const struct bench_site *site,
                                            int cpu, struct gw_error *err);
/* Ends it, with its children; asked first, then killed. */
void bench_server_stop(struct bench_server *s);
