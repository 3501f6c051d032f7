/* SPDX-License-Identifier: Apache-2.0 */
/* A token as the 64 bits that come back with a completion: op 7, leg 1, slot 24, generation 32. It
 * is not a pointer, so a late completion cannot refer to memory that has a new owner. */
#pragma once

#include "gateway/ring/ring.h"

static inline uint64_t gw_token_pack(struct gw_token t)
{
    return (uint64_t)t.op << 57 | (uint64_t)(t.leg & 1) << 56 |
           (uint64_t)(t.slot & 0xffffff) << 32 | t.generation;
}

static inline struct gw_token gw_token_unpack(uint64_t v)
{
    return (struct gw_token){
        .op = (enum gw_op)(v >> 57),
        .leg = (unsigned)(v >> 56) & 1,
        .slot = (uint32_t)(v >> 32) & 0xffffff,
        .generation = (uint32_t)v,
    };
}
