/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of connections in the kernel engine that a real kernel shows only by chance: scripts for the
 * double of a connection, whose clock stands still.
 */
#include "tests/fuzz/conn_run.h"

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"
#include "gateway/record/control.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct conn_setup usual(void)
{
    return (struct conn_setup){
        .suite = ktls_suite_find(0x1301),
        .handshake = {.in_len = 1},
        .rekey_after = GW_REKEY_AFTER_MAX,
    };
}

/* Each of these errors a kernel may also give for a record of the peer's. A send that keeps failing
 * ends the connection; a double that never comes to rest ends the test. */
static void sends_that_keep_failing_end(void **state)
{
    static const struct conn_step steps[] = {
        {.act = CONN_DATA, .len = 1},
        {.act = CONN_BACKEND_DATA, .len = 40000},
    };
    static const enum conn_engine engines[] = {CONN_KERNEL, CONN_REKEYS, CONN_SPLICE};
    static const int errors[] = {-EINVAL, -EIO, -EBADMSG, -EMSGSIZE};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(engines) * GW_ARRAY_SIZE(errors); i++) {
        struct conn_result result;
        struct conn_setup setup = usual();
        setup.send_error = errors[i % GW_ARRAY_SIZE(errors)];
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), engines[i / GW_ARRAY_SIZE(errors)], &result);
        assert_int_equal(result.down, 0);
        assert_int_equal(result.alert, -1);
        assert_int_not_equal(result.reason, GW_REASON_FINISHED);
        assert_true(result.backend_reset);
    }
}

/* The client is still heard when it leaves, and not only after the two seconds: the poll that tells
 * of it may have ended meanwhile. */
static void leaving_ends_the_wait(void **state)
{
    static const struct conn_step steps[] = {
        {.act = CONN_DATA, .len = 1},  {.act = CONN_STOP}, {.act = CONN_DATA, .len = 1},
        {.act = CONN_DATA, .len = 70}, {.act = CONN_FIN},
    };
    static const enum conn_engine engines[] = {CONN_USER, CONN_KERNEL, CONN_REKEYS, CONN_SPLICE};
    (void)state;
    for (size_t i = 0; i < 2 * GW_ARRAY_SIZE(engines); i++) {
        struct conn_result result;
        struct conn_setup setup = usual();
        setup.polls_once = i % 2;
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), engines[i / 2], &result);
        assert_int_equal(result.reason, GW_REASON_SHUTDOWN);
        assert_int_equal(result.alert, GW_ALERT_CLOSE_NOTIFY);
        assert_true(result.over);
    }
}

/* Nobody waits for a backend that does not answer. */
static void a_stop_ends_those_who_still_connect(void **state)
{
    static const struct conn_step steps[] = {{.act = CONN_STOP}};
    (void)state;
    for (enum conn_engine engine = 0; engine < CONN_ENGINES; engine++) {
        struct conn_result result;
        struct conn_setup setup = usual();
        setup.connect_result = 1; /* it never answers */
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), engine, &result);
        assert_int_equal(result.reason, GW_REASON_SHUTDOWN);
        assert_int_equal(result.alert, GW_ALERT_CLOSE_NOTIFY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_that_keep_failing_end),
        cmocka_unit_test(leaving_ends_the_wait),
        cmocka_unit_test(a_stop_ends_those_who_still_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
