/* SPDX-License-Identifier: Apache-2.0 */
/* One of the systems while it runs. */
#pragma once

#include "bench/compare/contender.h"

struct bench_server {
    pid_t pid; /* 0: it does not run */
    unsigned port;
};

/* Starts it and waits until its port answers; on as many of the processors as it has workers. Fills
 * in c->text. 0, or negative errno with *err filled (-EINTR: we are to end). */
gw_must_check int bench_server_start(struct bench_server *server, struct bench_contender *c,
                                     const struct bench_place *place, const struct bench_cpus *cpus,
                                     struct gw_error *err);
void bench_server_stop(struct bench_server *server);
