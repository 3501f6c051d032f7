/* SPDX-License-Identifier: Apache-2.0 */
/* The scene of a siege: three namespaces, the gateway with its backend, and the other parts. */
#pragma once

#include "bench/compare/contender.h"
#include "bench/compare/server.h"
#include "bench/siege/assault.h"
#include "bench/siege/crowd.h"
#include "bench/siege/haul.h"

struct bench_stage {
    const struct bench_config *config;
    struct bench_cpus gateway_cpu, load_cpu, flood_cpu;
    struct bench_arena arena;
    struct bench_place place; /* in the gateway's namespace, as this process is from then on */
    struct bench_contenders contenders; /* the gateway alone */
    struct bench_server server;
    struct bench_crowd crowd;
    struct bench_haul haul;
    struct bench_assault assault;
};

/* Makes all but the last four. 0, or a negative errno with *err filled (-EINTR: a signal ends the
 * run); call bench_stage_done in either case. */
gw_must_check int bench_stage_init(struct bench_stage *stage, const struct bench_config *config,
                                   struct gw_error *err);
void bench_stage_done(struct bench_stage *stage);

/* A fresh gateway behind the defence of that row; with no flood yet, it is asked for something. */
gw_must_check int bench_stage_open(struct bench_stage *stage, unsigned defence,
                                   struct gw_error *err);
/* Ends the gateway and all other processes of the stage. */
void bench_stage_close(struct bench_stage *stage);
