/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/strangers: some are logged one by one, the others as sums, and none is lost. */
#include "gateway/proc/strangers.h"

#include "gateway/base/clock.h"
#include "gateway/base/limits.h"
#include "gateway/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    RATE = 50
};

static char said[1024];

static void keep(void *arg, enum gw_log_level level, const char *message)
{
    (void)arg;
    assert_int_equal(level, GW_LOG_WARNING);
    strncat(said, message, sizeof(said) - strlen(said) - 1);
    strncat(said, "\n", sizeof(said) - strlen(said) - 1);
}

static int listen_to_log(void **state)
{
    const struct gw_log_config log = {.level = GW_LOG_INFO, .sink = keep};
    (void)state;
    gw_log_setup(&log);
    said[0] = '\0';
    return 0;
}

static unsigned told(struct gw_strangers *s, enum gw_reason reason, unsigned count, int64_t now)
{
    unsigned one_by_one = 0;
    for (unsigned i = 0; i < count; i++)
        one_by_one += gw_strangers_may_log(s, reason, RATE, now);
    return one_by_one;
}

static void few_are_told_one_by_one(void **state)
{
    struct gw_strangers s = {0};
    (void)state;
    for (int64_t now = 1; now < 10; now++)
        assert_int_equal(told(&s, GW_REASON_HANDSHAKE_RESET, RATE, now * GW_NS_PER_SEC), RATE);
    gw_strangers_sum(&s, 10 * GW_NS_PER_SEC);
    assert_string_equal(said, "");
    assert_int_equal(s.sum_at_ns, 0);
}

static void the_others_are_summed_by_reason(void **state)
{
    struct gw_strangers s = {0};
    int64_t now = 7 * GW_NS_PER_SEC;
    (void)state;
    assert_int_equal(told(&s, GW_REASON_HANDSHAKE_CLOSED, RATE + 1000, now), RATE);
    assert_int_equal(s.sum_at_ns, now + GW_STRANGERS_SUM_NS);
    assert_int_equal(told(&s, GW_REASON_HANDSHAKE_HTTP, 7, now + 1), 0);
    assert_string_equal(said, "");
    gw_strangers_sum(&s, s.sum_at_ns + 200 * GW_NS_PER_MS);
    assert_string_equal(said, "1000 more connections ended with handshake-closed in 1.2 s\n"
                              "7 more connections ended with handshake-http in 1.2 s\n");
}

/* If the loop is late for its timer, the next connection logs the sum. */
static void the_next_second_begins_anew(void **state)
{
    struct gw_strangers s = {0};
    int64_t now = GW_NS_PER_SEC;
    (void)state;
    assert_int_equal(told(&s, GW_REASON_CERT_MISSING, RATE + 3, now), RATE);
    assert_true(gw_strangers_may_log(&s, GW_REASON_CERT_MISSING, RATE, now + GW_STRANGERS_SUM_NS));
    assert_string_equal(said, "3 more connections ended with cert-missing in 1.0 s\n");
}

/* Only what happens before anybody is known; to show a certificate takes no key. */
static void who_is_a_stranger(void **state)
{
    static const enum gw_reason known[] = {
        GW_REASON_FINISHED,           GW_REASON_NOT_ALLOWED,   GW_REASON_CERT_TOO_LARGE,
        GW_REASON_BACKEND_UNTRUSTED,  GW_REASON_CLIENT_RESET,  GW_REASON_NO_MEMORY,
        GW_REASON_HANDSHAKE_INTERNAL, GW_REASON_RECORD_BAD_MAC};
    static const enum gw_reason strange[] = {GW_REASON_HANDSHAKE_RESET, GW_REASON_CERT_UNTRUSTED,
                                             GW_REASON_CERT_EXPIRED,    GW_REASON_CERT_REVOKED,
                                             GW_REASON_CERT_NO_CRL,     GW_REASON_CERT_INVALID};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(known); i++)
        assert_false(gw_reason_of_strangers(known[i]));
    for (size_t i = 0; i < GW_ARRAY_SIZE(strange); i++)
        assert_true(gw_reason_of_strangers(strange[i]));
    assert_false(gw_reason_of_strangers(GW_REASON_COUNT));
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        if (gw_reason_of_strangers((enum gw_reason)i))
            assert_true(gw_reason_info((enum gw_reason)i)->is_error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(few_are_told_one_by_one, listen_to_log),
        cmocka_unit_test_setup(the_others_are_summed_by_reason, listen_to_log),
        cmocka_unit_test_setup(the_next_second_begins_anew, listen_to_log),
        cmocka_unit_test(who_is_a_stranger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
