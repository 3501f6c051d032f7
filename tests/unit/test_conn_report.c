/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/conn/report: the line of a connection, and that no worker can break or forge one. */
#include "gateway/conn/report.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-21T03:50:00.123456789Z */
#define TIME_NS INT64_C(1795233000123456789)

static const struct gw_conn_report full = {
    .wall_ns = TIME_NS,
    .id = 17,
    .bytes_up = 78,
    .bytes_down = UINT64_C(10000000000),
    .duration_us = 1234567,
    .handshake_us = 1500,
    .reason = GW_REASON_FINISHED,
    .resumed = true,
    .service = "default",
    .client = "192.0.2.1:4711",
    .detail = "",
    .version = "TLSv1.3",
    .suite = "TLS_AES_128_GCM_SHA256",
    .group = "x25519",
    .sni = "www.example.org",
    .alpn = "h2",
    .cn = "Alice Example",
    .serial = "01AB",
    .fingerprint = "cafe",
    .rule = "CN:Alice*",
    .tx_engine = "user",
    .rx_engine = "kernel",
    .rx_relay = "splice",
    .engine_why = "no tls ULP",
};

static const char *line_of(const struct gw_conn_report *report, enum gw_log_format format,
                           int worker)
{
    static struct gw_line line;
    struct gw_entry_conn entry;
    size_t len = gw_entry_conn_make(&entry, report);
    assert_true(gw_entry_format(&entry, len, format, worker, &line));
    assert_int_equal(line.len, strlen(line.text));
    return line.text;
}

static void all_fields_as_text(void **state)
{
    (void)state;
    assert_string_equal(
        line_of(&full, GW_LOG_TEXT, 3),
        "2026-11-21T03:50:00.123Z info worker=3 connection closed reason=finished id=17 "
        "service=default client=192.0.2.1:4711 version=TLSv1.3 suite=TLS_AES_128_GCM_SHA256 "
        "group=x25519 sni=www.example.org alpn=h2 cn=\"Alice Example\" serial=01AB "
        "fingerprint=cafe rule=CN:Alice* tx=user rx=kernel rx_relay=splice engine_why=\"no tls "
        "ULP\" resumed=1 "
        "bytes_up=78 bytes_down=10000000000 ms=1234.567 handshake_ms=1.500\n");
}

static void all_fields_as_json(void **state)
{
    (void)state;
    assert_string_equal(
        line_of(&full, GW_LOG_JSON, 0),
        "{\"time\":\"2026-11-21T03:50:00.123Z\",\"level\":\"info\",\"worker\":0,"
        "\"message\":\"connection closed\",\"reason\":\"finished\",\"id\":17,"
        "\"service\":\"default\",\"client\":\"192.0.2.1:4711\",\"version\":\"TLSv1.3\","
        "\"suite\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"x25519\",\"sni\":\"www.example.org\","
        "\"alpn\":\"h2\",\"cn\":\"Alice Example\",\"serial\":\"01AB\",\"fingerprint\":\"cafe\","
        "\"rule\":\"CN:Alice*\",\"tx\":\"user\",\"rx\":\"kernel\",\"rx_relay\":\"splice\",\"engine_"
        "why\":\"no tls ULP\","
        "\"resumed\":1,\"bytes_up\":78,\"bytes_down\":10000000000,\"ms\":1234.567,"
        "\"handshake_ms\":1.500}\n");
}

/* What the backend was told is what stands in the log. */
static void the_unique_id_is_one_text(void **state)
{
    static const struct {
        uint64_t run, id;
        const char *text;
    } rows[] = {
        {1, 1, "0000000000000001-1"},
        {0xfedcba9876543210, 0xabc, "fedcba9876543210-abc"},
        {UINT64_MAX, UINT64_MAX, "ffffffffffffffff-ffffffffffffffff"},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char text[GW_UNIQUE_ID_MAX];
        char field[64];
        struct gw_conn_report r = {.run = rows[i].run, .id = rows[i].id};
        gw_conn_unique_id(text, r.run, r.id);
        assert_string_equal(text, rows[i].text);
        (void)snprintf(field, sizeof(field), " unique_id=%s ", text);
        assert_non_null(strstr(line_of(&r, GW_LOG_TEXT, 0), field));
        r.run = 0; /* it was told none */
        assert_null(strstr(line_of(&r, GW_LOG_TEXT, 0), "unique_id"));
    }
}

static void empty_fields_are_left_out(void **state)
{
    (void)state;
    struct gw_conn_report r = {.wall_ns = TIME_NS,
                               .id = 1,
                               .reason = GW_REASON_HANDSHAKE_NOT_TLS,
                               .detail = "http request"};
    assert_string_equal(line_of(&r, GW_LOG_TEXT, 0),
                        "2026-11-21T03:50:00.123Z warning worker=0 connection closed "
                        "reason=handshake-not-tls id=1 detail=\"http request\" bytes_up=0 "
                        "bytes_down=0 ms=0.000\n");
}

static void errors_are_warnings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GW_REASON_COUNT; i++) {
        struct gw_conn_report r = full;
        r.reason = i;
        const char *line = line_of(&r, GW_LOG_TEXT, 0);
        const struct gw_reason_info *row = gw_reason_info((enum gw_reason)i);
        assert_true((strstr(line, "Z warning ") != NULL) == row->is_error);
        const char *reason = strstr(line, "reason=") + strlen("reason=");
        assert_int_equal(strncmp(reason, row->word, strlen(row->word)), 0);
        assert_int_equal(reason[strlen(row->word)], ' ');
    }
}

static void message_of_a_worker(void **state)
{
    (void)state;
    struct gw_entry_text entry;
    struct gw_line line;
    size_t len = gw_entry_text_make(&entry, GW_LOG_WARNING, "accept failed\nreally");
    assert_int_equal(len, 2 + strlen("accept failed\nreally"));
    assert_true(gw_entry_format(&entry, len, GW_LOG_TEXT, 7, &line));
    assert_string_equal(strchr(line.text, ' '), " warning worker=7 accept failed\\u000areally\n");
    assert_true(gw_entry_format(&entry, len, GW_LOG_JSON, 7, &line));
    assert_string_equal(strstr(line.text, "\"level\""),
                        "\"level\":\"warning\",\"worker\":7,\"message\":\"accept "
                        "failed\\u000areally\"}\n");
}

static void longest_message_fits(void **state)
{
    (void)state;
    struct gw_entry_text entry;
    struct gw_line line;
    char big[2 * GW_LOG_MESSAGE_MAX] = {0};
    memset(big, 'b', sizeof(big) - 1);
    size_t len = gw_entry_text_make(&entry, GW_LOG_INFO, big);
    assert_int_equal(len, sizeof(entry) - 1);
    assert_true(gw_entry_format(&entry, len, GW_LOG_TEXT, 0, &line));
    assert_int_equal(strspn(strchr(line.text, 'b'), "b"), GW_LOG_MESSAGE_MAX - 1);
}

/* ---- a worker that lies ---- */

static void malformed_entries_are_no_lines(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {0, 3, 77, 255};
    struct gw_entry_conn conn;
    struct gw_entry_text text;
    struct gw_line line;
    uint8_t big[GW_LOGRING_ENTRY_MAX] = {0};
    assert_false(gw_entry_format("", 0, GW_LOG_TEXT, 0, &line));
    for (size_t i = 0; i < GW_ARRAY_SIZE(kinds); i++) {
        size_t len = gw_entry_conn_make(&conn, &full);
        conn.kind = kinds[i];
        assert_false(gw_entry_format(&conn, len, GW_LOG_TEXT, 0, &line));
    }
    size_t whole = gw_entry_conn_make(&conn, &full);
    for (size_t len = 1; len < whole; len++)
        assert_false(gw_entry_format(&conn, len, GW_LOG_TEXT, 0, &line));
    big[0] = GW_ENTRY_CONN;
    assert_false(gw_entry_format(big, whole + 1, GW_LOG_TEXT, 0, &line));
    big[0] = GW_ENTRY_TEXT;
    assert_false(gw_entry_format(big, sizeof(text), GW_LOG_TEXT, 0, &line));
    assert_false(gw_entry_format(big, sizeof(big), GW_LOG_TEXT, 0, &line));
    assert_false(gw_entry_format(big, 1, GW_LOG_TEXT, 0, &line));
    assert_true(gw_entry_format(big, 2, GW_LOG_TEXT, 0, &line)); /* an empty message */
}

static void unended_texts_are_ended(void **state)
{
    (void)state;
    struct gw_conn_report r = full;
    memset(r.client, 'c', sizeof(r.client));
    memset(r.engine_why, 'w', sizeof(r.engine_why));
    const char *line = line_of(&r, GW_LOG_TEXT, 0);
    assert_int_equal(strspn(strstr(line, "client=") + strlen("client="), "c"),
                     sizeof(r.client) - 1);
    assert_int_equal(strspn(strstr(line, "engine_why=") + strlen("engine_why="), "w"),
                     sizeof(r.engine_why) - 1);
}

static void made_up_numbers_are_clamped(void **state)
{
    (void)state;
    struct gw_conn_report r = full;
    struct gw_entry_text text;
    struct gw_line out;
    r.reason = 12345;
    assert_non_null(strstr(line_of(&r, GW_LOG_TEXT, 0), " warning worker=0 connection closed "
                                                        "reason=internal "));
    size_t len = gw_entry_text_make(&text, GW_LOG_INFO, "m");
    text.level = 200;
    assert_true(gw_entry_format(&text, len, GW_LOG_TEXT, 0, &out));
    assert_string_equal(strchr(out.text, ' '), " error worker=0 m\n");
}

static void names_cannot_forge_a_line(void **state)
{
    (void)state;
    struct gw_conn_report r = full;
    strcpy(r.sni, "x\" reason=none\n2026-11-21T03:50:00.123Z info all is well");
    const char *line = line_of(&r, GW_LOG_TEXT, 0);
    assert_non_null(strstr(line, " sni=\"x\\\" reason=none\\u000a2026-11-21T03:50:00.123Z info all "
                                 "is well\" alpn=h2 "));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

/* Random bytes as an entry: one line or none, and the sanitizers look on. */
static void random_entries_are_harmless(void **state)
{
    (void)state;
    srandom(13);
    for (int round = 0; round < 20000; round++) {
        struct gw_line line;
        size_t len = round % 2 ? sizeof(struct gw_entry_conn) : 1 + (size_t)random() % 1100;
        uint8_t *entry = malloc(len); /* of its own, so that a read behind it is seen */
        assert_non_null(entry);
        for (size_t i = 0; i < len; i++)
            entry[i] = (uint8_t)random();
        entry[0] = round % 2 ? GW_ENTRY_CONN : GW_ENTRY_TEXT;
        if (gw_entry_format(entry, len, round % 4 < 2 ? GW_LOG_TEXT : GW_LOG_JSON, 0, &line)) {
            assert_int_equal(strlen(line.text), line.len);
            assert_ptr_equal(strchr(line.text, '\n'), line.text + line.len - 1);
        }
        free(entry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_as_text),
        cmocka_unit_test(all_fields_as_json),
        cmocka_unit_test(the_unique_id_is_one_text),
        cmocka_unit_test(empty_fields_are_left_out),
        cmocka_unit_test(errors_are_warnings),
        cmocka_unit_test(message_of_a_worker),
        cmocka_unit_test(longest_message_fits),
        cmocka_unit_test(malformed_entries_are_no_lines),
        cmocka_unit_test(unended_texts_are_ended),
        cmocka_unit_test(made_up_numbers_are_clamped),
        cmocka_unit_test(names_cannot_forge_a_line),
        cmocka_unit_test(random_entries_are_harmless),
    };
    return cmocka_run_group_tests_name("conn_report", tests, NULL, NULL);
}
