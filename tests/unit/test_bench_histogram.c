/* SPDX-License-Identifier: Apache-2.0 */
/* bench/load/histogram: quantiles against a sorted list of the same times. */
#include "bench/load/histogram.h"

#include "gateway/base/attr.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    TIMES = 20000
};

static struct bench_histogram h, other;
static int64_t times[TIMES];
static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static double share(void)
{
    return (double)(next() >> 11) / (double)(UINT64_C(1) << 53);
}

static int64_t equal(void)
{
    return 12345;
}

static int64_t uniform(void)
{
    return (int64_t)(share() * 1e6);
}

static int64_t small(void)
{
    return (int64_t)(next() % 200);
}

static int64_t exponential(void)
{
    return (int64_t)(-log(1 - share()) * 50e3);
}

/* As latencies are: most short, some very long. */
static int64_t long_tail(void)
{
    return (int64_t)fmin(20e3 / pow(1 - share(), 1.5), 1e12);
}

static int64_t two_humps(void)
{
    return next() % 10 ? 80000 + (int64_t)(next() % 1000) : 40000000 + (int64_t)(next() % 1000000);
}

static int64_t all_magnitudes(void)
{
    return (int64_t)(next() % (UINT64_C(1) << 40) >> next() % 40);
}

static int64_t powers(void)
{
    return (int64_t)(UINT64_C(1) << next() % 40) - (int64_t)(next() % 2);
}

static int64_t (*const distributions[])(void) = {
    equal, uniform, small, exponential, long_tail, two_humps, all_magnitudes, powers,
};

static const double quantiles[] = {0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_quantiles(const struct bench_histogram *of, size_t count, size_t which)
{
    qsort(times, count, sizeof(times[0]), compare);
    for (size_t i = 0; i < GW_ARRAY_SIZE(quantiles); i++) {
        size_t rank = (size_t)ceil(quantiles[i] * (double)count);
        double real = (double)times[rank ? rank - 1 : 0];
        double told = (double)bench_histogram_at(of, quantiles[i]);
        if (told < real || told > real * 1.016 + 0.5)
            fail_msg("distribution %zu, quantile %g: %.0f instead of %.0f", which, quantiles[i],
                     told, real);
    }
}

static void quantiles_are_right_to_1_6_percent(void **s gw_unused)
{
    for (size_t d = 0; d < GW_ARRAY_SIZE(distributions); d++) {
        static const size_t counts[] = {1, 2, 3, 10, 999, 1000, TIMES};
        for (size_t n = 0; n < GW_ARRAY_SIZE(counts); n++) {
            double sum = 0;
            state = 0x2545f4914f6cdd1d + d;
            memset(&h, 0, sizeof(h));
            for (size_t i = 0; i < counts[n]; i++) {
                times[i] = distributions[d]();
                sum += (double)times[i];
                bench_histogram_add(&h, times[i], 1);
            }
            check_quantiles(&h, counts[n], d);
            assert_int_equal(h.count, counts[n]);
            assert_true(fabs(bench_histogram_mean(&h) - sum / (double)counts[n]) < 1 + sum * 1e-9);
            assert_true(bench_histogram_at(&h, 1) == (uint64_t)times[counts[n] - 1]);
        }
    }
}

static void merged_ones_are_as_one(void **s gw_unused)
{
    struct bench_histogram *whole = calloc(1, sizeof(*whole));
    memset(&h, 0, sizeof(h));
    memset(&other, 0, sizeof(other));
    state = 4711;
    for (size_t i = 0; i < TIMES; i++) {
        int64_t ns = distributions[i % GW_ARRAY_SIZE(distributions)]();
        bench_histogram_add(i % 3 ? &h : &other, ns, 1);
        bench_histogram_add(whole, ns, 1);
    }
    bench_histogram_add(&other, INT64_C(1) << 42, 1); /* the longest is not where most are */
    bench_histogram_add(whole, INT64_C(1) << 42, 1);
    bench_histogram_merge(&h, &other);
    assert_memory_equal(&h, whole, sizeof(h));
    memset(&other, 0, sizeof(other));
    bench_histogram_merge(&h, &other);
    assert_memory_equal(&h, whole, sizeof(h));
    free(whole);
}

static void empty_zero_negative_and_huge(void **s gw_unused)
{
    memset(&h, 0, sizeof(h));
    assert_int_equal(bench_histogram_at(&h, 0.5), 0);
    assert_true(bench_histogram_mean(&h) == 0);
    bench_histogram_add(&h, 77, 0);
    assert_int_equal(h.count, 0);
    bench_histogram_add(&h, 0, 1);
    bench_histogram_add(&h, -5, 1);
    bench_histogram_add(&h, INT64_MIN, 1);
    assert_int_equal(bench_histogram_at(&h, 1), 0);
    assert_int_equal(h.count, 3);
    bench_histogram_add(&h, INT64_MAX, 1);
    bench_histogram_add(&h, INT64_C(1) << 40, 1);
    assert_int_equal(h.count, 5);
    assert_true(h.max_ns == INT64_MAX);
    /* In the last bucket: at least what that holds. */
    assert_true(bench_histogram_at(&h, 1) >= (UINT64_C(1) << 40) - 1);
    assert_int_equal(bench_histogram_at(&h, 0.5), 0);
}

static void many_times_at_once(void **s gw_unused)
{
    memset(&h, 0, sizeof(h));
    memset(&other, 0, sizeof(other));
    for (int i = 0; i < 1000; i++)
        bench_histogram_add(&h, 31415, 1);
    bench_histogram_add(&other, 31415, 1000);
    assert_memory_equal(&h, &other, sizeof(h));
}

static void a_curve_climbs_to_the_fifth_nine(void **s gw_unused)
{
    assert_true(bench_histogram_step(0) == 0);
    for (unsigned i = 1; i < BENCH_CURVE_STEPS; i++)
        assert_true(bench_histogram_step(i) > bench_histogram_step(i - 1));
    assert_true(fabs(bench_histogram_step(9) - 0.9) < 1e-9);
    assert_true(fabs(bench_histogram_step(17) - 0.98) < 1e-9);
    assert_true(fabs(bench_histogram_step(BENCH_CURVE_STEPS - 1) - 0.99999) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_right_to_1_6_percent),
        cmocka_unit_test(merged_ones_are_as_one),
        cmocka_unit_test(empty_zero_negative_and_huge),
        cmocka_unit_test(many_times_at_once),
        cmocka_unit_test(a_curve_climbs_to_the_fifth_nine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
