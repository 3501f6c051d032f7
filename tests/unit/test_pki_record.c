/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/pki/record: written records are read again; any other text is reported as damage. */
#include "gateway/pki/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "ktlsgate certificate record 1\nserial 4f0c1234567890abcdef1234567890ab\n"
#define WHO "kind server\nname gate.test\n"
#define WHAT "key-type ecdsa-p256\ndays 90\n"
#define WHEN "issued 2026-11-21T10:14:09Z\nexpires 2027-02-19T10:14:09Z\n"
#define NAMES "dns gate.test\nip 192.0.2.1\ndns b.test\n"
#define REPLACES "replaces 41d21234567890abcdef1234567890ab\n"
#define REVOKED "revoked 2026-11-22T08:00:00Z keyCompromise\n"
#define WHOLE HEAD WHO "ou my unit\n" WHAT WHEN NAMES REPLACES REVOKED "end\n"

static int read_record(struct gw_pki_record *r, const char *text, size_t len, struct gw_error *err)
{
    struct gw_pki_text t = {.data = NULL};
    assert_int_equal(gw_pki_text_add(&t, text, len), 0);
    int error = gw_pki_record_read(r, &t, "DIR/record.txt", err);
    assert_null(t.data);
    return error;
}

static void reads_and_writes_all_lines(void **state gw_unused)
{
    struct gw_error err = {.text = ""};
    struct gw_pki_record r;
    struct gw_pki_text out = {.data = NULL};
    if (read_record(&r, WHOLE, strlen(WHOLE), &err))
        fail_msg("%s", err.text);
    assert_string_equal(r.serial.text, "4f0c1234567890abcdef1234567890ab");
    assert_string_equal(r.request.name, "gate.test");
    assert_string_equal(r.request.ou, "my unit");
    assert_int_equal(r.request.san_count, 3);
    assert_string_equal(r.request.sans[2].text, "b.test");
    assert_int_equal(r.reason, GW_PKI_REASON_KEY_COMPROMISE);
    assert_int_equal(r.issued, 1795256049);
    assert_int_equal(gw_pki_record_write(&out, &r), 0);
    assert_string_equal(out.data, WHOLE);
    gw_pki_text_done(&out);
    gw_pki_record_done(&r);
}

static void optional_lines_may_be_missing(void **state gw_unused)
{
    static const char *const texts[] = {
        HEAD WHO WHAT WHEN NAMES "end\n",
        HEAD WHO WHAT WHEN NAMES REPLACES "end\n",
        HEAD WHO WHAT WHEN NAMES REVOKED "end\n",
        HEAD "kind client\nname alice\n" WHAT WHEN "end\n",
    };
    struct gw_error err = {.text = ""};
    for (size_t i = 0; i < GW_ARRAY_SIZE(texts); i++) {
        struct gw_pki_record r;
        struct gw_pki_text out = {.data = NULL};
        if (read_record(&r, texts[i], strlen(texts[i]), &err))
            fail_msg("%s", err.text);
        assert_int_equal(gw_pki_record_write(&out, &r), 0);
        assert_string_equal(out.data, texts[i]);
        gw_pki_text_done(&out);
        gw_pki_record_done(&r);
    }
}

static void damaged(const char *text, size_t len, const char *words)
{
    struct gw_error err = {.text = ""};
    struct gw_pki_record r;
    if (!read_record(&r, text, len, &err))
        print_error("taken: %s\n", text);
    assert_int_equal(err.exit, GW_EXIT_START);
    assert_int_equal(strncmp(err.text, "DIR/record.txt: ", 16), 0);
    if (!strstr(err.text, words))
        print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, words));
    gw_pki_record_done(&r);
}

static void damage_is_told_with_its_line(void **state gw_unused)
{
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"", "line 1;"},
        {"ktlsgate certificate record 2\n", "line 1;"},
        {HEAD, "line 3;"},
        {HEAD WHO WHAT WHEN NAMES, "line 12;"},
        {HEAD WHO WHAT WHEN NAMES "end", "line 12;"},
        {HEAD WHO WHAT WHEN NAMES "end\nend\n", "line 12;"},
        {HEAD WHO WHAT WHEN NAMES "end \n", "line 12;"},
        {HEAD WHO WHAT WHEN NAMES "end x\n", "line 12;"},
        {HEAD WHO WHAT WHEN NAMES "more x\nend\n", "line 12;"},
        {HEAD WHO WHO WHAT WHEN NAMES "end\n", "line 5;"},
        {HEAD "name gate.test\nkind server\n" WHAT WHEN NAMES "end\n", "line 3;"},
        {HEAD "kind root\nname gate.test\n" WHAT WHEN NAMES "end\n", "line 3;"},
        {HEAD "kind server\nname\n" WHAT WHEN NAMES "end\n", "line 4;"},
        {HEAD WHO "key-type rsa-512\ndays 90\n" WHEN NAMES "end\n", "line 5;"},
        {HEAD WHO "key-type ecdsa-p256\ndays 9x\n" WHEN NAMES "end\n", "line 6;"},
        {HEAD WHO "key-type ecdsa-p256\ndays 090\n" WHEN NAMES "end\n", "line 6;"},
        {HEAD WHO "key-type ecdsa-p256\ndays 99999999999\n" WHEN NAMES "end\n", "line 6;"},
        {HEAD WHO WHAT "issued 2026-02-31T10:14:09Z\n", "line 7;"},
        {HEAD WHO WHAT "issued 2026-11-21 10:14:09Z\n", "line 7;"},
        {HEAD WHO WHAT WHEN "replaces x\nend\n", "line 9;"},
        {HEAD WHO WHAT WHEN NAMES "revoked 2026-11-22T08:00:00Z\nend\n", "line 12;"},
        {HEAD WHO WHAT WHEN NAMES "revoked 2026-11-22T08:00:00Z why\nend\n", "line 12;"},
        {HEAD WHO WHAT WHEN NAMES "revoked 1970-01-01T00:00:00Z superseded\nend\n", "line 12;"},
        {HEAD WHO WHAT WHEN NAMES REVOKED REPLACES "end\n", "line 13;"},
        {"ktlsgate certificate record 1\nserial ../../x\n", "line 2;"},
        {HEAD "kind server\nname ../x\n" WHAT WHEN NAMES "end\n", "contradict each other"},
        {HEAD WHO WHAT WHEN "dns a b\nend\n", "contradict each other"},
        {HEAD WHO WHAT WHEN "end\n", "contradict each other"}, /* a server without names */
        {HEAD WHO WHAT "issued 2026-11-21T10:14:09Z\nexpires 2025-11-21T10:14:09Z\n" NAMES "end\n",
         "contradict each other"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        damaged(rows[i].text, strlen(rows[i].text), rows[i].words);
    damaged(HEAD WHO "\0\n" WHAT WHEN NAMES "end\n",
            sizeof(HEAD WHO "\0\n" WHAT WHEN NAMES "end\n") - 1, "line 5;");
}

/* A file cut short anywhere, as by a full disk, is never taken for a record. */
static void no_beginning_of_a_record_is_one(void **state gw_unused)
{
    for (size_t len = 0; len < strlen(WHOLE); len++)
        damaged(WHOLE, len, "damaged");
}

static void states_follow_from_record_and_time(void **state gw_unused)
{
    struct gw_pki_record r = {.issued = 1000, .expires = 2000};
    assert_int_equal(gw_pki_record_state(&r, 1999), GW_PKI_ACTIVE);
    assert_int_equal(gw_pki_record_state(&r, 2000), GW_PKI_EXPIRED);
    r.replaced = true;
    assert_int_equal(gw_pki_record_state(&r, 1999), GW_PKI_REPLACED);
    assert_int_equal(gw_pki_record_state(&r, 2000), GW_PKI_EXPIRED);
    r.revoked = 1500;
    assert_int_equal(gw_pki_record_state(&r, 1999), GW_PKI_REVOKED);
    assert_int_equal(gw_pki_record_state(&r, 2000), GW_PKI_REVOKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_all_lines),
        cmocka_unit_test(optional_lines_may_be_missing),
        cmocka_unit_test(damage_is_told_with_its_line),
        cmocka_unit_test(no_beginning_of_a_record_is_one),
        cmocka_unit_test(states_follow_from_record_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
