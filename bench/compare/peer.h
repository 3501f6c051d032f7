/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systems that are compared, a row each: how each is configured to do the same with one worker,
 * and how it is started in the foreground. A comparison is worth what the configurations are: they
 * are short on purpose, go into the results, and each setting beyond the necessary says why.
 */
#pragma once

#include "bench/compare/site.h"

#include <stdio.h>

enum {
    BENCH_PEERS_MAX = 8,
    BENCH_ARGS_MAX = 8,
};

struct bench_peer {
    const char *name;
    const char *program;              /* NULL: site->ktlsgate */
    const char *version;              /* the flag that makes it tell its version */
    const char *args[BENCH_ARGS_MAX]; /* "%" stands for the configuration's path */
    void (*configure)(const struct bench_site *site, FILE *out);
    bool ours;
    bool plain; /* relays without TLS: the floor, and no peer */
};

/* NULL past the last. */
const struct bench_peer *bench_peer_at(unsigned index);
/* Where its program lies; false: it is not installed. */
bool bench_peer_find(const struct bench_peer *peer, const struct bench_site *site,
                     char path[BENCH_PATH_MAX]);
/* The line in which it tells its version; "" when it does not. */
void bench_peer_version(const struct bench_peer *peer, const char *path, char *out, size_t size);
