/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/cases.h"

#include "bench/report/html.h"
#include "bench/tool/value.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char ours[] = "ktlsgate";

/* ---- the metrics of a case's row ---- */

struct metric {
    const char *key;
    const char *title;
    const char *unit; /* NULL: its own, or that of the case for each second */
    double scale;
    bool cost; /* lower is better */
};

static const struct metric metrics[] = {
    {"server_cpu", "CPU time of the server", NULL, 1, true},
    {"per_second", "Throughput", NULL, 1, false},
    {"memory_bytes_per_connection", "Memory of an idle connection", "KiB", 1.0 / 1024, true},
};

static const char *better(bool cost)
{
    return cost ? "lower is better" : "higher is better";
}

static const struct {
    const char *key, *title;
} quantiles[] = {
    {"p50", "p50"}, {"p90", "p90"}, {"p99", "p99"}, {"p99.9", "p99.9"}, {"max", "max"}};

static struct bench_value metric_of(const json_t *row, const struct metric *m)
{
    struct bench_value v = bench_value_at(row, m->key);
    v.median *= m->scale;
    v.min *= m->scale;
    v.max *= m->scale;
    return v;
}

static bool any_has(const json_t *rows, const char *key)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (bench_value_at(row, key).known)
            return true;
    }
    return false;
}

static bool any_has_times(const json_t *rows)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (bench_value_at(json_object_get(row, "times_us"), "p50").known)
            return true;
    }
    return false;
}

/* As the tool writes it, but for microseconds. */
static void set_unit(const char *unit, char *out, size_t size)
{
    bool micro = !strncmp(unit, "us", 2) && (unit[2] == '\0' || unit[2] == '/');
    (void)snprintf(out, size, "%s%s", micro ? "\xc2\xb5s" : "", micro ? unit + 2 : unit);
}

static void unit_of(const json_t *a_case, const struct metric *m, char *out, size_t size)
{
    size_t i;
    const json_t *row;
    set_unit(m->unit ? m->unit : "", out, size);
    if (m->unit)
        return;
    if (!m->cost) {
        set_unit(bench_text_at(a_case, "rate_unit"), out, size);
        return;
    }
    json_array_foreach(json_object_get(a_case, "rows"), i, row)
    {
        const char *unit = bench_text_at(json_object_get(row, m->key), "unit");
        if (unit[0])
            set_unit(unit, out, size);
    }
}

/* ---- plots of a case ---- */

static int plot_metric(struct bench_page *page, const json_t *a_case, const struct metric *m,
                       struct gw_error *err)
{
    char unit[BENCH_NAME_MAX];
    size_t i;
    const json_t *row;
    unit_of(a_case, m, unit, sizeof(unit));
    struct bench_chart *chart = bench_page_chart(page, BENCH_BARS, unit);
    json_array_foreach(json_object_get(a_case, "rows"), i, row)
    {
        struct bench_value v = metric_of(row, m);
        const char *name = bench_text_at(row, "system");
        struct bench_series *s =
            v.known ? bench_chart_add(chart, name, bench_colour_of(&page->systems, name)) : NULL;
        if (s)
            bench_series_add(chart, s,
                             (struct bench_point){chart->count - 1, v.median, v.min, v.max});
    }
    return bench_page_plot(page, m->title, better(m->cost), err);
}

/* How far to the right a quantile stands: each step as far as from 90 to 99 percent. */
static double place_of(double quantile)
{
    return 1 / (1 - quantile);
}

static void add_curve(struct bench_chart *chart, struct bench_series *s, const json_t *curve)
{
    size_t i;
    const json_t *point;
    json_array_foreach(curve, i, point)
    {
        double q = json_number_value(json_array_get(point, 0));
        double us = json_number_value(json_array_get(point, 1));
        if (q >= 0 && q < 1)
            bench_series_add(chart, s, (struct bench_point){place_of(q), us, us, us});
    }
}

static int plot_curves(struct bench_page *page, const json_t *a_case, struct gw_error *err)
{
    static const struct {
        double quantile;
        const char *label;
    } ticks[] = {{0, "0"},        {0.5, "50 "},      {0.9, "90"},        {0.99, "99"},
                 {0.999, "99.9"}, {0.9999, "99.99"}, {0.99999, "99.999"}};
    size_t i;
    const json_t *row;
    struct bench_chart *chart = bench_page_chart(page, BENCH_LINES, "\xc2\xb5s");
    chart->log_x = chart->log_y = chart->tall = true;
    chart->x_title = "percent of all that took at most as long";
    for (i = 0; i < GW_ARRAY_SIZE(ticks); i++)
        bench_chart_tick(chart, place_of(ticks[i].quantile), ticks[i].label);
    json_array_foreach(json_object_get(a_case, "rows"), i, row)
    {
        const json_t *curve = json_object_get(json_object_get(row, "times_us"), "curve");
        const char *name = bench_text_at(row, "system");
        if (!json_array_size(curve))
            continue;
        struct bench_series *s =
            bench_chart_add(chart, name, bench_colour_of(&page->systems, name));
        if (s)
            add_curve(chart, s, curve);
    }
    return bench_page_plot(page, "How long it took", better(true), err);
}

static int plot_case(struct bench_page *page, const json_t *a_case, struct gw_error *err)
{
    bool rests = any_has(json_object_get(a_case, "rows"), "memory_bytes_per_connection");
    int r = 0;
    (void)fputs("<div class=\"plots\">\n", page->out);
    for (size_t i = 0; i < GW_ARRAY_SIZE(metrics) && !r; i++)
        if (metrics[i].cost || !rests) /* how fast they were opened is not what it is about */
            r = plot_metric(page, a_case, &metrics[i], err);
    if (!r)
        r = plot_curves(page, a_case, err);
    (void)fputs("</div>\n", page->out);
    return r;
}

/* ---- its table ---- */

static void write_spread(FILE *out, const struct bench_value *v)
{
    char number[BENCH_NUMBER_MAX];
    if (!v->known) {
        (void)fputs("<td></td>", out);
        return;
    }
    (void)fprintf(out, "<td>%s", bench_number(v->median, number));
    if (v->max > v->min) {
        (void)fprintf(out, "<small>%s&#8211;", bench_number(v->min, number));
        (void)fprintf(out, "%s</small>", bench_number(v->max, number));
    }
    (void)fputs("</td>", out);
}

static void write_titles(FILE *out, const json_t *a_case)
{
    const json_t *rows = json_object_get(a_case, "rows");
    char unit[BENCH_NAME_MAX];
    (void)fputs("<thead><tr><th>System</th>", out);
    for (size_t m = 0; m < GW_ARRAY_SIZE(metrics); m++) {
        if (!any_has(rows, metrics[m].key))
            continue;
        unit_of(a_case, &metrics[m], unit, sizeof(unit));
        (void)fputs("<th>", out);
        bench_html_printf(out, "%s, %s", metrics[m].title, unit);
        (void)fputs("</th>", out);
    }
    if (any_has(rows, "ratio_to_best_peer"))
        (void)fputs("<th>&#247; best peer</th>", out);
    if (any_has_times(rows))
        for (size_t q = 0; q < GW_ARRAY_SIZE(quantiles); q++)
            (void)fprintf(out, "<th>%s, &#181;s</th>", quantiles[q].title);
    (void)fputs("</tr></thead>\n", out);
}

static void write_row(FILE *out, const json_t *rows, const json_t *row)
{
    const char *name = bench_text_at(row, "system");
    const json_t *times = json_object_get(row, "times_us");
    (void)fputs(strcmp(name, ours) ? "<tr><th scope=\"row\">"
                                   : "<tr class=\"ours\"><th scope=\"row\">",
                out);
    bench_html_text(out, name);
    (void)fputs("</th>", out);
    for (size_t m = 0; m < GW_ARRAY_SIZE(metrics); m++) {
        struct bench_value v = metric_of(row, &metrics[m]);
        if (any_has(rows, metrics[m].key))
            write_spread(out, &v);
    }
    struct bench_value ratio = bench_value_at(row, "ratio_to_best_peer");
    if (any_has(rows, "ratio_to_best_peer"))
        write_spread(out, &ratio);
    for (size_t q = 0; q < GW_ARRAY_SIZE(quantiles) && any_has_times(rows); q++) {
        struct bench_value v = bench_value_at(times, quantiles[q].key);
        write_spread(out, &v);
    }
    (void)fputs("</tr>\n", out);
}

/* Lists runs in which the load was the limit: only the CPU time in them describes the server. */
static void write_limits(FILE *out, const json_t *rows)
{
    size_t i, k, runs = 0, limited = 0;
    const json_t *row, *run;
    json_array_foreach(rows, i, row)
    {
        json_array_foreach(json_object_get(row, "runs"), k, run)
        {
            runs++;
            limited += json_is_true(json_object_get(run, "load_was_limit"));
        }
    }
    if (limited)
        (void)fprintf(out,
                      "<p class=\"note\">In %zu of %zu runs the load was the limit and not the "
                      "server: its throughput could be higher there; CPU time is right.</p>\n",
                      limited, runs);
}

static void write_failed(FILE *out, const json_t *failed)
{
    size_t i;
    const json_t *row;
    json_array_foreach(failed, i, row)
    {
        (void)fputs("<p class=\"note\">", out);
        bench_html_text(out, bench_text_at(row, "system"));
        (void)fputs(" failed: ", out);
        bench_html_text(out, bench_text_at(row, "why"));
        (void)fputs("</p>\n", out);
    }
}

static void write_table(FILE *out, const json_t *a_case)
{
    const json_t *rows = json_object_get(a_case, "rows");
    size_t i;
    const json_t *row;
    (void)fputs("<div class=\"wide\"><table>\n", out);
    write_titles(out, a_case);
    (void)fputs("<tbody>\n", out);
    json_array_foreach(rows, i, row)
    {
        write_row(out, rows, row);
    }
    (void)fputs("</tbody></table></div>\n", out);
    write_limits(out, rows);
    write_failed(out, json_object_get(a_case, "failed"));
}

/* ---- compared with the best of the others ---- */

/* A name that stands for a way to run something else's plain TCP, or for ourselves. */
static bool is_peer(const char *name)
{
    return strncmp(name, ours, strlen(ours)) != 0 && !strstr(name, "plain");
}

/* The metric that ranks a case: memory if the case is about that, else the server's CPU time. */
static const struct metric *judge_of(const json_t *rows)
{
    for (size_t m = GW_ARRAY_SIZE(metrics); m-- > 0;)
        if (metrics[m].cost && any_has(rows, metrics[m].key))
            return &metrics[m];
    return NULL;
}

static const json_t *best_peer(const json_t *rows, const struct metric *m)
{
    size_t i;
    const json_t *row, *best = NULL;
    json_array_foreach(rows, i, row)
    {
        struct bench_value v = metric_of(row, m);
        if (v.known && is_peer(bench_text_at(row, "system")) &&
            (!best || v.median < metric_of(best, m).median))
            best = row;
    }
    return best;
}

/* ktlsgate's share of what the best peer needs; 0: unknown. */
static double ratio_of(const json_t *rows)
{
    const json_t *row = bench_find(rows, "system", ours);
    struct bench_value said = bench_value_at(row, "ratio_to_best_peer");
    const struct metric *m = judge_of(rows);
    const json_t *peer = m ? best_peer(rows, m) : NULL;
    if (said.known)
        return said.median;
    if (!row || !peer || !(metric_of(peer, m).median > 0))
        return 0;
    return metric_of(row, m).median / metric_of(peer, m).median;
}

/* The verdict on a case: complete, or none. */
struct verdict {
    const struct metric *metric;
    const json_t *us, *peer;
    double ratio;
};

static bool judge(const json_t *a_case, struct verdict *ret)
{
    const json_t *rows = json_object_get(a_case, "rows");
    const struct metric *m = judge_of(rows);
    *ret = (struct verdict){
        .metric = m,
        .us = bench_find(rows, "system", ours),
        .peer = m ? best_peer(rows, m) : NULL,
        .ratio = ratio_of(rows),
    };
    return ret->us && ret->peer && metric_of(ret->us, m).known && ret->ratio > 0;
}

static void write_lead(FILE *out, const json_t *a_case)
{
    struct verdict v;
    char unit[BENCH_NAME_MAX], number[BENCH_NUMBER_MAX];
    if (!judge(a_case, &v))
        return;
    unit_of(a_case, v.metric, unit, sizeof(unit));
    (void)fprintf(out,
                  "<p class=\"lead\">ktlsgate needs <b>%s &#215;</b> what the best peer needs: ",
                  bench_number(v.ratio, number));
    bench_html_printf(out, "%s ", bench_number(metric_of(v.us, v.metric).median, number));
    bench_html_printf(out, "%s, compared with ", unit);
    bench_html_printf(out, "%s (", bench_number(metric_of(v.peer, v.metric).median, number));
    bench_html_printf(out, "%s).", bench_text_at(v.peer, "system"));
    (void)fputs("</p>\n", out);
}

static const char *title_of(const json_t *a_case)
{
    const char *title = bench_text_at(a_case, "title");
    return title[0] ? title : bench_text_at(a_case, "name");
}

static void write_overview_row(FILE *out, const json_t *a_case)
{
    struct verdict v;
    char unit[BENCH_NAME_MAX], number[BENCH_NUMBER_MAX];
    if (!judge(a_case, &v))
        return;
    unit_of(a_case, v.metric, unit, sizeof(unit));
    (void)fputs("<tr><th scope=\"row\">", out);
    bench_html_text(out, title_of(a_case));
    (void)fprintf(out, "</th><td>%s<small>",
                  bench_number(metric_of(v.us, v.metric).median, number));
    bench_html_text(out, unit);
    (void)fprintf(out, "</small></td><td>%s<small>",
                  bench_number(metric_of(v.peer, v.metric).median, number));
    bench_html_text(out, bench_text_at(v.peer, "system"));
    (void)fprintf(out, "</small></td><td>%s</td></tr>\n", bench_number(v.ratio, number));
}

static void write_overview_table(FILE *out, const json_t *cases)
{
    size_t i;
    const json_t *a_case;
    (void)fputs("<div class=\"wide\"><table>\n<thead><tr><th>Case</th><th>ktlsgate</th>"
                "<th>Best peer</th><th>Ratio</th></tr></thead>\n<tbody>\n",
                out);
    json_array_foreach(cases, i, a_case)
    {
        write_overview_row(out, a_case);
    }
    (void)fputs("</tbody></table></div>\n", out);
}

int bench_cases_overview(struct bench_page *page, const json_t *compare, struct gw_error *err)
{
    const json_t *cases = json_object_get(compare, "cases");
    size_t i;
    const json_t *a_case;
    struct bench_chart *chart =
        bench_page_chart(page, BENCH_BARS, "share of the best peer (1: as much)");
    chart->mark = 1;
    json_array_foreach(cases, i, a_case)
    {
        struct verdict v;
        struct bench_series *s = NULL;
        if (judge(a_case, &v))
            s = bench_chart_add(chart, bench_text_at(a_case, "name"),
                                bench_colour_of(&page->systems, ours));
        if (s)
            bench_series_add(chart, s,
                             (struct bench_point){chart->count - 1, v.ratio, v.ratio, v.ratio});
    }
    if (chart->count == 0)
        return 0;
    (void)fputs(
        "<section>\n"
        "<h2>Compared with the best of the others</h2>\n"
        "<p>What the server needs for the same work: CPU time, or memory of idle connections. The "
        "best of the others is the one that needs least in that case.</p>\n"
        "<div class=\"plots\">\n",
        page->out);
    int r = bench_page_plot(page, "ktlsgate \xc3\xb7 best peer", better(true), err);
    write_overview_table(page->out, cases);
    (void)fputs("</div>\n</section>\n", page->out);
    return r;
}

int bench_cases_write(struct bench_page *page, const json_t *cases, struct gw_error *err)
{
    size_t i;
    const json_t *a_case;
    json_array_foreach(cases, i, a_case)
    {
        if (!json_array_size(json_object_get(a_case, "rows")))
            continue;
        (void)fputs("<section>\n<h2>", page->out);
        bench_html_text(page->out, title_of(a_case));
        (void)fputs("</h2>\n", page->out);
        write_lead(page->out, a_case);
        int r = plot_case(page, a_case, err);
        if (r)
            return r;
        write_table(page->out, a_case);
        (void)fputs("</section>\n", page->out);
    }
    return 0;
}

/* ---- scaling ---- */

/* The name of a system without the number of its workers: "nginx" of "nginx-4w". */
static void base_name(const char *name, double workers, char *out, size_t size)
{
    char end[32];
    (void)snprintf(end, sizeof(end), "-%.0fw", workers);
    size_t len = strlen(name), end_len = strlen(end);
    bool has = len > end_len && !strcmp(name + len - end_len, end);
    (void)snprintf(out, size, "%.*s", (int)(has ? len - end_len : len), name);
}

/* One worker's throughput times the number of workers, as far as that goes. */
static void add_ideal(struct bench_chart *chart)
{
    const struct bench_series *first = &chart->series[0];
    struct bench_series *s = bench_chart_add(chart, "in proportion", BENCH_GREY);
    for (unsigned i = 0; s && i < first->count; i++) {
        double y = first->points[0].y / first->points[0].x * first->points[i].x;
        bench_series_add(chart, s, (struct bench_point){first->points[i].x, y, y, y});
    }
}

static void add_workers(struct bench_page *page, const json_t *row)
{
    double workers = json_number_value(json_object_get(row, "workers"));
    struct bench_value v = bench_value_at(row, "per_second");
    char name[BENCH_NAME_MAX], label[16];
    unsigned t = 0;
    if (!v.known || !(workers > 0))
        return;
    base_name(bench_text_at(row, "system"), workers, name, sizeof(name));
    struct bench_series *s =
        bench_chart_series(&page->chart, name, bench_colour_of(&page->systems, name));
    if (s)
        bench_series_add(&page->chart, s, (struct bench_point){workers, v.median, v.min, v.max});
    while (t < page->chart.tick_count && page->chart.ticks[t].at != workers)
        t++;
    (void)snprintf(label, sizeof(label), "%.0f", workers);
    if (t == page->chart.tick_count)
        bench_chart_tick(&page->chart, workers, label);
}

/* Fills the chart. Whether there is something to be seen: two numbers of workers. */
static bool chart_workers(struct bench_page *page, const json_t *a_case)
{
    size_t i;
    const json_t *row;
    struct bench_chart *chart =
        bench_page_chart(page, BENCH_LINES, bench_text_at(a_case, "rate_unit"));
    chart->x_title = "workers, each on a processor of its own";
    json_array_foreach(json_object_get(a_case, "rows"), i, row)
    {
        add_workers(page, row);
    }
    if (chart->tick_count < 2 || chart->series[0].count < 2)
        return false;
    add_ideal(chart);
    return true;
}

int bench_cases_scaling(struct bench_page *page, const json_t *compare, struct gw_error *err)
{
    size_t i;
    const json_t *a_case;
    bool begun = false;
    int r = 0;
    json_array_foreach(json_object_get(compare, "cases"), i, a_case)
    {
        if (r || !chart_workers(page, a_case))
            continue;
        if (!begun)
            (void)fputs("<section>\n<h2>More workers</h2>\n<div class=\"plots\">\n", page->out);
        begun = true;
        r = bench_page_plot(page, title_of(a_case), better(false), err);
    }
    if (begun)
        (void)fputs("</div>\n<p class=\"note\">The figures are in the tables of the cases."
                    "</p>\n</section>\n",
                    page->out);
    return r;
}

/* ---- single results as cases ---- */

static json_t *row_of(const struct bench_input *in)
{
    const json_t *result = json_object_get(in->json, "result");
    const json_t *server = json_object_get(result, "server");
    struct bench_value gib = bench_value_at(server, "cpu_s_per_gib");
    struct bench_value unit = bench_value_at(server, "cpu_us_per_unit");
    struct bench_value memory = bench_value_at(server, "pss_bytes_per_connection");
    char cpu_unit[BENCH_NAME_MAX] = "s/GiB";
    json_t *row = json_pack("{s:s, s:[O]}", "system", in->name, "runs", result);
    if (!gib.known)
        (void)snprintf(cpu_unit, sizeof(cpu_unit), "us/%s", bench_text_at(result, "unit"));
    if (gib.known || unit.known)
        json_object_set_new(row, "server_cpu",
                            json_pack("{s:f, s:s}", "median", gib.known ? gib.median : unit.median,
                                      "unit", cpu_unit));
    if (memory.known)
        json_object_set_new(row, "memory_bytes_per_connection", json_real(memory.median));
    else
        json_object_set(row, "per_second", json_object_get(result, "per_second"));
    json_object_set(row, "times_us", json_object_get(result, "times_us"));
    return row;
}

static void rate_unit(const json_t *result, char *out, size_t size)
{
    const char *unit = bench_text_at(result, "unit");
    bool word = unit[0] && strcmp(unit, "GiB") != 0;
    (void)snprintf(out, size, "%s%s/s", unit, word ? "s" : "");
}

json_t *bench_cases_of_singles(const struct bench_inputs *inputs)
{
    json_t *cases = json_array();
    for (unsigned i = 0; i < inputs->count; i++) {
        const struct bench_input *in = &inputs->list[i];
        const char *title = bench_text_at(json_object_get(in->json, "settings"), "title");
        if (in->kind != BENCH_INPUT_SINGLE)
            continue;
        if (!title[0])
            title = bench_text_at(in->json, "work");
        const json_t *a_case = bench_find(cases, "title", title);
        json_t *rows = json_object_get(a_case, "rows");
        if (!rows) {
            char rate[BENCH_NAME_MAX];
            rate_unit(json_object_get(in->json, "result"), rate, sizeof(rate));
            rows = json_array();
            json_array_append_new(cases, json_pack("{s:s, s:s, s:o}", "title", title, "rate_unit",
                                                   rate, "rows", rows));
        }
        json_array_append_new(rows, row_of(in));
    }
    return cases;
}
