/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/units and cpus: numbers as people write them. */
#include "gateway/config/units.h"

#include "gateway/config/cpus.h"
#include "gateway/config/spelling.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define S (1000 * MS)

struct row {
    const char *text;
    int error;
    uint64_t value;
};

static const struct row counts[] = {
    {"0", 0, 0},
    {"1", 0, 1},
    {"007", 0, 7},
    {"18446744073709551615", 0, UINT64_MAX},
    {"18446744073709551616", -ERANGE, 0},
    {"99999999999999999999999999", -ERANGE, 0},
    {"", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"+1", -EINVAL, 0},
    {" 1", -EINVAL, 0},
    {"1 ", -EINVAL, 0},
    {"1.5", -EINVAL, 0},
    {"0x10", -EINVAL, 0},
    {"ten", -EINVAL, 0},
};

static const struct row durations[] = {
    {"0", 0, 0},
    {"0s", 0, 0},
    {"1ms", 0, 1 * MS},
    {"500ms", 0, 500 * MS},
    {"10s", 0, 10 * S},
    {"5m", 0, 300 * S},
    {"1h", 0, 3600 * S},
    {"2562047h", 0, UINT64_C(2562047) * 3600 * S},
    {"2562048h", -ERANGE, 0}, /* past INT64_MAX nanoseconds */
    {"9999999999999h", -ERANGE, 0},
    {"99999999999999999999s", -ERANGE, 0},
    {"10", -EINVAL, 0},
    {"", -EINVAL, 0},
    {"s", -EINVAL, 0},
    {"-1s", -EINVAL, 0},
    {"1.5s", -EINVAL, 0},
    {"1d", 0, 86400 * S},
    {"1w", -EINVAL, 0},
    {"1S", -EINVAL, 0},
    {"1m30s", -EINVAL, 0},
    {"10s ", -EINVAL, 0},
    {"10 s", -EINVAL, 0},
};

static const struct row sizes[] = {
    {"0", 0, 0},
    {"4096", 0, 4096},
    {"64k", 0, 65536},
    {"1m", 0, 1 << 20},
    {"2g", 0, UINT64_C(2) << 30},
    {"17179869183g", 0, UINT64_C(17179869183) << 30},
    {"17179869184g", -ERANGE, 0},
    {"64K", -EINVAL, 0},
    {"64kb", -EINVAL, 0},
    {"k", -EINVAL, 0},
    {"1.5m", -EINVAL, 0},
    {"", -EINVAL, 0},
};

static int read_count(const char *text, uint64_t *ret, const char **ret_why)
{
    return gw_units_count(text, ret, ret_why);
}

static int read_duration(const char *text, uint64_t *ret, const char **ret_why)
{
    int64_t ns = (int64_t)*ret;
    int error = gw_units_duration(text, &ns, ret_why);
    *ret = (uint64_t)ns;
    return error;
}

static int read_size(const char *text, uint64_t *ret, const char **ret_why)
{
    return gw_units_size(text, ret, ret_why);
}

static void check_rows(int (*read)(const char *, uint64_t *, const char **), const struct row *rows,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 4711;
        const char *why = NULL;
        int error = read(rows[i].text, &value, &why);
        if (error != rows[i].error)
            print_error("'%s' gives %d\n", rows[i].text, error);
        assert_int_equal(error, rows[i].error);
        assert_true(value == (error ? 4711 : rows[i].value));
        assert_int_equal(!error, !why);
    }
}

static void counts_are_plain_digits(void **state gw_unused)
{
    check_rows(read_count, counts, GW_ARRAY_SIZE(counts));
}

static void durations_need_a_unit(void **state gw_unused)
{
    check_rows(read_duration, durations, GW_ARRAY_SIZE(durations));
    int64_t ns;
    const char *why = NULL;
    assert_int_equal(gw_units_duration("30", &ns, &why), -EINVAL);
    assert_string_equal(why, "the unit is missing (ms, s, m, h or d)");
}

static void sizes_are_powers_of_1024(void **state gw_unused)
{
    check_rows(read_size, sizes, GW_ARRAY_SIZE(sizes));
}

static void a_duration_is_written_as_it_is_read(void **state gw_unused)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "0"},        {MS, "1ms"},      {1500 * MS, "1500ms"}, {60 * S, "1m"},
        {90 * S, "90s"}, {3600 * S, "1h"}, {86400 * S, "1d"},     {59 * MS, "59ms"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char text[GW_UNITS_TEXT_MAX];
        int64_t ns;
        const char *why;
        assert_string_equal(gw_units_duration_text(rows[i].ns, text), rows[i].text);
        assert_int_equal(gw_units_duration(text, &ns, &why), 0);
        assert_true(ns == rows[i].ns);
    }
}

static void processor_lists(void **state gw_unused)
{
    int cpus[GW_MAX_WORKERS];
    const char *why;
    static const int expected[] = {0, 1, 2, 3, 8, 5};
    assert_int_equal(gw_cpus_read("0-3,8,5", cpus, &why), GW_ARRAY_SIZE(expected));
    assert_memory_equal(cpus, expected, sizeof(expected));
    assert_int_equal(gw_cpus_read("8191", cpus, &why), 1);
    assert_int_equal(gw_cpus_read("0-255", cpus, &why), GW_MAX_WORKERS);

    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        {"", "it is not a list like 0-3,8"},
        {"a", "it is not a list like 0-3,8"},
        {",", "it is not a list like 0-3,8"},
        {"1,", "it is not a list like 0-3,8"},
        {",1", "it is not a list like 0-3,8"},
        {"1-", "it is not a list like 0-3,8"},
        {"-1", "it is not a list like 0-3,8"},
        {"1-2-3", "it is not a list like 0-3,8"},
        {"1 2", "it is not a list like 0-3,8"},
        {"3-1", "a range begins above its end"},
        {"8192", "a processor number is above 8191"},
        {"99999999999999999999", "a processor number is above 8191"},
        {"0-99999999999", "a processor number is above 8191"},
        {"1,1", "a processor is named twice"},
        {"0-3,2", "a processor is named twice"},
        {"0-256", "it names more than 256 processors"},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++) {
        cpus[0] = 4711;
        assert_int_equal(gw_cpus_read(bad[i].text, cpus, &why), -EINVAL);
        assert_string_equal(why, bad[i].why);
        assert_int_equal(cpus[0], 4711);
    }
}

static int distance(const char *a, const char *b)
{
    int there = gw_spelling_distance(a, strlen(a), b, strlen(b));
    assert_int_equal(there, gw_spelling_distance(b, strlen(b), a, strlen(a)));
    return there;
}

static void spellings(void **state gw_unused)
{
    assert_int_equal(distance("listen", "listen"), 0);
    assert_int_equal(distance("listen", "lisen"), 1);
    assert_int_equal(distance("listen", "listten"), 1);
    assert_int_equal(distance("listen", "lisden"), 1);
    assert_int_equal(distance("listen", "litsen"), 1); /* neighbours swapped */
    assert_int_equal(distance("", "abc"), 3);
    assert_int_equal(distance("kitten", "sitting"), 3);
    assert_int_equal(distance("a", "this-word-is-longer-than-forty-bytes-so-it-is-near-nothing"),
                     -1);
    assert_true(gw_spelling_near(1, 3));
    assert_false(gw_spelling_near(2, 3));
    assert_false(gw_spelling_near(-1, 30));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_plain_digits),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(a_duration_is_written_as_it_is_read),
        cmocka_unit_test(processor_lists),
        cmocka_unit_test(spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
