/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/pool: objects stay apart and where they are, come zeroed, and a late name of an
 * object that was given back finds nothing. */
#include "gateway/base/pool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LIMIT = 5000,
    SIZE = 200, /* 256 in the pool: several slabs for LIMIT objects */
    STEPS = 200000
};

static void takes_up_to_the_limit(void **state)
{
    (void)state;
    struct gw_pool pool;
    uint32_t slot;
    assert_int_equal(gw_pool_init(&pool, 1, 3, true), 0);
    for (int i = 0; i < 3; i++)
        assert_non_null(gw_pool_take(&pool, &slot));
    assert_null(gw_pool_take(&pool, &slot));
    assert_int_equal(pool.used, 3);
    gw_pool_give(&pool, 1);
    assert_non_null(gw_pool_take(&pool, &slot));
    assert_int_equal(slot, 1);
    gw_pool_done(&pool);
}

static void late_name_finds_nothing(void **state)
{
    (void)state;
    struct gw_pool pool;
    uint32_t slot;
    uint32_t again;
    assert_int_equal(gw_pool_init(&pool, 64, 8, true), 0);
    void *p = gw_pool_take(&pool, &slot);
    uint32_t generation = gw_pool_generation(&pool, slot);
    assert_ptr_equal(gw_pool_find(&pool, slot, generation), p);
    gw_pool_give(&pool, slot);
    assert_null(gw_pool_find(&pool, slot, generation));
    assert_null(gw_pool_find(&pool, slot, gw_pool_generation(&pool, slot))); /* nobody's */
    assert_ptr_equal(gw_pool_take(&pool, &again), p);
    assert_int_equal(again, slot);
    assert_null(gw_pool_find(&pool, slot, generation));
    assert_null(gw_pool_find(&pool, 8, 1));
    assert_null(gw_pool_find(&pool, UINT32_MAX, 1));
    gw_pool_done(&pool);
}

static void objects_are_aligned_and_zeroed(void **state)
{
    (void)state;
    static const uint8_t zeroes[SIZE];
    struct gw_pool pool;
    uint32_t slot;
    assert_int_equal(gw_pool_init(&pool, SIZE, 16, false), 0);
    for (int i = 0; i < 100; i++) {
        uint8_t *p = gw_pool_take(&pool, &slot);
        assert_int_equal((uintptr_t)p % 64, 0);
        assert_memory_equal(p, zeroes, SIZE);
        memset(p, 0xa5, SIZE);
        gw_pool_give(&pool, slot);
    }
    gw_pool_done(&pool);
}

static void secret_is_wiped_when_given_back(void **state)
{
    (void)state;
    static const uint8_t zeroes[SIZE];
    struct gw_pool pool;
    uint32_t slot;
    assert_int_equal(gw_pool_init(&pool, SIZE, 16, true), 0);
    uint8_t *p = gw_pool_take(&pool, &slot);
    memset(p, 0xa5, SIZE);
    gw_pool_give(&pool, slot);
    assert_memory_equal(gw_pool_at(&pool, slot), zeroes, SIZE);
    gw_pool_done(&pool);
}

static void walk_sees_made_slots_only(void **state)
{
    (void)state;
    struct gw_pool pool;
    uint32_t slot;
    assert_int_equal(gw_pool_init(&pool, 4096, 1000, true), 0);
    assert_null(gw_pool_at(&pool, 0));
    assert_non_null(gw_pool_take(&pool, &slot));
    assert_non_null(gw_pool_at(&pool, pool.per_slab - 1));
    assert_null(gw_pool_at(&pool, pool.per_slab));
    assert_null(gw_pool_at(&pool, 1000));
    gw_pool_done(&pool);
    assert_null(gw_pool_at(&pool, 0));
    gw_pool_done(&pool);
}

/* A model that knows of each slot what was written into it. */
struct model {
    void *object[LIMIT];
    uint32_t generation[LIMIT];
    uint64_t mark[LIMIT];
    uint32_t used;
};

static void check_slot(const struct gw_pool *pool, const struct model *m, uint32_t slot)
{
    void *found = gw_pool_find(pool, slot, m->generation[slot]);
    assert_ptr_equal(found, m->object[slot]);
    if (found) { /* both ends of it: no neighbour wrote into it */
        assert_memory_equal(found, &m->mark[slot], 8);
        assert_memory_equal((char *)found + SIZE - 8, &m->mark[slot], 8);
    }
}

static void take_one(struct gw_pool *pool, struct model *m)
{
    uint32_t slot = UINT32_MAX;
    char *p = gw_pool_take(pool, &slot);
    if (m->used == LIMIT) {
        assert_null(p);
        return;
    }
    assert_non_null(p);
    assert_true(slot < LIMIT);
    assert_null(m->object[slot]);
    assert_int_not_equal(gw_pool_generation(pool, slot), m->generation[slot]);
    m->object[slot] = p;
    m->generation[slot] = gw_pool_generation(pool, slot);
    m->mark[slot] = (uint64_t)random() << 32 | slot;
    memcpy(p, &m->mark[slot], 8);
    memcpy(p + SIZE - 8, &m->mark[slot], 8);
    m->used++;
}

static void give_one(struct gw_pool *pool, struct model *m, uint32_t slot)
{
    if (!m->object[slot])
        return;
    gw_pool_give(pool, slot);
    m->object[slot] = NULL; /* its generation stays: the late name */
    m->used--;
}

static void random_operations_match_a_model(void **state)
{
    (void)state;
    static struct model m;
    struct gw_pool pool;
    srandom(11);
    assert_int_equal(gw_pool_init(&pool, SIZE, LIMIT, true), 0);
    for (int i = 0; i < STEPS; i++) {
        uint32_t slot = (uint32_t)random() % LIMIT;
        bool grow = i < STEPS / 2; /* first up to the limit, then down again */
        if (random() % 8 < (grow ? 7 : 1))
            take_one(&pool, &m);
        else
            give_one(&pool, &m, slot);
        assert_int_equal(pool.used, m.used);
        check_slot(&pool, &m, (uint32_t)random() % LIMIT);
    }
    for (uint32_t slot = 0; slot < LIMIT; slot++)
        check_slot(&pool, &m, slot);
    gw_pool_done(&pool);
}

static void giving_twice_stops_the_process(void **state)
{
    (void)state;
    struct gw_pool pool;
    uint32_t slot;
    int status;
    assert_int_equal(gw_pool_init(&pool, 64, 8, true), 0);
    assert_non_null(gw_pool_take(&pool, &slot));
    gw_pool_give(&pool, slot);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        gw_pool_give(&pool, slot);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    gw_pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_up_to_the_limit),
        cmocka_unit_test(late_name_finds_nothing),
        cmocka_unit_test(objects_are_aligned_and_zeroed),
        cmocka_unit_test(secret_is_wiped_when_given_back),
        cmocka_unit_test(walk_sees_made_slots_only),
        cmocka_unit_test(random_operations_match_a_model),
        cmocka_unit_test(giving_twice_stops_the_process),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
