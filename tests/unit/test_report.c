/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/main/report: the same facts as text and as JSON. */
#include "gateway/main/report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void tell_everything(struct gw_report *r)
{
    gw_report_string(r, "first", "First", "a \"quoted\" \\ value\n\x1b[31m");
    gw_report_section(r, "TLS 1.2 part", "A part");
    gw_report_string(r, "utf8", "Bytes", "\xc3\xa9 \xc3 \xe2\x82");
    gw_report_number(r, "n", "Number", 42, "bytes");
    gw_report_number(r, "none", "No limit", UINT64_MAX, "bytes");
    gw_report_bool(r, "b", "Bool", true);
    gw_report_hint(r, "do this");
    gw_report_section(r, "empty", "Nothing");
    gw_report_section(r, "trials", "Trials");
    gw_report_trial(r, "good", "Good", (struct ktls_trial){.works = true}, "unused");
    gw_report_trial(r, "bad", "Bad", (struct ktls_trial){.error = EBUSY}, NULL);
    gw_report_trial(r, "odd", "Odd", (struct ktls_trial){.error = EBADMSG}, "wrong bytes");
    gw_report_trial(r, "not", "Not", (struct ktls_trial){0}, NULL);
}

static void assert_told(bool json, const char *want)
{
    char *text = NULL;
    size_t len = 0;
    struct gw_report r;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    gw_report_begin(&r, out, json);
    tell_everything(&r);
    assert_int_equal(gw_report_end(&r), 0);
    (void)fclose(out);
    assert_string_equal(text, want);
    free(text);
}

static void json(void **state)
{
    (void)state;
    assert_told(true, "{\n"
                      "  \"first\": \"a \\\"quoted\\\" \\\\ value\\u000a\\u001b[31m\",\n"
                      "  \"tls_1_2_part\": {\n"
                      "    \"utf8\": \"\xc3\xa9 \\ufffd \\ufffd\\ufffd\",\n"
                      "    \"n\": 42,\n"
                      "    \"none\": null,\n"
                      "    \"b\": true\n"
                      "  },\n"
                      "  \"empty\": {\n"
                      "  },\n"
                      "  \"trials\": {\n"
                      "    \"good\": {\"works\": true},\n"
                      "    \"bad\": {\"works\": false, \"error\": \"EBUSY\", \"why\": \"Device or "
                      "resource busy\"},\n"
                      "    \"odd\": {\"works\": false, \"error\": \"EBADMSG\", \"why\": \"wrong "
                      "bytes\"},\n"
                      "    \"not\": {\"works\": false, \"why\": \"not tried\"}\n"
                      "  }\n"
                      "}\n");
}

static void text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"First", "a \"quoted\" \\ value??[31m"},
        {NULL, "A part"},
        {"Bytes", "\xc3\xa9 \xc3 \xe2\x82"},
        {"Number", "42 bytes"},
        {"No limit", "unlimited"},
        {"Bool", "yes"},
        {"", "do this"},
        {NULL, "Nothing"},
        {NULL, "Trials"},
        {"Good", "yes"},
        {"Bad", "no: Device or resource busy"},
        {"Odd", "no: wrong bytes"},
        {"Not", "no: not tried"},
    };
    char want[2048] = "";
    size_t n = 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        n += (size_t)(rows[i][0] ? snprintf(want + n, sizeof(want) - n, "  %-40s %s\n", rows[i][0],
                                            rows[i][1])
                                 : snprintf(want + n, sizeof(want) - n, "\n%s\n", rows[i][1]));
    assert_told(false, want);
}

static void full_disk_is_an_error(void **state)
{
    (void)state;
    struct gw_report r;
    FILE *out = fopen("/dev/full", "we");
    assert_non_null(out);
    gw_report_begin(&r, out, true);
    tell_everything(&r);
    assert_int_equal(gw_report_end(&r), -EIO);
    (void)fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),
        cmocka_unit_test(text),
        cmocka_unit_test(full_disk_is_an_error),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
