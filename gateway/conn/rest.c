/* SPDX-License-Identifier: Apache-2.0 */
/* After a burst, idle connections release the memory that they do not need. */
#include "gateway/conn/conn_private.h"

#include "gateway/base/clock.h"

#include <malloc.h>

/* A turn's share: a check of each, and for some a kilobyte or two to wipe and free. */
enum {
    SLOTS_PER_TURN = 128
};

/* A connection that was active more recently may well continue and would need its keys again. */
#define QUIET_NS (1 * GW_NS_PER_SEC)

void gw_conn_rest(struct gw_conn_env *env)
{
    env->resting = true;
    env->rest_slot = 0;
}

static void finish(struct gw_conn_env *env)
{
    env->resting = false;
    (void)malloc_trim(0);
}

void gw_rest_some(struct gw_conn_env *env)
{
    for (unsigned i = 0; env->resting && i < SLOTS_PER_TURN; i++) {
        uint32_t slot = env->rest_slot++;
        if (slot >= env->pool.limit || !gw_pool_at(&env->pool, slot)) {
            finish(env);
            break;
        }
        struct gw_conn *c = gw_pool_find(&env->pool, slot, gw_pool_generation(&env->pool, slot));
        if (c && c->step == GW_STEP_RELAY && env->now_ns - c->moved_ns >= QUIET_NS)
            gw_record_rest(&c->rec);
    }
}
