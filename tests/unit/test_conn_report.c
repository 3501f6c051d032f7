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
    .rule = "CN:Alice*",
    .tx_engine = "user",
    .rx_engine = "kernel",
    .rx_relay = "splice",
    .engine_why = "no tls ULP",
};

static const struct gw_handshake_holder holder = {
    .subject = "CN=Alice Example,O=Example\\, Ltd",
    .issuer = "CN=a CA",
};

static const char *line_with(const struct gw_conn_report *report, const struct gw_note *note,
                             enum gw_log_format format, int worker)
{
    static struct gw_line line;
    struct gw_entry_conn entry;
    size_t len = gw_entry_conn_make(&entry, report, note);
    assert_true(gw_entry_format(&entry, len, format, worker, &line));
    assert_int_equal(line.len, strlen(line.text));
    return line.text;
}

static const char *line_of(const struct gw_conn_report *report, enum gw_log_format format,
                           int worker)
{
    return line_with(report, NULL, format, worker);
}

static void add_name(struct gw_identity *id, enum gw_name_kind kind, const char *text)
{
    gw_identity_add(id, kind, text, strlen(text));
}

static struct gw_identity alice(void)
{
    struct gw_identity id = {.present = true, .serial = "01AB", .fingerprint = "cafe"};
    add_name(&id, GW_NAME_CN, "Alice Example");
    return id;
}

static void all_fields_as_text(void **state)
{
    (void)state;
    struct gw_identity id = alice();
    struct gw_note *note = gw_note_new(&id, &holder, 0);
    assert_string_equal(
        line_with(&full, note, GW_LOG_TEXT, 3),
        "2026-11-21T03:50:00.123Z info worker=3 connection closed reason=finished id=17 "
        "service=default client=192.0.2.1:4711 version=TLSv1.3 suite=TLS_AES_128_GCM_SHA256 "
        "group=x25519 sni=www.example.org alpn=h2 rule=CN:Alice* tx=user rx=kernel "
        "rx_relay=splice engine_why=\"no tls ULP\" resumed=1 bytes_up=78 bytes_down=10000000000 "
        "ms=1234.567 handshake_ms=1.500 serial=01AB fingerprint=cafe cn=\"Alice Example\" "
        "subject=\"CN=Alice Example,O=Example\\\\, Ltd\" issuer=\"CN=a CA\"\n");
    free(note);
}

static void all_fields_as_json(void **state)
{
    (void)state;
    struct gw_identity id = alice();
    struct gw_note *note = gw_note_new(&id, &holder, 0);
    assert_string_equal(
        line_with(&full, note, GW_LOG_JSON, 0),
        "{\"time\":\"2026-11-21T03:50:00.123Z\",\"level\":\"info\",\"worker\":0,"
        "\"message\":\"connection closed\",\"reason\":\"finished\",\"id\":17,"
        "\"service\":\"default\",\"client\":\"192.0.2.1:4711\",\"version\":\"TLSv1.3\","
        "\"suite\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"x25519\",\"sni\":\"www.example.org\","
        "\"alpn\":\"h2\","
        "\"rule\":\"CN:Alice*\",\"tx\":\"user\",\"rx\":\"kernel\",\"rx_relay\":\"splice\",\"engine_"
        "why\":\"no tls ULP\","
        "\"resumed\":1,\"bytes_up\":78,\"bytes_down\":10000000000,\"ms\":1234.567,"
        "\"handshake_ms\":1.500,\"serial\":\"01AB\",\"fingerprint\":\"cafe\","
        "\"cn\":\"Alice Example\",\"subject\":\"CN=Alice Example,O=Example\\\\, Ltd\","
        "\"issuer\":\"CN=a CA\"}\n");
    free(note);
}

/* The log has the id that the backend got. */
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
        r.run = 0; /* the backend got none */
        assert_null(strstr(line_of(&r, GW_LOG_TEXT, 0), "unique_id"));
    }
}

/* A certificate that was shown is a claim until the handshake is done. */
static void strangers_are_those_who_proved_nothing(void **state)
{
    static const struct {
        enum gw_reason reason;
        bool shown, done, stranger;
    } rows[] = {
        {GW_REASON_CERT_UNTRUSTED, true, false, true},
        {GW_REASON_HANDSHAKE_CLOSED, true, false, true},
        {GW_REASON_HANDSHAKE_CLOSED, false, false, true},
        {GW_REASON_CERT_REVOKED, true, true, false}, /* by a CRL that came later */
        {GW_REASON_CERT_MISSING, false, true, true},
        {GW_REASON_NOT_ALLOWED, true, true, false},
        {GW_REASON_NOT_ALLOWED, false, true, false},
    };
    struct gw_identity id = alice();
    struct gw_note *note = gw_note_new(&id, &holder, 0);
    (void)state;
    assert_non_null(note);
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        const struct gw_conn_report r = {.reason = rows[i].reason, .handshake_us = rows[i].done};
        assert_int_equal(gw_conn_report_of_stranger(&r, rows[i].shown ? note : NULL),
                         rows[i].stranger);
    }
    gw_identity_done(&id);
    free(note);
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
        r.harmless = true;
        assert_non_null(strstr(line_of(&r, GW_LOG_TEXT, 0), "Z info "));
        r.harmless = false;
        line = line_of(&r, GW_LOG_TEXT, 0);
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

/* ---- whose certificate it was ---- */

/* The kind that decides is IP. */
static const char *note_line(const struct gw_identity *id, const struct gw_handshake_holder *names)
{
    struct gw_note *note = gw_note_new(id, names, 1U << GW_NAME_IP);
    assert_non_null(note);
    const char *line = line_with(&full, note, GW_LOG_TEXT, 0);
    free(note);
    return strstr(line, "handshake_ms=1.500") + strlen("handshake_ms=1.500");
}

/* By the common name and the URI; a peer with neither, by its other names. */
static void the_name_that_tells_most_is_told(void **state)
{
    static const struct gw_handshake_holder nobody;
    (void)state;
    struct gw_identity id = {.present = true};
    assert_string_equal(note_line(&id, &nobody), "\n");
    add_name(&id, GW_NAME_IP, "192.0.2.1");
    assert_string_equal(note_line(&id, &nobody), " ip=192.0.2.1\n");
    add_name(&id, GW_NAME_EMAIL, "a@b");
    assert_string_equal(note_line(&id, &nobody), " email=a@b\n");
    add_name(&id, GW_NAME_DNS, "a.test");
    add_name(&id, GW_NAME_DNS, "b.test");
    assert_string_equal(note_line(&id, &nobody), " dns=a.test\n");
    add_name(&id, GW_NAME_URI, "spiffe://t/a");
    assert_string_equal(note_line(&id, &nobody), " uri=spiffe://t/a\n");
    id = alice();
    add_name(&id, GW_NAME_DNS, "a.test");
    add_name(&id, GW_NAME_URI, "spiffe://t/a");
    assert_string_equal(note_line(&id, &nobody), " serial=01AB fingerprint=cafe cn=\"Alice "
                                                 "Example\" uri=spiffe://t/a\n");
}

static void an_unusable_name_is_told(void **state)
{
    static const struct gw_handshake_holder nobody;
    struct gw_identity id = {.present = true};
    (void)state;
    gw_identity_add_unusable(&id, GW_NAME_DNS, "a b\n", 4, "it contains a blank");
    assert_string_equal(note_line(&id, &nobody), " unusable=\"dns 'a b?': it contains a blank\"\n");
    gw_identity_add_unusable(&id, GW_NAME_URI, "x", 1, "another");
    gw_identity_add_unusable(&id, GW_NAME_URI, "x", 1, "another");
    assert_string_equal(note_line(&id, &nobody),
                        " unusable=\"dns 'a b?': it contains a blank (and 2 more)\"\n");
    gw_identity_add_unusable(&id, GW_NAME_IP, "", 0, "it decides");
    assert_string_equal(note_line(&id, &nobody), " unusable=\"ip '': it decides (and 3 more)\"\n");
}

/* Texts of maximum length, each byte of which the log escapes: the line stays whole, and so do the
 * fields before them. */
static void long_names_cut_only_themselves(void **state)
{
    static const char *const units[] = {"a", "\"",
                                        "\xe2\x80\xae"}; /* the last turns a line round */
    char name[1000];
    struct gw_handshake_holder names;
    (void)state;
    for (size_t fill = 0; fill < GW_ARRAY_SIZE(units); fill++) {
        for (size_t i = 0; i < sizeof(name) - 1; i++)
            name[i] = units[fill][i % strlen(units[fill])];
        name[sizeof(name) - 1] = '\0';
        memcpy(names.subject, name, 255);
        memcpy(names.issuer, name, 255);
        names.subject[255] = names.issuer[255] = '\0';
        struct gw_identity id = {.present = true, .serial = "01AB", .fingerprint = "cafe"};
        add_name(&id, GW_NAME_CN, name);
        add_name(&id, GW_NAME_URI, name);
        gw_identity_add_unusable(&id, GW_NAME_DNS, name, strlen(name), "of the test");
        const char *line = note_line(&id, &names);
        assert_ptr_equal(strstr(line, " serial=01AB fingerprint=cafe cn="), line);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        assert_non_null(strstr(line, " unusable="));
    }
}

static void what_is_no_note_is_not_told(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *told;
    } rows[] = {
        {"\2alice\0", 7, " cn=alice\n"}, {"\2alice", 6, "\n"},          {"\2", 1, "\n"},
        {"\2\0", 2, " cn=\"\"\n"},       {"\77alice\0", 7, "\n"},       {"\377\0", 2, "\n"},
        {"\2a\0\3", 4, " cn=a\n"},       {"\2a\0\12b\0", 6, " cn=a\n"},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_line line;
        struct gw_entry_conn entry;
        size_t len = gw_entry_conn_make(&entry, &full, NULL);
        memcpy(entry.note, rows[i].bytes, rows[i].len);
        assert_true(gw_entry_format(&entry, len + rows[i].len, GW_LOG_TEXT, 0, &line));
        assert_string_equal(strstr(line.text, "=1.500") + strlen("=1.500"), rows[i].told);
    }
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
        size_t len = gw_entry_conn_make(&conn, &full, NULL);
        conn.kind = kinds[i];
        assert_false(gw_entry_format(&conn, len, GW_LOG_TEXT, 0, &line));
    }
    size_t whole = gw_entry_conn_make(&conn, &full, NULL);
    for (size_t len = 1; len < whole; len++)
        assert_false(gw_entry_format(&conn, len, GW_LOG_TEXT, 0, &line));
    big[0] = GW_ENTRY_CONN;
    assert_false(gw_entry_format(big, sizeof(conn) + 1, GW_LOG_TEXT, 0, &line));
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
        size_t head = offsetof(struct gw_entry_conn, note);
        size_t len = round % 2 ? head + (size_t)random() % 64 : 1 + (size_t)random() % 1100;
        uint8_t *entry = malloc(len); /* of its own, so that a read behind it is seen */
        assert_non_null(entry);
        for (size_t i = 0; i < len; i++)
            entry[i] = (uint8_t)random();
        for (size_t i = head; i < len; i += 1 + (size_t)random() % 9)
            entry[i] = (uint8_t)(random() % 12); /* like a note */
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
        cmocka_unit_test(strangers_are_those_who_proved_nothing),
        cmocka_unit_test(empty_fields_are_left_out),
        cmocka_unit_test(errors_are_warnings),
        cmocka_unit_test(message_of_a_worker),
        cmocka_unit_test(longest_message_fits),
        cmocka_unit_test(the_name_that_tells_most_is_told),
        cmocka_unit_test(an_unusable_name_is_told),
        cmocka_unit_test(long_names_cut_only_themselves),
        cmocka_unit_test(what_is_no_note_is_not_told),
        cmocka_unit_test(malformed_entries_are_no_lines),
        cmocka_unit_test(unended_texts_are_ended),
        cmocka_unit_test(made_up_numbers_are_clamped),
        cmocka_unit_test(names_cannot_forge_a_line),
        cmocka_unit_test(random_entries_are_harmless),
    };
    return cmocka_run_group_tests_name("conn_report", tests, NULL, NULL);
}
