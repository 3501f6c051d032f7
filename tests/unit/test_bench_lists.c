/* SPDX-License-Identifier: Apache-2.0 */
/* bench/tool/lists: values that are lists, and the command line as one could type it again. */
#include "bench/tool/lists.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void sizes_ascend_up_to_a_record(void **state)
{
    (void)state;
    struct bench_sizes sizes = {.count = 0};
    const char *why;
    assert_int_equal(bench_lists_sizes("64,1k,16k", &sizes, &why), 0);
    assert_int_equal(sizes.count, 3);
    assert_int_equal(sizes.list[0], 64);
    assert_int_equal(sizes.list[1], 1024);
    assert_int_equal(sizes.list[2], 16384);
}

static void bad_sizes_change_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        ",",
        "1,",
        ",1",
        "0",
        "16385",
        "64,64",
        "64,32",
        "1,,2",
        "one",
        "1,2,3,4,5,6,7,8,9",
        "00000000000000000000000000000000000001",
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++) {
        struct bench_sizes sizes = {.list = {7}, .count = 1};
        const char *why = NULL;
        assert_int_equal(bench_lists_sizes(bad[i], &sizes, &why), -EINVAL);
        assert_non_null(why);
        assert_int_equal(sizes.count, 1);
        assert_int_equal(sizes.list[0], 7);
    }
}

static void words_are_a_set(void **state)
{
    static const char *const words[] = {"one", "two", "three", NULL};
    static const char *const bad[] = {"", "four", "one,", "one,four", "on", "onee"};
    (void)state;
    unsigned set = 0;
    const char *why;
    assert_int_equal(bench_lists_words("three,one,three", words, &set, &why), 0);
    assert_int_equal(set, 5);
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++) {
        assert_int_equal(bench_lists_words(bad[i], words, &set, &why), -EINVAL);
        assert_int_equal(set, 5);
    }
}

static void a_line_is_what_a_shell_takes(void **state)
{
    char plain[] = "bulk", flag[] = "--target=[::1]:8443", odd[] = "it's $HOME", empty[] = "";
    char *argv[] = {plain, flag, odd, empty};
    char line[BENCH_LINE_MAX];
    (void)state;
    bench_lists_line(2, argv, line);
    assert_string_equal(line, "ktlsgate-bench bulk '--target=[::1]:8443'");
    bench_lists_line(4, argv, line);
    assert_string_equal(line, "ktlsgate-bench bulk '--target=[::1]:8443' 'it'\\''s $HOME' ''");
}

static void a_line_that_is_too_long_is_cut(void **state)
{
    static char word[2 * BENCH_LINE_MAX];
    char *argv[] = {word, word};
    char line[BENCH_LINE_MAX];
    (void)state;
    memset(word, 'x', sizeof(word) - 1);
    bench_lists_line(2, argv, line);
    assert_int_equal(strlen(line), BENCH_LINE_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_ascend_up_to_a_record),
        cmocka_unit_test(bad_sizes_change_nothing),
        cmocka_unit_test(words_are_a_set),
        cmocka_unit_test(a_line_is_what_a_shell_takes),
        cmocka_unit_test(a_line_that_is_too_long_is_cut),
    };
    return cmocka_run_group_tests_name("bench_lists", tests, NULL, NULL);
}
