/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many KeyUpdates a peer may send per second: a client changes its key and sends one byte,
 * repeatedly, while the test moves the clock. So the limit shows exactly, in both engines. The data
 * in between keeps the limit of consecutive KeyUpdates out of it.
 */
#include "tests/fuzz/conn_run.h"

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"
#include "gateway/record/control.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    SECONDS_MAX = 5,
    STEPS_MAX = 2 * (GW_KEY_UPDATES_PER_SEC + 1) * SECONDS_MAX + SECONDS_MAX,
};

static const enum conn_engine engines[] = {CONN_USER, CONN_REKEYS};

static struct {
    struct conn_step step[STEPS_MAX];
    size_t count;
} script;

static void add(struct conn_step step)
{
    assert_true(script.count < STEPS_MAX);
    script.step[script.count++] = step;
}

static void add_updates(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        add((struct conn_step){.act = CONN_KEY_UPDATE, .together = true});
        add((struct conn_step){.act = CONN_DATA, .len = 1});
    }
}

static void add_second(void)
{
    add((struct conn_step){.act = CONN_TIME, .type = 1});
}

/* What came of the script, which begins anew. */
static struct conn_result run(enum conn_engine engine)
{
    struct conn_result result;
    const struct conn_setup setup = {
        .suite = ktls_suite_find(0x1301),
        .handshake = {.in_len = 1},
        .rekey_after = GW_REKEY_AFTER_MAX,
    };
    add((struct conn_step){.act = CONN_CLOSE_NOTIFY});
    conn_run(&setup, script.step, script.count, engine, &result);
    script.count = 0;
    return result;
}

static void check_all_passed(const struct conn_result *result, unsigned updates)
{
    assert_int_equal(result->reason, GW_REASON_FINISHED);
    assert_int_equal(result->alert, GW_ALERT_CLOSE_NOTIFY);
    assert_int_equal(result->key_updates_in, updates);
    assert_int_equal(result->up, updates);
}

/* The last of `updates` was one too many. */
static void check_flood(const struct conn_result *result, unsigned updates)
{
    assert_int_equal(result->reason, GW_REASON_RECORD_FLOOD);
    assert_int_equal(result->alert, GW_ALERT_UNEXPECTED_MESSAGE);
    assert_int_equal(result->key_updates_in, updates);
    assert_int_equal(result->up, updates - 1);
    assert_true(result->backend_reset);
}

static void as_many_at_once_as_in_a_second(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(engines); i++) {
        add_updates(GW_KEY_UPDATES_PER_SEC);
        struct conn_result result = run(engines[i]);
        check_all_passed(&result, GW_KEY_UPDATES_PER_SEC);
    }
}

static void one_more_is_a_flood(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(engines); i++) {
        add_updates(GW_KEY_UPDATES_PER_SEC + 10);
        struct conn_result result = run(engines[i]);
        check_flood(&result, GW_KEY_UPDATES_PER_SEC + 1);
    }
}

/* A Java client with small limits and a fast line: half of the rate, for as long as it likes. */
static void steady_use_passes(void **state)
{
    const unsigned each = GW_KEY_UPDATES_PER_SEC / 2;
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(engines); i++) {
        for (int s = 0; s < SECONDS_MAX; s++) {
            add_updates(each);
            add_second();
        }
        struct conn_result result = run(engines[i]);
        check_all_passed(&result, SECONDS_MAX * each);
    }
}

/* A second gives back a second's worth; seconds without any are not saved up. */
static void rests_are_not_saved_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(engines); i++) {
        add_updates(GW_KEY_UPDATES_PER_SEC);
        add_second();
        add_updates(GW_KEY_UPDATES_PER_SEC);
        for (int s = 0; s < SECONDS_MAX; s++)
            add_second();
        add_updates(GW_KEY_UPDATES_PER_SEC + 1);
        struct conn_result result = run(engines[i]);
        check_flood(&result, 3 * GW_KEY_UPDATES_PER_SEC + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_at_once_as_in_a_second),
        cmocka_unit_test(one_more_is_a_flood),
        cmocka_unit_test(steady_use_passes),
        cmocka_unit_test(rests_are_not_saved_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
