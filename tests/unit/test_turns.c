/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/record/turns on a clock that only the rounds move: the cheaper one wins on a machine that
 * is busy now and then, and what fails does so alone. */
#include "gateway/record/turns.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    BUDGET = 100000
};

static int64_t now;

static int64_t read_now(void)
{
    return now;
}

/* What one nanosecond of work takes at a time. */
typedef int64_t load(int64_t at);

static int64_t quiet(int64_t at)
{
    (void)at;
    return 1;
}

static int64_t busy_at_first(int64_t at)
{
    return at < BUDGET / 2 ? 2 : 1;
}

static int64_t busy_later(int64_t at)
{
    return at < BUDGET / 2 ? 1 : 2;
}

static int64_t busier_and_busier(int64_t at)
{
    return 1 + at / (BUDGET / 10);
}

static int64_t comes_and_goes(int64_t at)
{
    return 1 + 2 * (at / (BUDGET / 5) % 2);
}

static load *const loads[] = {quiet, busy_at_first, busy_later, busier_and_busier, comes_and_goes};

struct work {
    int64_t cost;
    load *load;
    unsigned runs;
    unsigned fails_at; /* this run, from 1 */
    int64_t first_costs;
};

static int run(void *arg, int64_t *ret_ns)
{
    struct work *w = arg;
    if (++w->runs == w->fails_at)
        return -EIO;
    *ret_ns = w->cost * w->load(now);
    if (w->runs == 1 && w->first_costs)
        *ret_ns = w->first_costs;
    now += *ret_ns;
    return 0;
}

static void take_turns(struct work *works, unsigned count, struct gw_contender *ret,
                       int64_t budget_ns)
{
    now = 0;
    for (unsigned i = 0; i < count; i++)
        ret[i] = (struct gw_contender){.run = run, .arg = &works[i]};
    gw_turns_take(ret, count, budget_ns, read_now);
}

static void the_cheaper_one_wins_whenever_load_comes(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(loads); i++)
        for (unsigned cheap = 0; cheap < 3; cheap++) {
            struct work works[3] = {{100, loads[i]}, {100, loads[i]}, {100, loads[i]}};
            struct gw_contender c[3];
            works[cheap].cost = 80;
            take_turns(works, 3, c, BUDGET);
            for (unsigned k = 0; k < 3; k++) {
                assert_int_equal(c[k].error, 0);
                if (k != cheap)
                    assert_true(c[cheap].best_ns * 100 == c[k].best_ns * 80);
            }
        }
}

static void each_runs_as_often_and_the_budget_is_kept(void **state)
{
    (void)state;
    struct work works[2] = {{100, quiet}, {300, quiet}};
    struct gw_contender c[2];
    take_turns(works, 2, c, BUDGET);
    assert_int_equal(works[0].runs, BUDGET / 400 / GW_TURN_ROUNDS * GW_TURN_ROUNDS);
    assert_int_equal(works[1].runs, works[0].runs);
}

static void without_a_budget_there_are_some_rounds(void **state)
{
    (void)state;
    struct work works[2] = {{100, quiet}, {300, quiet}};
    struct gw_contender c[2];
    take_turns(works, 2, c, 0);
    assert_int_equal(works[0].runs, GW_TURNS_MIN * GW_TURN_ROUNDS);
    assert_int_equal(works[1].runs, GW_TURNS_MIN * GW_TURN_ROUNDS);
    assert_int_equal(c[0].best_ns, 100);
    assert_int_equal(c[1].best_ns, 300);
}

static void the_first_round_does_not_count(void **state)
{
    (void)state;
    struct work works[1] = {{100, quiet, .first_costs = 1}};
    struct gw_contender c[1];
    take_turns(works, 1, c, 0);
    assert_int_equal(c[0].best_ns, 100);
}

static void what_fails_does_so_alone(void **state)
{
    (void)state;
    struct work works[3] = {{100, quiet, .fails_at = 1}, {100, quiet}, {100, quiet, .fails_at = 7}};
    struct gw_contender c[3];
    take_turns(works, 3, c, BUDGET);
    assert_int_equal(c[0].error, -EIO);
    assert_int_equal(works[0].runs, 1);
    assert_int_equal(c[1].error, 0);
    assert_int_equal(c[1].best_ns, 100);
    assert_int_equal(c[2].error, -EIO);
    assert_int_equal(works[2].runs, 7);
}

static void it_ends_when_nobody_is_left(void **state)
{
    (void)state;
    struct work works[2] = {{100, quiet, .fails_at = 2}, {100, quiet, .fails_at = 3}};
    struct gw_contender c[2];
    take_turns(works, 2, c, INT64_MAX / 2);
    assert_int_equal(works[0].runs, 2);
    assert_int_equal(works[1].runs, 3);
}

static void with_an_error_from_the_start_it_is_never_run(void **state)
{
    (void)state;
    struct work works[2] = {{100, quiet}, {100, quiet}};
    struct gw_contender c[2] = {{.run = run, .arg = &works[0], .error = -ENOENT},
                                {.run = run, .arg = &works[1], .error = -ENOENT}};
    gw_turns_take(c, 2, INT64_MAX / 2, read_now);
    assert_int_equal(works[0].runs + works[1].runs, 0);
    assert_int_equal(c[0].error, -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cheaper_one_wins_whenever_load_comes),
        cmocka_unit_test(each_runs_as_often_and_the_budget_is_kept),
        cmocka_unit_test(without_a_budget_there_are_some_rounds),
        cmocka_unit_test(the_first_round_does_not_count),
        cmocka_unit_test(what_fails_does_so_alone),
        cmocka_unit_test(it_ends_when_nobody_is_left),
        cmocka_unit_test(with_an_error_from_the_start_it_is_never_run),
    };
    return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
