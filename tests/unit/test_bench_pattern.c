/* SPDX-License-Identifier: Apache-2.0 */
/* bench/load/pattern: the bytes that all transfers are compared with. */
#include "bench/load/pattern.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t byte_at(uint64_t position)
{
    return bench_pattern_at(position)[0];
}

static int make(void **state gw_unused)
{
    bench_pattern_init();
    return 0;
}

static void the_period_is_a_prime_and_the_shortest(void **state gw_unused)
{
    for (uint64_t d = 2; d * d <= BENCH_PATTERN_PERIOD; d++)
        assert_int_not_equal(BENCH_PATTERN_PERIOD % d, 0);
    /* A prime is repeated by itself alone, unless all bytes are equal. */
    assert_int_not_equal(byte_at(0), byte_at(1));
    for (uint64_t i = 0; i < BENCH_PATTERN_PERIOD; i++)
        assert_int_equal(byte_at(i), byte_at(i + BENCH_PATTERN_PERIOD));
}

static void a_run_goes_on_from_every_position(void **state gw_unused)
{
    for (uint64_t at = 0; at < BENCH_PATTERN_PERIOD; at += 13) {
        const uint8_t *run = bench_pattern_at(at);
        static const size_t ends[] = {0, 1, 255, BENCH_PATTERN_PERIOD, BENCH_PATTERN_RUN - 1};
        for (size_t i = 0; i < GW_ARRAY_SIZE(ends); i++)
            assert_int_equal(run[ends[i]], byte_at(at + ends[i]));
    }
}

static void long_pieces_match_at_any_position(void **state gw_unused)
{
    size_t len = 3 * BENCH_PATTERN_RUN + 17;
    uint8_t *data = malloc(len);
    static const uint64_t positions[] = {
        0, 1, BENCH_PATTERN_PERIOD - 1, BENCH_PATTERN_PERIOD, UINT64_C(1) << 32, UINT64_C(1) << 50,
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(positions); i++) {
        for (size_t k = 0; k < len; k++)
            data[k] = byte_at(positions[i] + k);
        assert_true(bench_pattern_matches(positions[i], data, len));
        assert_false(bench_pattern_matches(positions[i] + 1, data, len));
    }
    free(data);
}

static void a_wrong_byte_is_found_wherever_it_is(void **state gw_unused)
{
    static uint8_t data[BENCH_PATTERN_RUN + 5000];
    for (size_t k = 0; k < sizeof(data); k++)
        data[k] = byte_at(99 + k);
    for (size_t k = 0; k < sizeof(data); k += k < 70 || k > BENCH_PATTERN_RUN - 70 ? 1 : 4099) {
        data[k] ^= 1U << k % 8;
        assert_false(bench_pattern_matches(99, data, sizeof(data)));
        assert_true(bench_pattern_matches(99, data, k));
        data[k] ^= 1U << k % 8;
    }
    assert_true(bench_pattern_matches(99, data, sizeof(data)));
    assert_true(bench_pattern_matches(99, data, 0));
}

/* What happens to streams: a record left out, sent twice, or two that changed places. */
static void records_lost_doubled_or_moved_show(void **state gw_unused)
{
    for (uint64_t at = 0; at < UINT64_C(16384) * 64; at += 16384)
        for (uint64_t record = 1; record <= 4; record++)
            assert_false(bench_pattern_matches(at, bench_pattern_at(at + record * 16384), 16384));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_period_is_a_prime_and_the_shortest),
        cmocka_unit_test(a_run_goes_on_from_every_position),
        cmocka_unit_test(long_pieces_match_at_any_position),
        cmocka_unit_test(a_wrong_byte_is_found_wherever_it_is),
        cmocka_unit_test(records_lost_doubled_or_moved_show),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
