/* SPDX-License-Identifier: Apache-2.0 */
/* bench/siege/haul: the report of a transfer, from notes as they might occur. */
#include "bench/siege/haul.h"

#include "gateway/base/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    MIB = 1 << 20,
    RATE = 100, /* MiB a second */
    BEGIN = 2,  /* begin of the measured time, in seconds */
    END = 7,    /* end of the measured time, in seconds */
};

static struct bench_haul_log notes;
static const struct bench_haul paced = {.mib = RATE, .log = &notes};

/* A note each 0.2 s, from the first second on to `end`; between them it came at that speed. */
static void note_all(double (*speed)(double second), double end)
{
    double bytes = 0;
    unsigned count = 0;
    for (double at = 1; at < end; at += 0.2) {
        bytes += 0.2 * MIB * speed(at - 0.1);
        notes.notes[count].ns = (int64_t)(at * (double)GW_NS_PER_SEC);
        notes.notes[count++].bytes = (uint64_t)bytes;
    }
    atomic_store(&notes.count, count);
}

static struct bench_haul_speed speed(const struct bench_haul *haul)
{
    return bench_haul_speed(haul, BEGIN * GW_NS_PER_SEC, END * GW_NS_PER_SEC);
}

static void assert_mib(double bytes, double mib)
{
    if (fabs(bytes / MIB - mib) > 0.5)
        fail_msg("%.1f MiB/s instead of %.1f", bytes / MIB, mib);
}

static double even(double second)
{
    (void)second;
    return RATE;
}

static double slower(double second)
{
    (void)second;
    return RATE * 0.9;
}

/* What stood still before is caught up. */
static double catches_up(double second)
{
    return second < BEGIN ? 0 : second < 4 ? 2 * RATE : RATE;
}

/* One second stands still, the next makes up for it. */
static double stalls(double second)
{
    return second < 4 ? RATE : second < 5 ? 0 : second < 6 ? 2 * RATE : RATE;
}

/* A pause so short that nothing is late. */
static double hesitates(double second)
{
    return second < 4 ? RATE : second < 4.4 ? 0 : second < 4.8 ? 2 * RATE : RATE;
}

static void an_even_transfer_is_on_time(void **state)
{
    (void)state;
    note_all(even, END + 1);
    struct bench_haul_speed s = speed(&paced);
    assert_mib(s.mean, RATE);
    assert_mib(s.on_time, RATE);
    assert_mib(s.p50, RATE);
    assert_mib(s.slowest, RATE);
}

static void what_is_missing_at_the_end_is_not_on_time(void **state)
{
    (void)state;
    note_all(slower, END + 1);
    assert_mib(speed(&paced).mean, RATE * 0.9);
    assert_mib(speed(&paced).on_time, RATE * 0.9);
}

static void what_was_due_before_does_not_count(void **state)
{
    (void)state;
    note_all(catches_up, END + 1);
    assert_mib(speed(&paced).mean, RATE * 1.4);
    assert_mib(speed(&paced).on_time, RATE);
}

static void a_stall_that_is_made_up_for_is_seen(void **state)
{
    (void)state;
    note_all(stalls, END + 1);
    struct bench_haul_speed s = speed(&paced);
    assert_mib(s.mean, RATE);
    assert_mib(s.on_time, RATE - RATE * (1 - BENCH_HAUL_LATE_MS / 1000.0) / (END - BEGIN));
    assert_mib(s.slowest, 0);
    note_all(hesitates, END + 1);
    assert_mib(speed(&paced).on_time, RATE);
    assert_mib(speed(&paced).slowest, 0);
}

static void a_transfer_that_ends_has_the_whole_time(void **state)
{
    (void)state;
    note_all(even, 4.5); /* the last note is at 4.4 */
    struct bench_haul_speed s = speed(&paced);
    assert_mib(s.mean, RATE * 2.4 / (END - BEGIN));
    assert_mib(s.on_time, RATE * 2.4 / (END - BEGIN));
    assert_mib(s.slowest, 0);
}

static void without_a_rate_all_is_on_time(void **state)
{
    const struct bench_haul unbound = {.log = &notes};
    (void)state;
    note_all(catches_up, END + 1);
    assert_mib(speed(&unbound).on_time, RATE * 1.4);
}

static void the_end_is_known_once_it_is_noted(void **state)
{
    struct bench_haul haul = {.log = &notes};
    (void)state;
    note_all(even, END - 0.3);
    assert_false(bench_haul_knows(&haul, END * GW_NS_PER_SEC));
    haul.ended = true;
    assert_true(bench_haul_knows(&haul, END * GW_NS_PER_SEC));
    haul.ended = false;
    note_all(even, END + 1);
    assert_true(bench_haul_knows(&haul, END * GW_NS_PER_SEC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_transfer_is_on_time),
        cmocka_unit_test(what_is_missing_at_the_end_is_not_on_time),
        cmocka_unit_test(what_was_due_before_does_not_count),
        cmocka_unit_test(a_stall_that_is_made_up_for_is_seen),
        cmocka_unit_test(a_transfer_that_ends_has_the_whole_time),
        cmocka_unit_test(without_a_rate_all_is_on_time),
        cmocka_unit_test(the_end_is_known_once_it_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
