/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/pool.h"

#include "gateway/base/wipe.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SLAB_BYTES = 1 << 18,
    SLOT_MAX = 1 << 24
};

int gw_pool_init(struct gw_pool *pool, size_t object_size, uint32_t limit, bool secret)
{
    gw_require(object_size > 0 && limit > 0 && limit <= SLOT_MAX);
    size_t size = (object_size + 63) & ~(size_t)63;
    size_t per_slab = GW_MAX((size_t)1, SLAB_BYTES / size);
    *pool = (struct gw_pool){
        .object_size = size,
        .per_slab = (uint32_t)GW_MIN(per_slab, limit),
        .limit = limit,
        .secret = secret,
    };
    uint32_t slabs = (limit + pool->per_slab - 1) / pool->per_slab;
    pool->slabs = calloc(slabs, sizeof(*pool->slabs));
    pool->generations = calloc(limit, sizeof(*pool->generations));
    pool->free_slots = calloc(limit, sizeof(*pool->free_slots));
    if (!pool->slabs || !pool->generations || !pool->free_slots)
        return -ENOMEM;
    return 0;
}

static size_t slab_bytes(const struct gw_pool *pool)
{
    return pool->object_size * pool->per_slab;
}

void gw_pool_done(struct gw_pool *pool)
{
    for (uint32_t i = 0; i < pool->slab_count; i++)
        gw_wipe_pages_free(pool->slabs[i], slab_bytes(pool));
    free(pool->slabs);
    free(pool->generations);
    free(pool->free_slots);
    *pool = (struct gw_pool){0};
}

static bool grow(struct gw_pool *pool)
{
    uint32_t first = pool->slab_count * pool->per_slab;
    if (first >= pool->limit)
        return false;
    void *slab = gw_wipe_pages_new(slab_bytes(pool));
    if (!slab)
        return false;
    pool->slabs[pool->slab_count++] = slab;
    uint32_t end = GW_MIN(first + pool->per_slab, pool->limit);
    for (uint32_t slot = end; slot-- > first;)
        pool->free_slots[pool->free_count++] = slot;
    return true;
}

void *gw_pool_at(const struct gw_pool *pool, uint32_t slot)
{
    if (slot >= pool->limit || slot / pool->per_slab >= pool->slab_count)
        return NULL;
    char *slab = pool->slabs[slot / pool->per_slab];
    return slab + pool->object_size * (slot % pool->per_slab);
}

/* An odd generation marks a slot in use. */
void *gw_pool_take(struct gw_pool *pool, uint32_t *ret_slot)
{
    if (pool->free_count == 0 && !grow(pool))
        return NULL;
    uint32_t slot = pool->free_slots[--pool->free_count];
    pool->generations[slot]++;
    pool->used++;
    *ret_slot = slot;
    void *p = gw_pool_at(pool, slot);
    memset(p, 0, pool->object_size);
    return p;
}

void gw_pool_give(struct gw_pool *pool, uint32_t slot)
{
    gw_require(slot < pool->limit && (pool->generations[slot] & 1));
    if (pool->secret)
        gw_wipe(gw_pool_at(pool, slot), pool->object_size);
    pool->generations[slot]++;
    pool->used--;
    pool->free_slots[pool->free_count++] = slot;
}

uint32_t gw_pool_generation(const struct gw_pool *pool, uint32_t slot)
{
    return pool->generations[slot];
}

void *gw_pool_find(const struct gw_pool *pool, uint32_t slot, uint32_t generation)
{
    if (slot >= pool->limit || !(generation & 1) || pool->generations[slot] != generation)
        return NULL;
    return gw_pool_at(pool, slot);
}
