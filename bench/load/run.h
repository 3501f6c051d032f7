/* SPDX-License-Identifier: Apache-2.0 */
/* A whole load, from the first connection to the figures. */
#pragma once

#include "bench/load/histogram.h"
#include "bench/tool/config.h"
#include "bench/tool/proc.h"

struct bench_result {
    double seconds;      /* measured */
    uint64_t units;      /* in that time: handshakes, requests, connections; 0 for bulk both ways */
    uint64_t bytes_down; /* payload bytes received, and sent */
    uint64_t bytes_up;
    uint64_t connections; /* open at its end */
    uint64_t errors;
    uint64_t handshakes_resumed; /* from the first connection on */
    double ramp_seconds;         /* until all connections were open */
    struct bench_histogram times;
    char group[32];        /* of the first handshake; "" without TLS */
    char first_error[256]; /* "" when there was none */
    uint64_t unanswered;   /* latency: requests that were due and not answered at the end */
    double busiest;        /* share of its time that the busiest thread of the load worked */
    double waited;         /* share of its time that it waited for its processor */
    double cores_busy;     /* share used, by anything, of the processors of --cpus */
    bool has_server;       /* --pid was given, and the rest is filled: */
    struct bench_proc server_before; /* any connection was opened (idle), else at the beginning */
    struct bench_proc server_after;
};

/* What a person may be shown meanwhile; `second` counts up to `of`. */
typedef void bench_progress_fn(void *arg, const char *phase, double second, double of,
                               const struct bench_result *so_far);

/* Runs it; `progress` (may be NULL) is called some times a second. Errors of single connections
 * are in the result; 0, or negative errno with *err filled when nothing could be measured. */
gw_must_check int bench_run(const struct bench_config *config, bench_progress_fn *progress,
                            void *arg, struct bench_result *ret, struct gw_error *err);

/* What was counted: bytes for bulk, else units. */
double bench_result_amount(const struct bench_config *config, const struct bench_result *r);
/* Whether a load that does as much as it can had no time left, or the processors of --cpus had
 * none: then the figures do not show the server's speed. */
bool bench_result_load_was_limit(const struct bench_config *config, const struct bench_result *r);
/* Whether the processors had no time left, without --cpus, so that the cause is unknown. */
bool bench_result_machine_was_full(const struct bench_config *config, const struct bench_result *r);
/* Whether the requests of --rate were answered as fast as they were due. */
bool bench_result_rate_was_reached(const struct bench_config *config, const struct bench_result *r);
/* Processor time of the server in that time, in seconds. */
double bench_result_server_seconds(const struct bench_result *r);
