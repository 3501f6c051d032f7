/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From when on each time limit counts, and what renews it: scripts for the double of a connection,
 * whose clock stands still. Its limits are 60.9 s without a byte, 20.9 s once one side has ended,
 * 10.9 s for a handshake, 5.9 s to connect, and two for a client to take its last words.
 */
#include "tests/fuzz/conn_run.h"

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"
#include "gateway/record/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    STEPS_MAX = 8,
    RECORD = 16384
};

/* The connection goes on after the steps and `last` seconds more, and ends a second later. */
static const struct row {
    const char *what;
    struct conn_step steps[STEPS_MAX];
    size_t count;
    uint8_t last;
    enum gw_reason reason;
} rows[] = {
    {"silence", {{.act = CONN_TIME, .type = 0}}, 1, 60, GW_REASON_IDLE_TIMEOUT},
    {"silence of both",
     {{.act = CONN_DATA, .len = 1}, {.act = CONN_BACKEND_DATA, .len = 1}},
     2,
     60,
     GW_REASON_IDLE_TIMEOUT},
    {"the client's byte renews it",
     {{.act = CONN_TIME, .type = 50}, {.act = CONN_DATA, .len = 1}},
     2,
     60,
     GW_REASON_IDLE_TIMEOUT},
    {"the backend's byte renews it",
     {{.act = CONN_TIME, .type = 50}, {.act = CONN_BACKEND_DATA, .len = 1}},
     2,
     60,
     GW_REASON_IDLE_TIMEOUT},
    {"the client ends after a rest",
     {{.act = CONN_TIME, .type = 50}, {.act = CONN_CLOSE_NOTIFY}},
     2,
     20,
     GW_REASON_CLOSE_TIMEOUT},
    {"the backend ends after a rest",
     {{.act = CONN_TIME, .type = 50}, {.act = CONN_BACKEND_FIN}},
     2,
     20,
     GW_REASON_CLOSE_TIMEOUT},
    {"the backend goes on",
     {{.act = CONN_CLOSE_NOTIFY},
      {.act = CONN_TIME, .type = 15},
      {.act = CONN_BACKEND_DATA, .len = 1}},
     3,
     20,
     GW_REASON_CLOSE_TIMEOUT},
    {"a slow backend takes something",
     {{.act = CONN_PAUSE_B},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = 1000}, /* for which it has no room */
      {.act = CONN_TIME, .type = 50},
      {.act = CONN_PAUSE_B}},
     8,
     60,
     GW_REASON_IDLE_TIMEOUT},
    {"a slow backend takes a part",
     {{.act = CONN_PAUSE_B},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_DATA, .len = RECORD},
      {.act = CONN_TIME, .type = 50},
      {.act = CONN_SIP_B, .len = 9000}},
     8,
     60,
     GW_REASON_IDLE_TIMEOUT},
    {"a slow client takes a part",
     {{.act = CONN_PAUSE},
      {.act = CONN_BACKEND_DATA, .len = UINT16_MAX},
      {.act = CONN_BACKEND_DATA, .len = UINT16_MAX},
      {.act = CONN_TIME, .type = 50},
      {.act = CONN_SIP}},
     5,
     60,
     GW_REASON_IDLE_TIMEOUT},
    {"a slow client takes the last part",
     {{.act = CONN_PAUSE},
      {.act = CONN_BACKEND_DATA, .len = UINT16_MAX},
      {.act = CONN_TIME, .type = 50},
      {.act = CONN_SIP}},
     4,
     60,
     GW_REASON_IDLE_TIMEOUT},
    {"the client goes on",
     {{.act = CONN_BACKEND_FIN}, {.act = CONN_TIME, .type = 15}, {.act = CONN_DATA, .len = 1}},
     3,
     20,
     GW_REASON_CLOSE_TIMEOUT},
};

static const enum conn_engine engines[] = {CONN_USER, CONN_KERNEL, CONN_SPLICE};

static struct conn_setup usual(void)
{
    return (struct conn_setup){
        .suite = ktls_suite_find(0x1301),
        .handshake = {.in_len = 1},
        .rekey_after = GW_REKEY_AFTER_MAX,
    };
}

/* The steps, then so many seconds; after that both peers go away, which is another reason. */
static struct conn_result run(const struct conn_step *steps, size_t count, uint8_t seconds,
                              enum conn_engine engine)
{
    struct conn_result result;
    struct conn_step all[2 * STEPS_MAX + 1];
    const struct conn_setup setup = usual();
    memcpy(all, steps, count * sizeof(*steps));
    all[count] = (struct conn_step){.act = CONN_TIME, .type = seconds};
    conn_run(&setup, all, count + 1, engine, &result);
    return result;
}

static void each_limit_begins_where_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows) * GW_ARRAY_SIZE(engines); i++) {
        const struct row *row = &rows[i / GW_ARRAY_SIZE(engines)];
        enum conn_engine engine = engines[i % GW_ARRAY_SIZE(engines)];
        struct conn_result before = run(row->steps, row->count, row->last, engine);
        struct conn_result after = run(row->steps, row->count, row->last + 1, engine);
        if (before.reason == row->reason || after.reason != row->reason)
            fail_msg("%s, engine %d: it ended for reason %d, then %d", row->what, engine,
                     before.reason, after.reason);
        assert_int_equal(after.alert, GW_ALERT_CLOSE_NOTIFY);
    }
}

/* The backend is there, and the client does not take the last bytes of the handshake: it has
 * --handshake-timeout from then on, whatever was left of --connect-timeout, and the reason says so.
 */
static void the_last_bytes_of_a_handshake_have_a_time_of_their_own(void **state)
{
    static const enum gw_reason reasons[2] = {GW_REASON_CLIENT_TRUNCATED,
                                              GW_REASON_HANDSHAKE_TIMEOUT};
    struct conn_setup setup = usual();
    (void)state;
    setup.handshake.ticket_len = 100000;
    setup.deaf = true;
    for (size_t i = 0; i < 2 * GW_ARRAY_SIZE(engines); i++) {
        struct conn_result result;
        const struct conn_step wait = {.act = CONN_TIME, .type = i % 2 ? 11 : 10};
        conn_run(&setup, &wait, 1, engines[i / 2], &result);
        assert_int_equal(result.reason, reasons[i % 2]);
        assert_int_equal(result.over, i % 2);
        assert_true(result.backend_reset);
    }
}

/* --recheck-on-reload: what let a connection in is judged at each --reload-interval, though no file
 * has changed and nothing of it ends by itself. */
static void the_interval_alone_judges_again(void **state)
{
    struct conn_setup setup = usual();
    (void)state;
    setup.interval = 20;
    setup.handshake.good_looks = 1;
    for (size_t i = 0; i < 2 * GW_ARRAY_SIZE(engines); i++) {
        struct conn_result result;
        const struct conn_step steps[] = {
            {.act = CONN_TIME, .type = 21},
            {.act = CONN_DATA, .len = 1},
            {.act = CONN_TIME, .type = i % 2 ? 21 : 19},
        };
        conn_run(&setup, steps, GW_ARRAY_SIZE(steps), engines[i / 2], &result);
        assert_int_equal(result.reason,
                         i % 2 ? GW_REASON_CERT_REVOKED : GW_REASON_CLIENT_TRUNCATED);
        assert_int_equal(result.alert, i % 2 ? GW_ALERT_CERTIFICATE_REVOKED : -1);
        assert_int_equal(result.bytes_up, 1);
    }
}

/* However long it was silent before. */
static void last_words_have_two_seconds(void **state)
{
    static const struct conn_step steps[] = {{.act = CONN_TIME, .type = 50}, {.act = CONN_STOP}};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(engines); i++) {
        assert_false(run(steps, GW_ARRAY_SIZE(steps), 1, engines[i]).over);
        assert_true(run(steps, GW_ARRAY_SIZE(steps), 3, engines[i]).over);
    }
}

/* More than fits into the way to a backend that reads nothing. */
#define STUCK                                                                                      \
    {.act = CONN_PAUSE_B}, {.act = CONN_DATA, .len = RECORD}, {.act = CONN_DATA, .len = RECORD},   \
        {.act = CONN_DATA, .len = RECORD}, {.act = CONN_DATA, .len = RECORD},                      \
    {                                                                                              \
        .act = CONN_DATA, .len = RECORD                                                            \
    }

/* All of it is on its way, and then the client is gone. */
#define CUT                                                                                        \
    {.act = CONN_PAUSE_B}, {.act = CONN_DATA, .len = RECORD}, {.act = CONN_DATA, .len = RECORD},   \
    {                                                                                              \
        .act = CONN_FIN                                                                            \
    }

/* How long a backend that takes little or nothing is waited for at the end: 20.9 s from the last
 * byte on, but two where a time-out has passed already, or the gateway stops. */
static const struct {
    const char *what;
    struct conn_step steps[2 * STEPS_MAX];
    size_t count;
    uint8_t last;
} waits[] = {
    {"the client is gone", {CUT}, 4, 20},
    {"the client is gone, and something is taken",
     {CUT,
      {.act = CONN_TIME, .type = 15},
      {.act = CONN_SIP_B, .len = 9000},
      {.act = CONN_TIME, .type = 1}},
     7,
     20},
    {"the client was silent", {STUCK, {.act = CONN_TIME, .type = 61}}, 7, 2},
    {"the client was silent, and something is taken",
     {STUCK, {.act = CONN_TIME, .type = 61}, {.act = CONN_SIP_B, .len = 9000}},
     8,
     20},
    {"the backend has ended",
     {STUCK, {.act = CONN_BACKEND_FIN}, {.act = CONN_TIME, .type = 21}},
     8,
     2},
    {"the gateway stops", {STUCK, {.act = CONN_STOP}}, 7, 2},
    {"the gateway stops, and something is taken",
     {STUCK, {.act = CONN_STOP}, {.act = CONN_TIME, .type = 1}, {.act = CONN_SIP_B, .len = 9000}},
     9,
     1},
    {"the gateway stops when the client is gone",
     {CUT,
      {.act = CONN_TIME, .type = 1},
      {.act = CONN_STOP},
      {.act = CONN_SIP_B, .len = 9000},
      {.act = CONN_TIME, .type = 1}},
     8,
     1},
};

static void a_slow_backend_is_waited_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(waits) * GW_ARRAY_SIZE(engines); i++) {
        size_t row = i / GW_ARRAY_SIZE(engines);
        enum conn_engine engine = engines[i % GW_ARRAY_SIZE(engines)];
        uint8_t last = waits[row].last;
        bool before = run(waits[row].steps, waits[row].count, last - 1, engine).over;
        bool after = run(waits[row].steps, waits[row].count, last + 1, engine).over;
        if (before || !after)
            fail_msg("row %zu, %s, engine %d: over before: %d, after: %d", row, waits[row].what,
                     engine, before, after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_begins_where_it_should),
        cmocka_unit_test(the_last_bytes_of_a_handshake_have_a_time_of_their_own),
        cmocka_unit_test(the_interval_alone_judges_again),
        cmocka_unit_test(last_words_have_two_seconds),
        cmocka_unit_test(a_slow_backend_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
