/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of a flood say once they are connected. */
#pragma once

#include "bench/flood/kind.h"
#include "bench/flood/random.h"

enum {
    BENCH_SAYINGS_MAX = 8
};

/* The n-th of those of a kind that answers, in its first *ret_len bytes; false: there is no n-th.
 * Of random bytes there are `size`. */
bool bench_payload_say(enum bench_flood_kind kind, unsigned n, size_t size, struct bench_random *r,
                       uint8_t *out, size_t room, size_t *ret_len);
