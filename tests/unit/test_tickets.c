/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/tickets: rotation, and readers that never see half a change. */
#include "gateway/tls/tickets.h"

#include "gateway/base/wipe.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct gw_ticket_keys *new_keys(void)
{
    struct gw_ticket_keys *keys = gw_wipe_shared_new(sizeof(*keys));
    assert_non_null(keys);
    return keys;
}

static void rotates_and_drops_the_oldest(void **state)
{
    struct gw_ticket_keys *keys = new_keys();
    struct gw_ticket_key made[GW_TICKET_KEYS + 1];
    struct gw_ticket_key found;
    bool newest;
    (void)state;
    assert_false(gw_tickets_newest(keys, &found));
    assert_int_equal(gw_tickets_init(keys), 0);
    assert_true(gw_tickets_newest(keys, &made[0]));
    for (unsigned i = 1; i <= GW_TICKET_KEYS; i++) {
        assert_int_equal(gw_tickets_rotate(keys), 0);
        assert_true(gw_tickets_newest(keys, &made[i]));
        assert_memory_not_equal(&made[i], &made[i - 1], sizeof(made[i]));
    }
    for (unsigned i = 1; i <= GW_TICKET_KEYS; i++) {
        assert_true(gw_tickets_find(keys, made[i].name, &found, &newest));
        assert_memory_equal(&found, &made[i], sizeof(found));
        assert_int_equal(newest, i == GW_TICKET_KEYS);
    }
    struct gw_ticket_key nothing = {0};
    assert_false(gw_tickets_find(keys, made[0].name, &found, &newest));
    assert_memory_equal(&found, &nothing, sizeof(found));
    assert_null(memmem(keys, sizeof(*keys), made[0].aes_key, sizeof(made[0].aes_key)));
    gw_wipe_pages_free(keys, sizeof(*keys));
}

static void gives_up_on_a_writer_that_died(void **state)
{
    struct gw_ticket_keys *keys = new_keys();
    struct gw_ticket_key found;
    bool newest;
    (void)state;
    assert_int_equal(gw_tickets_init(keys), 0);
    assert_true(gw_tickets_newest(keys, &found));
    struct gw_ticket_key first = found;
    keys->sequence |= 1;
    assert_false(gw_tickets_newest(keys, &found));
    assert_false(gw_tickets_find(keys, first.name, &found, &newest));
    /* The next writer mends it. */
    assert_int_equal(gw_tickets_rotate(keys), 0);
    assert_int_equal(keys->sequence & 1, 0);
    assert_true(gw_tickets_find(keys, first.name, &found, &newest));
    assert_false(newest);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

struct race {
    struct gw_ticket_keys *keys;
    bool stop;
};

/* Every key that a reader sees must be whole: its three parts are made equal by the writer. */
static void *write_on(void *arg)
{
    struct race *race = arg;
    for (int i = 0; i < 20000; i++)
        if (gw_tickets_rotate(race->keys))
            abort();
    __atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
    return NULL;
}

static void readers_see_whole_keys(void **state)
{
    struct race race = {.keys = new_keys()};
    pthread_t writer;
    unsigned seen = 0;
    (void)state;
    assert_int_equal(gw_tickets_init(race.keys), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_on, &race), 0);
    while (!__atomic_load_n(&race.stop, __ATOMIC_ACQUIRE)) {
        struct gw_ticket_key key;
        struct gw_ticket_key again;
        bool newest;
        if (!gw_tickets_newest(race.keys, &key))
            continue;
        /* Found by its name it is the same key, or gone. */
        if (gw_tickets_find(race.keys, key.name, &again, &newest)) {
            assert_memory_equal(&key, &again, sizeof(key));
            seen++;
        }
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_true(seen > 0);
    gw_wipe_pages_free(race.keys, sizeof(*race.keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotates_and_drops_the_oldest),
        cmocka_unit_test(gives_up_on_a_writer_that_died),
        cmocka_unit_test(readers_see_whole_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
