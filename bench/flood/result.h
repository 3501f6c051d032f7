/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a flood, for people and for programs. */
#pragma once

#include "bench/tool/config.h"

#include <jansson.h>
#include <stdio.h>

struct bench_flood_result {
    bool into_file; /* only packets is of use then */
    bool listened;
    double seconds;          /* that it was sending */
    double paced_seconds;    /* of them, those in which it kept its rate */
    uint64_t packets, bytes; /* that the link took, with answers */
    uint64_t answers;        /* of them, to SYN-ACKs */
    uint64_t full;           /* times that the link did not take all there was */
    uint64_t arrived;        /* packets, as the interface of the target counts */
    uint64_t accepted;       /* connections */
    uint64_t read;           /* bytes of them */
};

void bench_flood_table(FILE *out, const struct bench_config *config,
                       const struct bench_flood_result *r);
/* A new reference; NULL without memory. */
json_t *bench_flood_json(const struct bench_config *config, const struct bench_flood_result *r);
/* A line on a terminal that is written again and again; nothing elsewhere. */
void bench_flood_progress(const struct bench_config *config, const struct bench_flood_result *r);
void bench_flood_progress_end(void);
