/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of equal objects addressed by slot number, for one thread. Objects never move; memory
 * grows by slabs and is kept. A pool marked `secret` is excluded from core dumps, and wipes every
 * object that is given back.
 *
 * A slot's generation changes each time it is given back, so that a late completion for (slot,
 * generation) finds nothing instead of another object.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct gw_pool {
    size_t object_size; /* bytes, rounded up to 64 */
    uint32_t per_slab;  /* objects in one slab */
    uint32_t limit;     /* maximum number of objects */
    uint32_t used;      /* objects in use */
    uint32_t slab_count;
    bool secret;
    void **slabs;
    uint32_t *generations;
    uint32_t *free_slots; /* stack */
    uint32_t free_count;
};

/* `object_size` in bytes (not 0), `limit` in objects (1 to 2^24). Takes no object memory yet.
 * Returns 0 or -ENOMEM; on failure *pool may still be passed to gw_pool_done. */
gw_must_check int gw_pool_init(struct gw_pool *pool, size_t object_size, uint32_t limit,
                               bool secret);
/* Frees all memory, wiped if secret. Objects that are still in use become invalid. */
void gw_pool_done(struct gw_pool *pool);

/* Takes a zeroed object; *ret_slot is its slot. NULL at the limit or without memory. */
void *gw_pool_take(struct gw_pool *pool, uint32_t *ret_slot);
void gw_pool_give(struct gw_pool *pool, uint32_t slot);

/* The object in use in `slot`, if its generation is `generation`; else NULL. */
void *gw_pool_find(const struct gw_pool *pool, uint32_t slot, uint32_t generation);
uint32_t gw_pool_generation(const struct gw_pool *pool, uint32_t slot);

/* The object of a slot, in use or not. NULL when the slot was never made. For iteration. */
void *gw_pool_at(const struct gw_pool *pool, uint32_t slot);
