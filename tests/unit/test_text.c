/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/text: pieces follow each other, and what does not fit is cut off, not written. */
#include "gateway/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
    SIZE = 8,
    GUARD = 0x5a,
};

static void pieces_follow_each_other(void **state)
{
    char room[SIZE];
    struct gw_text t = gw_text_in(room, sizeof(room));
    (void)state;
    assert_string_equal(room, "");
    gw_text_append(&t, "a%d", 1);
    gw_text_append(&t, "%s", "");
    gw_text_append(&t, "%s", "bcde");
    assert_string_equal(room, "a1bcde");
}

static void what_does_not_fit_is_cut_off(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZE; size++) {
        char room[SIZE + 1];
        memset(room, GUARD, sizeof(room));
        struct gw_text t = gw_text_in(room, size);
        for (int i = 0; i < 5; i++)
            gw_text_append(&t, "%s", "abc");
        assert_memory_equal(room, "abcabcabc", size - 1);
        assert_ptr_equal(t.at, &room[size - 1]);
        assert_int_equal(room[size - 1], '\0');
        for (size_t i = size; i < sizeof(room); i++)
            assert_int_equal(room[i], GUARD);
    }
}

static void a_cut_is_marked(void **state)
{
    static const struct {
        const char *text;
        const char *copy;
    } rows[] = {
        {NULL, ""},
        {"", ""},
        {"abcdefg", "abcdefg"},
        {"abcdefgh", "abcd..."},
        {"abc\xc3\xa4xyz", "abc..."}, /* not between the bytes of a character */
        {"ab\xc3\xa4xyzz", "ab\xc3\xa4..."},
        {"\x80\x80\x80\x80\x80\x80\x80\x80", "..."}, /* of none */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char room[SIZE + 1];
        memset(room, GUARD, sizeof(room));
        gw_text_copy(room, SIZE, rows[i].text);
        assert_string_equal(room, rows[i].copy);
        assert_int_equal(room[SIZE], GUARD);
    }
}

static void dates_are_for_people(void **state)
{
    char room[GW_TEXT_DATE];
    (void)state;
    assert_string_equal(gw_text_date(0, room), "1970-01-01 00:00 UTC");
    assert_string_equal(gw_text_date(INT64_C(1795235099), room), "2026-11-21 04:24 UTC");
    assert_string_equal(gw_text_date(INT64_C(253402300799), room), "9999-12-31 23:59 UTC");
    assert_string_equal(gw_text_date(INT64_MAX, room), "an unreadable date");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_follow_each_other),
        cmocka_unit_test(what_does_not_fit_is_cut_off),
        cmocka_unit_test(a_cut_is_marked),
        cmocka_unit_test(dates_are_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
