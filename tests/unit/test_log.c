/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/log: the exact lines, and that nothing in a value can break or forge one. */
#include "gateway/base/log.h"

#include "gateway/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* 2026-11-21T03:50:00.123456789Z */
#define TIME_NS INT64_C(1795233000123456789)

static void begin(struct gw_line *line, enum gw_log_format format, const char *message)
{
    gw_line_begin(line, format, TIME_NS, GW_LOG_INFO, 2, message);
}

static void some_fields(struct gw_line *line)
{
    gw_line_str(line, "key", "value");
    gw_line_str(line, "spaced", "with space");
    gw_line_u64(line, "n", UINT64_MAX);
    gw_line_milli(line, "ms", 1500);
    gw_line_milli(line, "us", 7);
    gw_line_str(line, "empty", "");
    gw_line_end(line);
}

static void text_line(void **state)
{
    (void)state;
    struct gw_line line;
    begin(&line, GW_LOG_TEXT, "message");
    some_fields(&line);
    assert_string_equal(line.text, "2026-11-21T03:50:00.123Z info worker=2 message key=value "
                                   "spaced=\"with space\" n=18446744073709551615 ms=1.500 us=0.007 "
                                   "empty=\"\"\n");
    assert_int_equal(line.len, strlen(line.text));
}

static void json_line(void **state)
{
    (void)state;
    struct gw_line line;
    begin(&line, GW_LOG_JSON, "message");
    some_fields(&line);
    assert_string_equal(line.text,
                        "{\"time\":\"2026-11-21T03:50:00.123Z\",\"level\":\"info\",\"worker\":2,"
                        "\"message\":\"message\",\"key\":\"value\",\"spaced\":\"with space\","
                        "\"n\":18446744073709551615,\"ms\":1.500,\"us\":0.007,\"empty\":\"\"}\n");
    assert_int_equal(line.len, strlen(line.text));
}

static void master_has_no_worker(void **state)
{
    (void)state;
    struct gw_line line;
    gw_line_begin(&line, GW_LOG_TEXT, 0, GW_LOG_ERROR, -1, "m");
    gw_line_end(&line);
    assert_string_equal(line.text, "1970-01-01T00:00:00.000Z error m\n");
    gw_line_begin(&line, GW_LOG_JSON, 0, GW_LOG_WARNING, -1, "m");
    gw_line_end(&line);
    assert_string_equal(line.text, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warning\","
                                   "\"message\":\"m\"}\n");
}

static void any_time_is_printed(void **state)
{
    (void)state;
    struct gw_line line;
    gw_line_begin(&line, GW_LOG_TEXT, -1, GW_LOG_DEBUG, -1, "m");
    gw_line_end(&line);
    assert_string_equal(line.text, "1969-12-31T23:59:59.999Z debug m\n");
    gw_line_begin(&line, GW_LOG_TEXT, INT64_MIN, (enum gw_log_level)99, -1, "m");
    gw_line_end(&line);
    assert_string_equal(line.text, "1677-09-21T00:12:43.145Z ? m\n");
    gw_line_begin(&line, GW_LOG_TEXT, INT64_MAX, GW_LOG_INFO, -1, "m");
    gw_line_end(&line);
    assert_string_equal(line.text, "2262-04-11T23:47:16.854Z info m\n");
}

static const struct {
    const char *value;
    const char *text; /* what stands behind "k=" */
    const char *json; /* what stands behind "k": */
} escapes[] = {
    {"plain", "plain", "\"plain\""},
    {"a=b", "\"a=b\"", "\"a=b\""},
    {"say \"x\"", "\"say \\\"x\\\"\"", "\"say \\\"x\\\"\""},
    {"a\\b", "\"a\\\\b\"", "\"a\\\\b\""},
    {"a\nb\r\t", "\"a\\u000ab\\u000d\\u0009\"", "\"a\\u000ab\\u000d\\u0009\""},
    {"\x1b[2J", "\"\\u001b[2J\"", "\"\\u001b[2J\""},
    {"\x7f", "\"\\u007f\"", "\"\\u007f\""},
    {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"", "\"gr\xc3\xbc\xc3\x9f\""},
    {"\xe2\x82\xac", "\"\xe2\x82\xac\"", "\"\xe2\x82\xac\""},
    {"\xf0\x9f\x94\x92", "\"\xf0\x9f\x94\x92\"", "\"\xf0\x9f\x94\x92\""},
    /* not UTF-8: a lone byte, cut off, too long a form, a surrogate, above U+10FFFF */
    {"\xff", "\"\\u00ff\"", "\"\\u00ff\""},
    {"\x80x", "\"\\u0080x\"", "\"\\u0080x\""},
    {"\xe2\x82", "\"\\u00e2\\u0082\"", "\"\\u00e2\\u0082\""},
    {"\xc0\xaf", "\"\\u00c0\\u00af\"", "\"\\u00c0\\u00af\""},
    {"\xe0\x80\xaf", "\"\\u00e0\\u0080\\u00af\"", "\"\\u00e0\\u0080\\u00af\""},
    {"\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"", "\"\\u00ed\\u00a0\\u0080\""},
    {"\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\"", "\"\\u00f4\\u0090\\u0080\\u0080\""},
    /* UTF-8 that a terminal obeys: CSI, zero width, line separator, right to left */
    {"\xc2\x9b", "\"\\u009b\"", "\"\\u009b\""},
    {"\xe2\x80\x8b", "\"\\u200b\"", "\"\\u200b\""},
    {"\xe2\x80\xa8", "\"\\u2028\"", "\"\\u2028\""},
    {"\xe2\x80\xae", "\"\\u202e\"", "\"\\u202e\""},
    {"\xef\xbb\xbf", "\"\\ufeff\"", "\"\\ufeff\""},
};

static void values_are_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(escapes); i++) {
        struct gw_line line;
        char want[128];
        begin(&line, GW_LOG_TEXT, "m");
        gw_line_str(&line, "k", escapes[i].value);
        (void)snprintf(want, sizeof(want), " m k=%s", escapes[i].text);
        line.text[line.len] = '\0';
        assert_string_equal(line.text + line.len - strlen(want), want);
        begin(&line, GW_LOG_JSON, "m");
        gw_line_str(&line, "k", escapes[i].value);
        (void)snprintf(want, sizeof(want), "\"message\":\"m\",\"k\":%s", escapes[i].json);
        line.text[line.len] = '\0';
        assert_string_equal(line.text + line.len - strlen(want), want);
    }
}

static void message_cannot_begin_a_line(void **state)
{
    (void)state;
    struct gw_line line;
    begin(&line, GW_LOG_TEXT, "one\n2026 error two");
    gw_line_end(&line);
    assert_string_equal(line.text,
                        "2026-11-21T03:50:00.123Z info worker=2 one\\u000a2026 error two\n");
}

/* ---- cut lines ---- */

static void assert_ends(const struct gw_line *line, const char *end)
{
    size_t len = strlen(end);
    assert_true(line->len < sizeof(line->text) && line->len >= len);
    assert_int_equal(line->text[line->len], '\0');
    assert_int_equal(strlen(line->text), line->len);
    assert_string_equal(line->text + line->len - len, end);
}

static void long_value_is_cut(void **state)
{
    (void)state;
    struct gw_line line;
    char big[GW_LOG_LINE_MAX + 1] = {0};
    memset(big, 'a', sizeof(big) - 1);
    begin(&line, GW_LOG_TEXT, "m");
    gw_line_str(&line, "big", big);
    gw_line_str(&line, "left_out", "x");
    gw_line_u64(&line, "left_out", 1);
    gw_line_end(&line);
    assert_ends(&line, "aaa… cut=true\n");
    assert_null(strstr(line.text, "left_out"));
    begin(&line, GW_LOG_JSON, "m");
    gw_line_str(&line, "big", big);
    gw_line_str(&line, "left_out", "x");
    gw_line_u64(&line, "left_out", 1);
    gw_line_end(&line);
    assert_ends(&line, "aaa…\",\"cut\":true}\n");
    assert_null(strstr(line.text, "left_out"));
}

static void long_message_is_cut(void **state)
{
    (void)state;
    struct gw_line line;
    char big[GW_LOG_LINE_MAX + 1] = {0};
    memset(big, '\x01', sizeof(big) - 1);
    begin(&line, GW_LOG_TEXT, big);
    gw_line_end(&line);
    assert_ends(&line, "\\u0001… cut=true\n"); /* never half an escape */
    begin(&line, GW_LOG_JSON, big);
    gw_line_end(&line);
    assert_ends(&line, "\\u0001…\",\"cut\":true}\n");
}

/* Two values of every length around the end of the line: wherever the cut falls, the line stays
 * inside its bounds, is whole, and says that it was cut if and only if something is missing. */
static void every_cut_is_well_formed(void **state)
{
    (void)state;
    char value[GW_LOG_LINE_MAX + 1];
    for (int format = GW_LOG_TEXT; format <= GW_LOG_JSON; format++) {
        for (size_t n = GW_LOG_LINE_MAX - 300; n < GW_LOG_LINE_MAX; n++) {
            struct gw_line line;
            memset(value, 'v', n);
            value[n] = '\0';
            begin(&line, (enum gw_log_format)format, "m");
            gw_line_str(&line, "a", value);
            gw_line_str(&line, "b", "two words \xe2\x82\xac");
            gw_line_milli(&line, "c", 1);
            gw_line_end(&line);
            bool whole = strstr(line.text, "words \xe2\x82\xac\"") && strstr(line.text, "0.001");
            assert_int_equal(strstr(line.text, "cut") == NULL, whole);
            assert_ends(&line, format == GW_LOG_JSON ? "}\n" : "\n");
            size_t quotes = 0;
            for (const char *s = line.text; *s; s++)
                quotes += *s == '"';
            assert_int_equal(quotes % 2, 0);
        }
    }
}

/* ---- the process's log ---- */

struct heard {
    int count;
    enum gw_log_level level;
    char message[GW_LOG_MESSAGE_MAX];
};

static void hear(void *arg, enum gw_log_level level, const char *message)
{
    struct heard *h = arg;
    h->count++;
    h->level = level;
    (void)snprintf(h->message, sizeof(h->message), "%s", message);
}

static void sink_gets_what_the_level_lets_through(void **state)
{
    (void)state;
    struct heard heard = {0};
    char big[2 * GW_LOG_MESSAGE_MAX] = {0};
    struct gw_log_config config = {
        .level = GW_LOG_WARNING, .worker = 3, .sink = hear, .arg = &heard};
    memset(big, 'b', sizeof(big) - 1);
    gw_log_setup(&config);
    gw_log(GW_LOG_INFO, "not %s", "this");
    assert_int_equal(heard.count, 0);
    assert_false(gw_log_wanted(GW_LOG_INFO));
    gw_log(GW_LOG_WARNING, "but %d", 7);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.level, GW_LOG_WARNING);
    assert_string_equal(heard.message, "but 7");
    gw_log(GW_LOG_ERROR, "%s", big);
    assert_int_equal(strlen(heard.message), GW_LOG_MESSAGE_MAX - 1);
}

static void without_a_sink_lines_go_to_descriptor_2(void **state)
{
    (void)state;
    char out[256] = {0};
    int fds[2];
    struct gw_log_config config = {.level = GW_LOG_INFO, .format = GW_LOG_JSON, .worker = -1};
    gw_log_setup(&config);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0 && dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
    gw_log(GW_LOG_INFO, "to \"%s\"", "people");
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    ssize_t len = read(fds[0], out, sizeof(out) - 1);
    gw_fd_close(&saved);
    gw_fd_close(&fds[0]);
    gw_fd_close(&fds[1]);
    assert_true(len > 0);
    assert_int_equal(strncmp(out, "{\"time\":\"20", 11), 0);
    assert_string_equal(strstr(out, "\"level\""),
                        "\"level\":\"info\",\"message\":\"to \\\"people\\\"\"}\n");
}

/* Fills the pipe until it takes no more, and leaves it blocking. */
static void fill(int fd)
{
    char page[4096];
    memset(page, '-', sizeof(page));
    int flags = fcntl(fd, F_GETFL);
    assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    while (write(fd, page, sizeof(page)) > 0)
        ;
    assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
}

static void a_reader_that_stopped_does_not_stop_us(void **state)
{
    (void)state;
    static char out[1 << 17];
    int fds[2];
    struct gw_log_config config = {.level = GW_LOG_INFO, .format = GW_LOG_TEXT, .worker = -1};
    gw_log_setup(&config);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0 && dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
    fill(fds[1]);
    gw_log(GW_LOG_INFO, "first");
    gw_log(GW_LOG_INFO, "second");
    bool ready = gw_log_ready(0);
    ssize_t drained = read(fds[0], out, sizeof(out) - 1);
    gw_log(GW_LOG_INFO, "third");
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    assert_false(ready);
    assert_true(drained > 0);
    ssize_t len = read(fds[0], out, sizeof(out) - 1);
    gw_fd_close(&saved);
    gw_fd_close(&fds[0]);
    gw_fd_close(&fds[1]);
    assert_true(len > 0);
    out[len] = '\0';
    assert_null(strstr(out, "first"));
    assert_non_null(strstr(out, " warning the log could not be written: 2 lines are lost\n"));
    assert_non_null(strstr(out, " info third\n"));
}

static void words_end_with_null(void **state)
{
    (void)state;
    assert_string_equal(gw_log_level_word(GW_LOG_DEBUG), "debug");
    assert_null(gw_log_level_word((enum gw_log_level)(GW_LOG_DEBUG + 1)));
    assert_null(gw_log_level_word((enum gw_log_level) - 1));
    assert_string_equal(gw_log_format_word(GW_LOG_JSON), "json");
    assert_null(gw_log_format_word((enum gw_log_format)(GW_LOG_JSON + 1)));
    assert_null(gw_log_format_word((enum gw_log_format)1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_line),
        cmocka_unit_test(json_line),
        cmocka_unit_test(master_has_no_worker),
        cmocka_unit_test(any_time_is_printed),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(message_cannot_begin_a_line),
        cmocka_unit_test(long_value_is_cut),
        cmocka_unit_test(long_message_is_cut),
        cmocka_unit_test(every_cut_is_well_formed),
        cmocka_unit_test(sink_gets_what_the_level_lets_through),
        cmocka_unit_test(without_a_sink_lines_go_to_descriptor_2),
        cmocka_unit_test(a_reader_that_stopped_does_not_stop_us),
        cmocka_unit_test(words_end_with_null),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
