/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at the near end of a link for a flood to meet. */
#pragma once

#include "bench/arena/arena.h"
#include "bench/tool/config.h"

#include <stdatomic.h>

/* In shared memory; one writer. */
struct bench_target_counters {
    _Atomic uint64_t accepted; /* connections */
    _Atomic uint64_t bytes;    /* that were read of them */
};

/* A rule that drops whatever comes in. */
gw_must_check int bench_target_drop(const struct bench_arena *arena, unsigned link,
                                    struct gw_error *err);
/* A process that accepts connections at the address of the near end, reads what is there, and
 * closes them. Returns it for bench_child_stop, or negative errno with *err filled. */
gw_must_check pid_t bench_target_listen(const struct bench_arena *arena, unsigned link, bool v6,
                                        uint16_t port, struct bench_target_counters *counters,
                                        struct gw_error *err);
