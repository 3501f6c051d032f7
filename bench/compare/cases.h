/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured of each system: one row a case. */
#pragma once

#include "bench/load/run.h"
#include "gateway/base/error.h"

/* The figure that ranks the contenders of a case; less is better. */
enum bench_measure {
    BENCH_CPU_PER_GIB,    /* seconds */
    BENCH_CPU_PER_UNIT,   /* microseconds */
    BENCH_MEMORY_PER_CONN /* bytes; CPU is milliseconds a second then */
};

/* The work of --fixed; units 0: it has no such case. */
struct bench_fixed {
    unsigned connections;
    unsigned units;
    uint64_t size; /* of a unit; 0: as always */
};

struct bench_case {
    const char *name;
    const char *title;
    enum bench_command command;
    enum bench_measure measure;
    const char *unit;      /* of the server's CPU time */
    const char *rate_unit; /* of what is done in a second */
    int direction;         /* enum bench_direction */
    int resume;            /* enum bench_resume */
    unsigned connections;
    struct bench_fixed fixed;
    bool plain; /* the relay without TLS is measured too */
    bool quick; /* is among those of --quick */
};

enum {
    BENCH_CASES_MAX = 16
};

/* NULL past the last. */
const struct bench_case *bench_case_at(unsigned i);
/* Whether all cases that the command line names are known; negative errno with *err filled when
 * not. */
gw_must_check int bench_cases_check(const struct bench_comparison *compare, struct gw_error *err);
/* Whether the command line asks for it. */
bool bench_case_wanted(const struct bench_case *one, const struct bench_comparison *compare);

/* The load of a case, as `all` (the command line) asks for it, at 127.0.0.1:port. */
void bench_case_load(const struct bench_case *one, const struct bench_config *all, unsigned port,
                     bool plain, struct bench_config *ret);

/* The figures of a run. */
double bench_case_cpu(const struct bench_case *one, const struct bench_config *load,
                      const struct bench_result *r);
double bench_case_rate(const struct bench_case *one, const struct bench_config *load,
                       const struct bench_result *r);
double bench_case_memory(const struct bench_result *r);
