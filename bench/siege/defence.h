/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between a flood and the gateway: one table. Adding a defence is adding a row. */
#pragma once

#include "bench/arena/arena.h"

struct bench_defence {
    const char *about;      /* half a line */
    const char *syncookies; /* what the sysctl is set to */
    bool limit, proxy;      /* rules of contrib/nftables, with the sysctls that belong to them */
};

enum {
    BENCH_DEFENCES = 6
};

/* By their number; ends with NULL. */
extern const char *const bench_defence_words[BENCH_DEFENCES + 1];
const struct bench_defence *bench_defence_at(unsigned i);

/* What is shipped, and what it guards: the port, at all links of a namespace. */
struct bench_defence_place {
    const char *folder; /* contrib/nftables */
    const struct bench_arena *arena;
    unsigned space;
    unsigned port;
};

/* Takes away whatever was there before. 0, or negative errno with *err filled. */
gw_must_check int bench_defence_raise(const struct bench_defence *defence,
                                      const struct bench_defence_place *place,
                                      struct gw_error *err);
