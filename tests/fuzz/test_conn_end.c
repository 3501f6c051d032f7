/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of connections in the kernel engine that a real kernel shows only by chance, and when that
 * engine begins: scripts for the double of a connection, whose clock stands still.
 */
#include "tests/fuzz/conn_run.h"

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"
#include "gateway/record/control.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

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

/* The client's close counts when it happens, not only after the two seconds: the poll for it may
 * have ended meanwhile. */
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

/* Why there is no backend: the kernel may give up on an address before --connect-timeout does. */
static void the_reason_tells_why_there_is_no_backend(void **state)
{
    static const struct {
        int result;
        enum gw_reason reason;
        bool told; /* the kernel's words are the detail */
    } rows[] = {
        {-ECONNREFUSED, GW_REASON_BACKEND_REFUSED, true},
        {-ETIMEDOUT, GW_REASON_BACKEND_TIMEOUT, true},
        {-EHOSTUNREACH, GW_REASON_BACKEND_UNREACHABLE, true},
        {-ENETUNREACH, GW_REASON_BACKEND_UNREACHABLE, true},
        {1, GW_REASON_BACKEND_TIMEOUT, false}, /* it never answers */
    };
    static const struct conn_step steps[] = {{.act = CONN_TIME, .type = 6}};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct conn_result result;
        struct conn_setup setup = usual();
        setup.connect_result = rows[i].result;
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), CONN_USER, &result);
        assert_int_equal(result.reason, rows[i].reason);
        assert_string_equal(result.detail, rows[i].told ? strerror(-rows[i].result) : "");
        assert_int_equal(result.alert, GW_ALERT_INTERNAL_ERROR);
    }
}

/* What was opened before the end arrives, also where the backend has nothing more to say. */
static void all_arrives_at_a_backend_that_has_ended(void **state)
{
    enum {
        RECORD = 16384,
        COUNT = 5 /* more than fits into the way to it */
    };
    static const struct conn_step steps[] = {
        {.act = CONN_PAUSE_B},
        {.act = CONN_DATA, .len = RECORD},
        {.act = CONN_DATA, .len = RECORD},
        {.act = CONN_DATA, .len = RECORD},
        {.act = CONN_DATA, .len = RECORD},
        {.act = CONN_DATA, .len = RECORD},
        {.act = CONN_BACKEND_FIN},
        {.act = CONN_STOP},
    };
    (void)state;
    for (enum conn_engine engine = 0; engine < CONN_ENGINES; engine++) {
        struct conn_result result;
        struct conn_setup setup = usual();
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), engine, &result);
        assert_int_equal(result.reason, GW_REASON_SHUTDOWN);
        assert_int_equal(result.bytes_up, COUNT * RECORD);
        assert_int_equal(result.up, COUNT * RECORD);
        assert_true(result.backend_reset);
    }
}

/* The client ended behind our end. Bytes that the backend then refuses are lost, and the reason
 * says so. */
static void a_stream_that_is_lost_at_last_has_not_finished(void **state)
{
    enum {
        RECORD = 16384,
        LONG = 100 /* seconds */
    };
    static const struct {
        enum conn_act last;
        enum gw_reason reason;
    } rows[] = {
        {CONN_BACKEND_RESET, GW_REASON_BACKEND_RESET},
        {CONN_TIME, GW_REASON_CLOSE_TIMEOUT},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const struct conn_step steps[] = {
            {.act = CONN_PAUSE_B},
            {.act = CONN_DATA, .len = RECORD},
            {.act = CONN_DATA, .len = RECORD},
            {.act = CONN_DATA, .len = RECORD},
            {.act = CONN_BACKEND_FIN},
            {.act = CONN_FIN},
            {.act = rows[i].last, .type = LONG},
        };
        for (enum conn_engine engine = 0; engine < CONN_ENGINES; engine++) {
            struct conn_result result;
            struct conn_setup setup = usual();
            conn_run(&setup, steps, GW_ARRAY_SIZE(steps), engine, &result);
            assert_int_equal(result.reason, rows[i].reason);
            assert_string_equal(result.detail, "");
            assert_int_equal(result.bytes_up, 3 * RECORD);
            assert_true(result.backend_reset);
        }
    }
}

/* A cut connection is a warning as soon as a byte has gone, whichever way. */
static void a_byte_of_either_side_makes_it_a_warning(void **state)
{
    static const struct {
        struct conn_step first;
        bool harmless;
    } rows[] = {
        {{.act = CONN_TIME, .type = 1}, true},
        {{.act = CONN_DATA, .len = 1}, false},
        {{.act = CONN_BACKEND_DATA, .len = 1}, false},
        {{.act = CONN_CLOSE_NOTIFY}, true},
    };
    static const struct {
        enum conn_act act;
        enum gw_reason reason;
    } ends[] = {{CONN_FIN, GW_REASON_CLIENT_TRUNCATED}, {CONN_RESET, GW_REASON_CLIENT_RESET}};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows) * GW_ARRAY_SIZE(ends); i++) {
        const struct conn_step steps[] = {rows[i / 2].first, {.act = ends[i % 2].act}};
        struct conn_result result;
        struct conn_setup setup = usual();
        if (steps[0].act == CONN_CLOSE_NOTIFY && steps[1].act == CONN_FIN)
            continue; /* as it should be */
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), CONN_USER, &result);
        assert_int_equal(result.reason, ends[i % 2].reason);
        assert_int_equal(result.harmless, rows[i / 2].harmless);
    }
}

/* The client's first record is not whole when the handshake is over. The kernel gets the next one,
 * of which a part has come with the rest of the first. */
static void the_kernel_begins_with_the_next_record(void **state)
{
    static const struct conn_step steps[] = {
        {.act = CONN_DATA, .len = 100, .together = true},
        {.act = CONN_CUT, .len = 1000, .bit = 500, .piece = 10}, /* 101 bytes at a time */
        {.act = CONN_FIN},
    };
    static const enum conn_engine engines[] = {CONN_KERNEL, CONN_REKEYS, CONN_SPLICE};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(engines); i++) {
        struct conn_result result;
        struct conn_setup setup = usual();
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), engines[i], &result);
        assert_int_equal(result.up, 100);
        assert_true(result.rx_kernel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_that_keep_failing_end),
        cmocka_unit_test(leaving_ends_the_wait),
        cmocka_unit_test(a_stop_ends_those_who_still_connect),
        cmocka_unit_test(the_reason_tells_why_there_is_no_backend),
        cmocka_unit_test(all_arrives_at_a_backend_that_has_ended),
        cmocka_unit_test(a_stream_that_is_lost_at_last_has_not_finished),
        cmocka_unit_test(a_byte_of_either_side_makes_it_a_warning),
        cmocka_unit_test(the_kernel_begins_with_the_next_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
