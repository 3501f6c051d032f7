/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a siege: a defence against a rate of SYNs. */
#pragma once

#include "bench/siege/stage.h"

struct bench_step {
    unsigned defence, sources; /* their rows */
    uint64_t rate;             /* SYNs a second that are asked for */

    /* What was measured: */
    double seconds;
    double sent, arrived; /* packets a second on the flood's link */
    uint64_t begun, succeeded, failed, late;
    struct bench_histogram times; /* of those that succeeded */
    char first_error[128];        /* "": none but late ones */
    struct bench_haul_speed haul;
    bool haul_ended;      /* the transfer ended early */
    char haul_error[128]; /* why it ended; "": it was killed */
    double gateway_cpu;   /* share of a processor that the gateway's processes used */
    double busy;          /* share of the gateway's processors in use, including receiving */
    double load_busy;     /* of the processors of clients, backend and flood the busiest */
};

/* 0, or negative errno with *err filled (-EINTR: we are to end). */
gw_must_check int bench_step_run(struct bench_step *step, struct bench_stage *stage,
                                 struct gw_error *err);
/* Of all that were due, 0 to 1. */
double bench_step_success(const struct bench_step *step);
