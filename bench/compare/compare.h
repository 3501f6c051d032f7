/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same work for each system in turn, round after round, so that whatever else the machine does
 * meets all of them alike. What counts is the server's processor time for a unit of work: it tells
 * of the server also where the load or the network is the limit.
 */
#pragma once

#include "bench/compare/peer.h"
#include "bench/load/run.h"

enum {
    BENCH_ROUNDS_MAX = 50,
    BENCH_CASES_MAX = 16,
};

/* One kind of work, a row each. */
struct bench_case {
    const char *name;
    const char *title; /* … for people */
    const char *unit;  /* of what is compared */
    enum bench_command command;
    int direction;
    int resume;
    uint64_t connections;
    uint64_t size;
    bool plain; /* the relay without TLS does it, too */
    bool quick; /* part of --quick */
};

/* One system in one case. */
struct bench_cell {
    unsigned rounds;
    double cost[BENCH_ROUNDS_MAX]; /* of the server for a unit; memory in the idle case */
    double rate[BENCH_ROUNDS_MAX]; /* units per second */
    struct bench_result *results;  /* [rounds], owned */
    struct bench_config config;    /* that it ran with */
    char failed[256];              /* why there are no more rounds; "" */
};

struct bench_system {
    const struct bench_peer *peer;
    char path[BENCH_PATH_MAX];
    char version[128];
};

struct bench_comparison {
    const struct bench_config *config;
    struct bench_site site;
    struct bench_system systems[BENCH_PEERS_MAX];
    unsigned system_count;
    const struct bench_case *cases[BENCH_CASES_MAX];
    unsigned case_count;
    struct bench_cell cells[BENCH_CASES_MAX][BENCH_PEERS_MAX];
};

/* `ktlsgate-bench compare`. 0, or negative errno with *err filled. */
gw_must_check int bench_compare_run(const struct bench_config *config, struct gw_error *err);

/* Middle of a cell's values; 0 when there are none. */
double bench_median(const double *values, unsigned count);
/* The lowest median cost among the peers, 0 when there is none. */
double bench_best_peer(const struct bench_comparison *c, unsigned case_at);
/* What that is beside it for a system: 0.5 costs half of the best peer. 0: not known. */
double bench_ratio(const struct bench_comparison *c, unsigned case_at, unsigned system_at);
