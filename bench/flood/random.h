/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that look random and are the same for the same seed (splitmix64). No secret is made of
 * them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bench_random {
    uint64_t state;
};

static inline uint64_t bench_random_mix(uint64_t n)
{
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

static inline uint64_t bench_random_next(struct bench_random *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return bench_random_mix(r->state);
}

static inline void bench_random_fill(struct bench_random *r, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)bench_random_next(r);
}
