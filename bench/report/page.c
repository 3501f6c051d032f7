/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/page.h"

#include "bench/report/gnuplot.h"
#include "bench/report/html.h"
#include "bench/report/style.h"
#include "bench/tool/value.h"

#include <string.h>

/* ---- the top ---- */

static void write_processors(FILE *out, const struct bench_inputs *inputs)
{
    const char *last = "";
    for (unsigned i = 0; i < inputs->count; i++) {
        const json_t *machine = json_object_get(inputs->list[i].json, "machine");
        const char *processor = bench_text_at(machine, "processor");
        if (!processor[0] || !strcmp(processor, last))
            continue;
        (void)fputs(last[0] ? ", " : "<p class=\"machine\">", out);
        bench_html_text(out, processor);
        last = processor;
    }
    (void)fputs(last[0] ? "</p>\n" : "", out);
}

void bench_page_begin(struct bench_page *page, const struct bench_inputs *inputs)
{
    (void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<title>ktlsgate: measurements</title>\n<style>\n",
                page->out);
    (void)fputs(bench_style, page->out);
    (void)fputs("</style>\n</head>\n<body>\n<main>\n<header>\n<h1>ktlsgate: measurements</h1>\n",
                page->out);
    write_processors(page->out, inputs);
    (void)fputs("</header>\n", page->out);
}

/* ---- a plot ---- */

struct bench_chart *bench_page_chart(struct bench_page *page, enum bench_chart_kind kind,
                                     const char *unit)
{
    struct bench_chart *chart = &page->chart;
    memset(chart, 0, sizeof(*chart));
    chart->kind = kind;
    (void)snprintf(chart->unit, sizeof(chart->unit), "%s", unit);
    return chart;
}

static bool holds_something(const struct bench_chart *chart)
{
    for (unsigned s = 0; s < chart->count; s++)
        if (chart->series[s].count)
            return true;
    return false;
}

int bench_page_plot(struct bench_page *page, const char *title, const char *better,
                    struct gw_error *err)
{
    if (!holds_something(&page->chart))
        return 0;
    (void)fprintf(page->out, "<figure%s>\n<figcaption><b>",
                  page->chart.tall ? " class=\"tall\"" : "");
    bench_html_text(page->out, title);
    (void)fputs("</b> <span>", page->out);
    bench_html_text(page->out, better);
    (void)fputs("</span></figcaption>\n", page->out);
    int r = bench_gnuplot_draw(page->out, &page->chart, ++page->plots, err);
    (void)fputs("</figure>\n", page->out);
    return r;
}

/* ---- the bottom ---- */

static const struct {
    const char *key, *title;
} facts[] = {
    {"date", "Date"},
    {"processor", "Processor"},
    {"processors", "Processors that could be used"},
    {"memory_kib", "Memory in KiB"},
    {"kernel", "Kernel"},
    {"openssl", "OpenSSL"},
    {"load_average", "Load average before"},
};

static const char *title_of(const char *key)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(facts); i++)
        if (!strcmp(facts[i].key, key))
            return facts[i].title;
    return key;
}

/* Texts, numbers and switches; nothing for what holds others. */
static bool write_value(FILE *out, const json_t *value)
{
    char number[BENCH_NUMBER_MAX];
    if (json_is_string(value))
        bench_html_text(out, json_string_value(value));
    else if (json_is_integer(value))
        (void)fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_number(value))
        (void)fputs(bench_number(json_number_value(value), number), out);
    else if (json_is_boolean(value))
        (void)fputs(json_is_true(value) ? "yes" : "no", out);
    else
        return false;
    return true;
}

static void write_facts(FILE *out, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (json_is_object(value) || json_is_array(value) || json_is_null(value))
            continue;
        (void)fputs("<div><dt>", out);
        bench_html_text(out, title_of(key));
        (void)fputs("</dt><dd>", out);
        (void)write_value(out, value);
        (void)fputs("</dd></div>\n", out);
    }
}

/* How it was asked for; files of older tools do not say. */
static void write_command(FILE *out, const json_t *json)
{
    const char *command = bench_text_at(json, "command");
    if (!command[0])
        command = bench_text_at(json_object_get(json, "settings"), "command");
    (void)fputs("<pre class=\"command\">", out);
    if (command[0])
        bench_html_text(out, command);
    else
        bench_html_printf(out, "ktlsgate-bench %s", bench_text_at(json, "work"));
    (void)fputs("</pre>\n", out);
}

static void write_systems(FILE *out, const json_t *systems)
{
    size_t i;
    const json_t *system;
    json_array_foreach(systems, i, system)
    {
        const char *config = bench_text_at(system, "config");
        (void)fputs("<details><summary>", out);
        bench_html_printf(out, "%s %s", bench_text_at(system, "name"),
                          bench_text_at(system, "version"));
        (void)fputs("</summary><pre>", out);
        bench_html_text(out, config);
        (void)fputs("</pre></details>\n", out);
    }
}

static void write_source(FILE *out, const struct bench_input *in)
{
    (void)fputs("<article>\n<h3>", out);
    bench_html_text(out, in->path ? in->path : in->name);
    (void)fputs("</h3>\n<p>Repeat it with</p>\n", out);
    write_command(out, in->json);
    (void)fputs("<dl>\n", out);
    write_facts(out, json_object_get(in->json, "machine"));
    (void)fputs("</dl>\n<details><summary>Settings</summary><dl>\n", out);
    write_facts(out, json_object_get(in->json, "settings"));
    (void)fputs("</dl></details>\n", out);
    write_systems(out, json_object_get(in->json, "systems"));
    (void)fputs("</article>\n", out);
}

void bench_page_end(struct bench_page *page, const struct bench_inputs *inputs)
{
    (void)fputs("<section>\n<h2>Where these figures come from</h2>\n", page->out);
    for (unsigned i = 0; i < inputs->count; i++)
        write_source(page->out, &inputs->list[i]);
    (void)fputs("</section>\n</main>\n<footer>Made by ktlsgate-bench " KTLSGATE_VERSION
                "; plots by gnuplot.</footer>\n</body>\n</html>\n",
                page->out);
}
