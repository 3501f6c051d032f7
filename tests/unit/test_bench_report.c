/* SPDX-License-Identifier: Apache-2.0 */
/* bench/report without its child: what gets into the page and into gnuplot's script, and how
 * results of single commands become cases. */
#include "bench/report/cases.h"
#include "bench/report/gnuplot.h"
#include "bench/report/html.h"
#include "bench/tool/value.h"
#include "gateway/base/attr.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What `write` writes, to be freed. */
static char *written(void (*write)(FILE *out, const void *arg), const void *arg)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    write(out, arg);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* ---- html ---- */

static void write_text(FILE *out, const void *arg)
{
    bench_html_text(out, arg);
}

static void text_stays_text(void **state)
{
    static const struct {
        const char *text, *html;
    } rows[] = {
        {"", ""},
        {"nginx 1.22", "nginx 1.22"},
        {"<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
        {"a & \"b\"", "a &amp; &quot;b&quot;"},
        {"\xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80", "\xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x01\x7f\n", "\xef\xbf\xbd\xef\xbf\xbd\n"},
        {"\xff<", "\xef\xbf\xbd&lt;"},
        {"\xc2<", "\xef\xbf\xbd&lt;"}, /* half a character does not swallow what follows */
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char *html = written(write_text, rows[i].text);
        assert_string_equal(html, rows[i].html);
        free(html);
    }
}

static void numbers_have_three_digits_that_count(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},         {0.0421, "0.042"},  {0.55, "0.550"},         {0.99951, "1.00"},
        {1.016, "1.02"},  {9.996, "10.0"},    {12.44, "12.4"},         {99.96, "100"},
        {999.4, "999"},   {1000, "1,000"},    {1234567, "1,234,567"},  {-1234, "-1,234"},
        {-0.5, "-0.500"}, {1e15, "1.00e+15"}, {999999.7, "1,000,000"},
    };
    char text[BENCH_NUMBER_MAX];
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++)
        assert_string_equal(bench_number(rows[i].value, text), rows[i].text);
    assert_non_null(bench_number(NAN, text));
}

/* ---- gnuplot ---- */

static void labels_can_do_nothing(void **state)
{
    char label[BENCH_NAME_MAX];
    (void)state;
    bench_gnuplot_label("haproxy 3.5-dev (kTLS)", label);
    assert_string_equal(label, "haproxy 3.5-dev (kTLS)");
    bench_gnuplot_label("`id` '$(id)' \"\\n\" @macro !ls; {/Bold} #%&<>|", label);
    assert_null(strpbrk(label, "`'\"$\\@!;{}#%&<>|\n"));
    bench_gnuplot_label("\xc2\xb5s/x", label);
    assert_string_equal(label, "\xc2\xb5s/x");
    bench_gnuplot_label("\xc2", label);
    assert_string_equal(label, "?");
}

static struct bench_chart chart;

static void write_script(FILE *out, const void *arg)
{
    (void)arg;
    bench_gnuplot_script(out, &chart, 7);
}

static void fill(enum bench_chart_kind kind, const char *name)
{
    memset(&chart, 0, sizeof(chart));
    chart.kind = kind;
    (void)snprintf(chart.unit, sizeof(chart.unit), "%s", name);
    for (unsigned i = 0; i < 3; i++) {
        struct bench_series *s = bench_chart_add(&chart, name, 0x112233);
        assert_non_null(s);
        bench_series_add(&chart, s, (struct bench_point){i + 1, 10.0 * i + 1, 1, 40});
    }
    bench_chart_tick(&chart, 1, name);
}

static void a_script_holds_numbers_and_tame_names_alone(void **state)
{
    static const char evil[] = "x'\nset output 'pwned'\nsystem(\"id\")\nEND\n`id`";
    (void)state;
    for (int kind = BENCH_BARS; kind <= BENCH_LINES; kind++) {
        fill((enum bench_chart_kind)kind, evil);
        char *script = written(write_script, NULL);
        assert_null(strstr(script, "\nset output"));
        assert_null(strstr(script, "\nsystem"));
        assert_null(strstr(script, "x'\n"));
        assert_null(strchr(script, '`'));
        assert_non_null(strstr(script, "$s2 << END\n3 21 1 40\nEND\n"));
        free(script);
    }
}

static void what_is_no_number_is_left_out(void **state)
{
    (void)state;
    fill(BENCH_LINES, "x");
    struct bench_series *s = bench_chart_add(&chart, "y", 0);
    bench_series_add(&chart, s, (struct bench_point){1, NAN, 1, 1});
    bench_series_add(&chart, s, (struct bench_point){INFINITY, 1, 1, 1});
    bench_series_add(&chart, s, (struct bench_point){1, -1e300, 1, 1});
    assert_int_equal(s->count, 0);
    bench_series_add(&chart, s, (struct bench_point){1, 2, NAN, INFINITY});
    assert_int_equal(s->count, 1);
    assert_true(s->points[0].low == 2 && s->points[0].high == 2);
    chart.log_y = true;
    bench_series_add(&chart, s, (struct bench_point){1, 0, 0, 0});
    bench_series_add(&chart, s, (struct bench_point){1, 5e-324, 1, 1});
    assert_int_equal(s->count, 1);
}

static void a_chart_takes_no_more_than_it_has_room_for(void **state)
{
    (void)state;
    memset(&chart, 0, sizeof(chart));
    for (unsigned i = 0; i < 2 * BENCH_SERIES_MAX; i++) {
        struct bench_series *s = bench_chart_add(&chart, "x", 0);
        assert_true((s != NULL) == (i < BENCH_SERIES_MAX));
        bench_chart_tick(&chart, i, "a label that is far too long");
        for (unsigned p = 0; s && p < 2 * BENCH_POINTS_MAX; p++)
            bench_series_add(&chart, s, (struct bench_point){p, p, p, p});
    }
    assert_int_equal(chart.count, BENCH_SERIES_MAX);
    assert_int_equal(chart.tick_count, BENCH_TICKS_MAX);
    assert_int_equal(chart.series[0].count, BENCH_POINTS_MAX);
}

static void write_copy(FILE *out, const void *arg)
{
    bench_gnuplot_copy(out, arg, 3);
}

static void plots_of_a_page_share_no_ids(void **state)
{
    (void)state;
    char *svg = written(write_copy, "<?xml?>\n<svg ><title>p</title><g id=\"a\"><desc>d</desc>"
                                    "<use xlink:href='#b' fill='url(#c)'/></g></svg>");
    assert_string_equal(svg, "<svg ><g id=\"p3-a\"><use xlink:href='#p3-b' fill='url(#p3-c)'/>"
                             "</g></svg>");
    free(svg);
}

static void a_name_keeps_its_colour(void **state)
{
    struct bench_colours colours = {.has_ours = true};
    (void)state;
    unsigned ours = bench_colour_of(&colours, "ktlsgate");
    unsigned nginx = bench_colour_of(&colours, "nginx");
    unsigned hitch = bench_colour_of(&colours, "hitch");
    assert_true(ours != nginx && nginx != hitch && hitch != ours);
    assert_int_equal(bench_colour_of(&colours, "nginx-plain"), BENCH_GREY);
    assert_int_equal(bench_colour_of(&colours, "nginx"), nginx);
    for (unsigned i = 0; i < 3 * BENCH_SERIES_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "s%u", i);
        assert_int_not_equal(bench_colour_of(&colours, name), ours);
    }
}

/* ---- results ---- */

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void what_is_no_result_is_told(void **state)
{
    static const struct {
        const char *text;
        int error;
        enum bench_input_kind kind;
    } rows[] = {
        {"[]", -EINVAL, 0},
        {"{}", -EINVAL, 0},
        {"{\"work\":7}", -EINVAL, 0},
        {"{\"work\":\"bulk\"}", -EINVAL, 0},
        {"{\"work\":\"bulk\",\"result\":[]}", -EINVAL, 0},
        {"{\"work\":\"compare\",\"cases\":{}}", -EINVAL, 0},
        {"{\"work\":\"crypto\",\"result\":{}}", -EINVAL, 0},
        {"{\"work\":\"bulk\",\"result\":{}}", 0, BENCH_INPUT_SINGLE},
        {"{\"work\":\"compare\",\"cases\":[]}", 0, BENCH_INPUT_COMPARE},
        {"{\"work\":\"crypto\",\"result\":{\"figures\":[]}}", 0, BENCH_INPUT_CRYPTO},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        enum bench_input_kind kind = BENCH_INPUT_SINGLE;
        const char *why = NULL;
        json_t *json = parse(rows[i].text);
        assert_int_equal(bench_input_judge(json, &kind, &why), rows[i].error);
        if (rows[i].error)
            assert_non_null(why);
        else
            assert_int_equal(kind, rows[i].kind);
        json_decref(json);
    }
}

static void a_value_is_a_number_or_three(void **state)
{
    json_t *json = parse("{\"n\":2,\"o\":{\"median\":2,\"min\":1,\"max\":3},\"m\":{\"median\":2},"
                         "\"s\":\"2\",\"e\":{}}");
    (void)state;
    assert_true(bench_value_at(json, "n").max == 2);
    assert_true(bench_value_at(json, "o").min == 1 && bench_value_at(json, "o").max == 3);
    assert_true(bench_value_at(json, "m").known && bench_value_at(json, "m").min == 2);
    assert_false(bench_value_at(json, "s").known);
    assert_false(bench_value_at(json, "e").known);
    assert_false(bench_value_at(json, "nothing").known);
    json_decref(json);
}

#define SINGLE(title, cpu)                                                                         \
    "{\"work\":\"latency\",\"settings\":{\"title\":\"" title                                       \
    "\"},\"result\":{\"unit\":\"request\""                                                         \
    ",\"per_second\":5,\"times_us\":{\"p50\":1},\"server\":{" cpu "}}}"

static struct bench_inputs inputs;

static void add_input(const char *name, const char *text)
{
    struct bench_input *in = &inputs.list[inputs.count++];
    *in = (struct bench_input){.kind = BENCH_INPUT_SINGLE, .json = parse(text)};
    (void)snprintf(in->name, sizeof(in->name), "%s", name);
}

static void files_that_were_asked_for_the_same_are_a_case(void **state)
{
    (void)state;
    add_input("a", SINGLE("one", "\"cpu_us_per_unit\":3"));
    add_input("b", SINGLE("two", "\"pss_bytes_per_connection\":4096"));
    add_input("c", SINGLE("one", "\"cpu_s_per_gib\":0.5"));
    add_input("d", "{\"work\":\"churn\",\"result\":{}}");
    json_t *cases = bench_cases_of_singles(&inputs);
    assert_int_equal(json_array_size(cases), 3);
    const json_t *rows = json_object_get(bench_find(cases, "title", "one"), "rows");
    assert_int_equal(json_array_size(rows), 2);
    const json_t *a = bench_find(rows, "system", "a");
    assert_string_equal(bench_text_at(json_object_get(a, "server_cpu"), "unit"), "us/request");
    assert_true(bench_value_at(a, "per_second").median == 5);
    assert_string_equal(
        bench_text_at(json_object_get(bench_find(rows, "system", "c"), "server_cpu"), "unit"),
        "s/GiB");
    const json_t *b = json_array_get(json_object_get(bench_find(cases, "title", "two"), "rows"), 0);
    assert_true(bench_value_at(b, "memory_bytes_per_connection").median == 4096);
    assert_false(bench_value_at(b, "per_second").known);
    assert_non_null(bench_find(cases, "title", "churn"));
    json_decref(cases);
    bench_inputs_clear(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_text),
        cmocka_unit_test(numbers_have_three_digits_that_count),
        cmocka_unit_test(labels_can_do_nothing),
        cmocka_unit_test(a_script_holds_numbers_and_tame_names_alone),
        cmocka_unit_test(what_is_no_number_is_left_out),
        cmocka_unit_test(a_chart_takes_no_more_than_it_has_room_for),
        cmocka_unit_test(plots_of_a_page_share_no_ids),
        cmocka_unit_test(a_name_keeps_its_colour),
        cmocka_unit_test(what_is_no_result_is_told),
        cmocka_unit_test(a_value_is_a_number_or_three),
        cmocka_unit_test(files_that_were_asked_for_the_same_are_a_case),
    };
    return cmocka_run_group_tests_name("bench_report", tests, NULL, NULL);
}
