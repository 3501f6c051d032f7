/* SPDX-License-Identifier: Apache-2.0 */
/* bench/crypto/rounds on a clock that only the laps move. */
#include "bench/crypto/rounds.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t now;
static int order[4096];
static unsigned laps;

static int64_t read_now(void)
{
    return now;
}

struct work {
    int id;
    int64_t costs;  /* the lap's cost, as its figure reports it */
    int64_t around; /* additional time that is not reported */
    unsigned runs, fails_at;
};

static int lap(void *arg, int64_t *ret_ns)
{
    struct work *w = arg;
    if (laps < GW_ARRAY_SIZE(order))
        order[laps++] = w->id;
    if (++w->runs == w->fails_at)
        return -EIO;
    *ret_ns = w->costs;
    now += w->costs + w->around;
    return 0;
}

static struct bench_racer racer_of(struct work *w)
{
    return (struct bench_racer){.lap = lap, .arg = w, .ops = 10};
}

static int set_up(void **state)
{
    (void)state;
    now = laps = 0;
    return 0;
}

static void a_figure_is_for_one_operation(void **state)
{
    (void)state;
    struct work w = {.costs = 1000, .around = 500};
    struct bench_racer racer = racer_of(&w);
    bench_rounds_run(&racer, 1, 90000, read_now);
    assert_true(bench_rounds_best(&racer) == 100);
    assert_true(bench_rounds_median(&racer) == 100);
    assert_true(bench_rounds_worst(&racer) == 100);
    /* A round lasts 10,000, including a lap of 1,500; and there was one before. */
    assert_int_equal(w.runs, 1 + 7 * BENCH_ROUNDS);
}

static void without_time_each_has_one_lap_a_round_in_turn(void **state)
{
    (void)state;
    struct work w[2] = {{.id = 0, .costs = 10}, {.id = 1, .costs = 20}};
    struct bench_racer racers[2] = {racer_of(&w[0]), racer_of(&w[1])};
    bench_rounds_run(racers, 2, 0, read_now);
    assert_int_equal(laps, 2 * (1 + BENCH_ROUNDS));
    for (unsigned i = 0; i < laps; i++)
        assert_int_equal(order[i], i % 2);
    assert_true(bench_rounds_best(&racers[0]) == 1);
    assert_true(bench_rounds_best(&racers[1]) == 2);
}

static int disturbed(void *arg, int64_t *ret_ns)
{
    struct work *w = arg;
    *ret_ns = ++w->runs % 4 == 0 ? 1000 : 9000;
    now += *ret_ns;
    return 0;
}

static void a_round_is_its_best_lap(void **state)
{
    (void)state;
    struct work w = {.runs = 0};
    struct bench_racer racer = {.lap = disturbed, .arg = &w, .ops = 10};
    bench_rounds_run(&racer, 1, 100000 * BENCH_ROUNDS, read_now);
    assert_true(bench_rounds_worst(&racer) == 100);
}

static int slower_each_time(void *arg, int64_t *ret_ns)
{
    struct work *w = arg;
    *ret_ns = 100 * (int64_t)(20 - w->runs++);
    return 0;
}

static void rounds_are_sorted(void **state)
{
    (void)state;
    struct work w = {.runs = 0};
    struct bench_racer racer = {.lap = slower_each_time, .arg = &w, .ops = 100};
    bench_rounds_run(&racer, 1, 0, read_now);
    assert_true(bench_rounds_best(&racer) == 20 - BENCH_ROUNDS);
    assert_true(bench_rounds_median(&racer) == 19 - BENCH_ROUNDS / 2);
    assert_true(bench_rounds_worst(&racer) == 19);
}

static void what_fails_runs_no_more(void **state)
{
    (void)state;
    struct work w[3] = {{.costs = 1, .fails_at = 4}, {.costs = 1}, {.costs = 1}};
    struct bench_racer racers[3] = {racer_of(&w[0]), racer_of(&w[1]), racer_of(&w[2])};
    racers[2].error = -ENOTSUP;
    bench_rounds_run(racers, 3, 0, read_now);
    assert_int_equal(racers[0].error, -EIO);
    assert_int_equal(w[0].runs, 4);
    assert_int_equal(racers[1].error, 0);
    assert_int_equal(w[1].runs, 1 + BENCH_ROUNDS);
    assert_int_equal(w[2].runs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_figure_is_for_one_operation, set_up),
        cmocka_unit_test_setup(without_time_each_has_one_lap_a_round_in_turn, set_up),
        cmocka_unit_test_setup(a_round_is_its_best_lap, set_up),
        cmocka_unit_test_setup(rounds_are_sorted, set_up),
        cmocka_unit_test_setup(what_fails_runs_no_more, set_up),
    };
    return cmocka_run_group_tests_name("bench_rounds", tests, NULL, NULL);
}
