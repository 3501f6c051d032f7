/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/thrift: memory goes back once after a burst, not in its midst, and not without one.
 */
#include "gateway/proc/thrift.h"

#include "gateway/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void once_after_a_burst(void **state)
{
    struct gw_thrift t = {0};
    int64_t now = GW_NS_PER_SEC;
    (void)state;
    for (uint64_t load = 0; load <= 1000; load++)
        assert_false(gw_thrift_turn(&t, load, now++));
    assert_int_equal(t.due_ns, 0);
    assert_false(gw_thrift_turn(&t, 10, now));
    assert_true(t.due_ns > now);
    assert_false(gw_thrift_turn(&t, 10, t.due_ns - 1));
    assert_true(gw_thrift_turn(&t, 10, t.due_ns));
    assert_int_equal(t.due_ns, 0);
    assert_false(gw_thrift_turn(&t, 10, now + 1000 * GW_NS_PER_SEC));
    assert_int_equal(t.due_ns, 0);
}

static void not_while_it_goes_on(void **state)
{
    struct gw_thrift t = {0};
    (void)state;
    for (int64_t now = 1; now < 100; now++) /* up and down every second */
        assert_false(gw_thrift_turn(&t, now % 2 ? 1000 : 0, now * GW_NS_PER_SEC));
}

static void not_without_one(void **state)
{
    struct gw_thrift t = {0};
    (void)state;
    for (int64_t now = 1; now < 1000; now++)
        assert_false(gw_thrift_turn(&t, now < 500 ? 50 : 0, now * GW_NS_PER_SEC));
    assert_int_equal(t.due_ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_after_a_burst),
        cmocka_unit_test(not_while_it_goes_on),
        cmocka_unit_test(not_without_one),
    };
    return cmocka_run_group_tests_name("thrift", tests, NULL, NULL);
}
