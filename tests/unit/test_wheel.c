/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/wheel: never early, at most one tick late, and the time it asks to be called at is
 * never too late. */
#include "gateway/base/wheel.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TICK GW_WHEEL_TICK_NS
#define TURN (GW_WHEEL_SLOTS * TICK)

enum {
    TIMERS = 300,
    STEPS = 200000
};

static void fires_once_and_on_time(void **state)
{
    (void)state;
    static const int64_t after[] = {1,        TICK - 1, TICK,     TICK + 1,    100 * TICK,
                                    TURN - 1, TURN,     TURN + 1, 5 * TURN + 3};
    static struct gw_wheel w;
    const int64_t start = 1234567891;
    for (size_t i = 0; i < GW_ARRAY_SIZE(after); i++) {
        struct gw_timer t;
        gw_wheel_init(&w, start);
        gw_timer_init(&t);
        gw_timer_set(&w, &t, start + after[i]);
        assert_null(gw_wheel_expire(&w, start + after[i] - 1));
        assert_true(gw_timer_armed(&t));
        assert_ptr_equal(gw_wheel_expire(&w, start + after[i] + TICK), &t);
        assert_false(gw_timer_armed(&t));
        assert_null(gw_wheel_expire(&w, start + after[i] + 2 * TICK));
        assert_true(gw_wheel_wait_ns(&w, start) == -1);
    }
}

static void deadline_in_the_past_fires_within_a_tick(void **state)
{
    (void)state;
    static struct gw_wheel w;
    struct gw_timer t;
    gw_wheel_init(&w, 100 * TICK);
    gw_timer_init(&t);
    assert_null(gw_wheel_expire(&w, 100 * TICK)); /* this tick is over */
    gw_timer_set(&w, &t, 5);
    assert_true(gw_wheel_wait_ns(&w, 100 * TICK) <= TICK);
    assert_ptr_equal(gw_wheel_expire(&w, 101 * TICK), &t);
}

static void cleared_timer_is_silent(void **state)
{
    (void)state;
    static struct gw_wheel w;
    struct gw_timer t;
    gw_wheel_init(&w, 0);
    gw_timer_init(&t);
    gw_timer_set(&w, &t, 3 * TICK);
    gw_timer_clear(&w, &t);
    gw_timer_clear(&w, &t);
    assert_int_equal(w.armed, 0);
    assert_null(gw_wheel_expire(&w, TURN));
}

static void moved_timer_keeps_the_last_deadline(void **state)
{
    (void)state;
    static struct gw_wheel w;
    struct gw_timer t;
    gw_wheel_init(&w, 0);
    gw_timer_init(&t);
    gw_timer_set(&w, &t, 3 * TICK);
    gw_timer_set(&w, &t, 50 * TICK);
    assert_int_equal(w.armed, 1);
    assert_null(gw_wheel_expire(&w, 49 * TICK));
    gw_timer_set(&w, &t, 51 * TICK);
    assert_null(gw_wheel_expire(&w, 50 * TICK));
    assert_ptr_equal(gw_wheel_expire(&w, 51 * TICK), &t);
}

static void farthest_deadline_is_held(void **state)
{
    (void)state;
    static struct gw_wheel w;
    struct gw_timer t;
    gw_wheel_init(&w, 0);
    gw_timer_init(&t);
    gw_timer_set(&w, &t, INT64_MAX);
    assert_null(gw_wheel_expire(&w, 10 * TURN));
    assert_true(gw_timer_armed(&t));
}

/* ---- random operations against a list of deadlines ---- */

struct model {
    struct gw_timer timers[TIMERS];
    int64_t deadline[TIMERS]; /* -1: not set */
    int64_t set_at[TIMERS];
};

static int64_t earliest(const struct model *m)
{
    int64_t first = -1;
    for (int i = 0; i < TIMERS; i++)
        if (m->deadline[i] >= 0 && (first < 0 || m->deadline[i] < first))
            first = m->deadline[i];
    return first;
}

static int64_t random_span(void)
{
    static const int64_t spans[] = {TICK / 2, 20 * TICK, TURN, 4 * TURN};
    int64_t span = spans[random() % 4];
    return ((int64_t)random() << 20 | random()) % span;
}

static void set_or_clear(struct gw_wheel *w, struct model *m, int64_t now)
{
    int i = (int)(random() % TIMERS);
    if (random() % 4 == 0) {
        gw_timer_clear(w, &m->timers[i]);
        m->deadline[i] = -1;
        return;
    }
    m->deadline[i] = now + random_span() - TICK;
    m->deadline[i] = GW_MAX(m->deadline[i], 0);
    m->set_at[i] = now;
    gw_timer_set(w, &m->timers[i], m->deadline[i]);
}

/* What fires was due; what did not fire is not yet due for a whole tick. */
static int expire(struct gw_wheel *w, struct model *m, int64_t now)
{
    struct gw_timer *t;
    int fired = 0;
    while ((t = gw_wheel_expire(w, now))) {
        int i = (int)(t - m->timers);
        assert_in_range(i, 0, TIMERS - 1);
        assert_true(m->deadline[i] >= 0);
        assert_true(m->deadline[i] <= now);
        m->deadline[i] = -1;
        fired++;
    }
    for (int i = 0; i < TIMERS; i++)
        if (m->deadline[i] >= 0)
            assert_true(GW_MAX(m->deadline[i], m->set_at[i]) + TICK > now);
    return fired;
}

static void check_wait(const struct gw_wheel *w, const struct model *m, int64_t now)
{
    int64_t first = earliest(m);
    int64_t wait = gw_wheel_wait_ns(w, now);
    if (first < 0)
        assert_true(wait == -1);
    else
        assert_true(wait >= 0 && wait <= GW_MAX(first - now, 0) + TICK);
}

static void random_operations_match_a_model(void **state)
{
    (void)state;
    static struct gw_wheel w;
    static struct model m;
    int64_t now = 987654321;
    int fired = 0;
    srandom(3);
    gw_wheel_init(&w, now);
    for (int i = 0; i < TIMERS; i++) {
        gw_timer_init(&m.timers[i]);
        m.deadline[i] = -1;
    }
    for (int step = 0; step < STEPS; step++) {
        set_or_clear(&w, &m, now);
        if (random() % 8)
            continue;
        int64_t wait = gw_wheel_wait_ns(&w, now);
        now += random() % 3 && wait >= 0 ? wait : random_span(); /* also sleep too long */
        fired += expire(&w, &m, now);
        check_wait(&w, &m, now);
    }
    assert_true(fired > STEPS / 20);
}

/* A sleeper that does only what the wheel asks for is not woken much more often than there is
 * something to do: once a timer, and once a turn for those beyond it. */
static void does_not_ask_in_vain(void **state)
{
    (void)state;
    static struct gw_wheel w;
    struct gw_timer near;
    struct gw_timer far;
    int64_t now = 0;
    int calls = 0;
    gw_wheel_init(&w, now);
    gw_timer_init(&near);
    gw_timer_init(&far);
    gw_timer_set(&w, &near, 10 * TICK);
    gw_timer_set(&w, &far, 3 * TURN + 10 * TICK);
    for (int left = 2; left > 0; calls++) {
        now += gw_wheel_wait_ns(&w, now);
        while (gw_wheel_expire(&w, now))
            left--;
    }
    assert_in_range(calls, 2, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_once_and_on_time),
        cmocka_unit_test(deadline_in_the_past_fires_within_a_tick),
        cmocka_unit_test(cleared_timer_is_silent),
        cmocka_unit_test(moved_timer_keeps_the_last_deadline),
        cmocka_unit_test(farthest_deadline_is_held),
        cmocka_unit_test(random_operations_match_a_model),
        cmocka_unit_test(does_not_ask_in_vain),
    };
    return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
