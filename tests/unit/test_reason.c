/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/reason and stats: the tables are complete, their words fit to be metric labels and
 * stand for one thing each; counters add up. */
#include "gateway/base/reason.h"

#include "gateway/base/attr.h"
#include "gateway/base/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Small letters and digits joined by single hyphens. */
static bool is_word(const char *s)
{
    return s[0] != '-' && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s) && *s &&
           s[strlen(s) - 1] != '-' && !strstr(s, "--");
}

static void assert_words_differ(const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(is_word(words[i]));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(words[i], words[k]);
    }
}

static void reasons_are_told_apart(void **state)
{
    (void)state;
    const char *words[GW_REASON_COUNT];
    for (unsigned i = 0; i < GW_REASON_COUNT; i++) {
        const struct gw_reason_info *row = gw_reason_info((enum gw_reason)i);
        words[i] = row->word;
        assert_non_null(row->sentence);
        assert_true(strlen(row->sentence) > 5);
        assert_int_not_equal(row->sentence[strlen(row->sentence) - 1], '.');
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(row->sentence, gw_reason_info((enum gw_reason)k)->sentence);
    }
    assert_words_differ(words, GW_REASON_COUNT);
}

static void what_is_an_error(void **state)
{
    (void)state;
    static const enum gw_reason fine[] = {GW_REASON_NONE, GW_REASON_FINISHED, GW_REASON_SHUTDOWN,
                                          GW_REASON_IDLE_TIMEOUT, GW_REASON_MAX_CONN_AGE};
    unsigned count = 0;
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        count += !gw_reason_info((enum gw_reason)i)->is_error;
    assert_int_equal(count, GW_ARRAY_SIZE(fine));
    for (size_t i = 0; i < GW_ARRAY_SIZE(fine); i++)
        assert_false(gw_reason_info(fine[i])->is_error);
}

static void unknown_reason_is_internal(void **state)
{
    (void)state;
    const struct gw_reason_info *internal = gw_reason_info(GW_REASON_INTERNAL);
    assert_string_equal(internal->word, "internal");
    assert_ptr_equal(gw_reason_info(GW_REASON_COUNT), internal);
    assert_ptr_equal(gw_reason_info((enum gw_reason) - 1), internal);
    assert_ptr_equal(gw_reason_info((enum gw_reason)UINT32_MAX), internal);
}

/* In the client role a reason never says "client" of the TLS side, which is the backend. */
static void reasons_are_told_by_role(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        assert_int_equal(gw_reason_in(GW_ROLE_SERVER, (enum gw_reason)i), i);
    assert_int_equal(gw_reason_in(GW_ROLE_CLIENT, GW_REASON_CLIENT_RESET), GW_REASON_BACKEND_RESET);
    assert_int_equal(gw_reason_in(GW_ROLE_CLIENT, GW_REASON_BACKEND_RESET), GW_REASON_CLIENT_RESET);
    assert_int_equal(gw_reason_in(GW_ROLE_CLIENT, GW_REASON_BACKEND_REFUSED),
                     GW_REASON_BACKEND_REFUSED);
    for (unsigned i = GW_REASON_NONE; i < GW_REASON_COUNT; i++) {
        enum gw_reason told = gw_reason_in(GW_ROLE_CLIENT, (enum gw_reason)i);
        const char *was = gw_reason_info((enum gw_reason)i)->sentence;
        const char *says = gw_reason_info(told)->sentence;
        if (i == GW_REASON_BACKEND_RESET ||
            i == GW_REASON_NOT_ALLOWED) /* of the plain side; none */
            continue;
        if (strstr(was, "the client "))
            assert_non_null(strstr(says, "the backend"));
    }
}

static void counters_are_told_apart(void **state)
{
    (void)state;
    const char *words[GW_COUNTER_COUNT];
    for (unsigned i = 0; i < GW_COUNTER_COUNT; i++) {
        words[i] = gw_counter_info(i)->word;
        assert_true(strlen(gw_counter_info(i)->help) > 5);
        assert_int_equal(gw_counter_info(i)->is_gauge, i >= GW_COUNTER_OPEN);
    }
    assert_words_differ(words, GW_COUNTER_COUNT);
}

static void counters_add_up(void **state)
{
    (void)state;
    struct gw_stats a = {0};
    struct gw_stats b = {0};
    struct gw_stats sum = {0};
    gw_stats_add(&a, GW_COUNTER_OPEN, 3);
    gw_stats_add(&a, GW_COUNTER_OPEN, -1);
    gw_stats_add(&a, GW_COUNTER_BYTES_UP, INT64_C(1) << 40);
    gw_stats_add(&b, GW_COUNTER_BYTES_UP, 1);
    gw_stats_end(&a, GW_REASON_FINISHED);
    gw_stats_end(&b, GW_REASON_FINISHED);
    gw_stats_end(&b, GW_REASON_INTERNAL);
    gw_stats_sum(&sum, &a);
    gw_stats_sum(&sum, &b);
    assert_int_equal(gw_stats_get(&sum, GW_COUNTER_OPEN), 2);
    assert_true(gw_stats_get(&sum, GW_COUNTER_BYTES_UP) == (UINT64_C(1) << 40) + 1);
    assert_int_equal(sum.ended[GW_REASON_FINISHED], 2);
    assert_int_equal(sum.ended[GW_REASON_INTERNAL], 1);
    assert_int_equal(gw_stats_get(&sum, GW_COUNTER_ACCEPTED), 0);
}

/* A new worker in an old place: what was counted stays, what was open is not. */
static void restart_clears_gauges_only(void **state)
{
    (void)state;
    struct gw_stats s;
    memset(&s, 1, sizeof(s));
    const uint64_t ones = s.counters[0];
    gw_stats_restart(&s);
    for (unsigned i = 0; i < GW_COUNTER_COUNT; i++)
        assert_true(gw_stats_get(&s, i) == (gw_counter_info(i)->is_gauge ? 0 : ones));
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        assert_true(s.ended[i] == ones);
}

static void the_dead_leave_nothing_open(void **state)
{
    (void)state;
    struct gw_stats s = {0};
    gw_stats_add(&s, GW_COUNTER_ACCEPTED, 5);
    gw_stats_add(&s, GW_COUNTER_OPEN, 4); /* it died before it counted the fifth */
    gw_stats_add(&s, GW_COUNTER_HANDSHAKING, 2);
    gw_stats_end(&s, GW_REASON_FINISHED);
    assert_true(gw_stats_bury(&s) == 4);
    assert_true(gw_stats_get(&s, GW_COUNTER_OPEN) == 0);
    assert_true(gw_stats_get(&s, GW_COUNTER_HANDSHAKING) == 0);
    assert_true(gw_stats_get(&s, GW_COUNTER_ACCEPTED) == 5);
    assert_true(s.ended[GW_REASON_WORKER_DIED] == 4);
    assert_true(gw_stats_bury(&s) == 0);  /* twice changes nothing */
    gw_stats_end(&s, GW_REASON_FINISHED); /* more ends than beginnings: memory gone bad */
    assert_true(gw_stats_bury(&s) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_are_told_apart),     cmocka_unit_test(what_is_an_error),
        cmocka_unit_test(unknown_reason_is_internal), cmocka_unit_test(reasons_are_told_by_role),
        cmocka_unit_test(counters_are_told_apart),    cmocka_unit_test(counters_add_up),
        cmocka_unit_test(restart_clears_gauges_only), cmocka_unit_test(the_dead_leave_nothing_open),
    };
    return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
