/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/aead.h"

#include "bench/report/html.h"
#include "bench/tool/value.h"

#include <math.h>
#include <string.h>

/* The figures of one plot: a cipher, a direction. */
struct choice {
    const json_t *figures;
    const char *cipher, *direction;
    const char *title;
};

static double size_of(const json_t *figure)
{
    return json_number_value(json_object_get(figure, "size"));
}

static bool belongs(const struct choice *c, const json_t *figure)
{
    return !strcmp(bench_text_at(figure, "cipher"), c->cipher) &&
           !strcmp(bench_text_at(figure, "direction"), c->direction) && size_of(figure) > 0;
}

static void label_of(double size, char *out, size_t room)
{
    bool kib = size >= 1024 && fmod(size, 1024) == 0;
    (void)snprintf(out, room, kib ? "%.0f KiB" : "%.0f B", kib ? size / 1024 : size);
}

static void add_tick(struct bench_chart *chart, double size)
{
    char label[16];
    for (unsigned i = 0; i < chart->tick_count; i++)
        if (chart->ticks[i].at == size)
            return;
    label_of(size, label, sizeof(label));
    bench_chart_tick(chart, size, label);
}

static int plot(struct bench_page *page, const struct choice *c, struct gw_error *err)
{
    size_t i;
    const json_t *figure;
    struct bench_chart *chart = bench_page_chart(page, BENCH_LINES, "GB/s");
    chart->log_x = chart->log_y = true;
    chart->x_title = "size of a record";
    json_array_foreach(c->figures, i, figure)
    {
        double gb = json_number_value(json_object_get(figure, "gb_per_s"));
        const char *name = bench_text_at(figure, "provider");
        struct bench_series *s =
            belongs(c, figure)
                ? bench_chart_series(chart, name, bench_colour_of(&page->providers, name))
                : NULL;
        if (!s)
            continue;
        add_tick(chart, size_of(figure));
        bench_series_add(chart, s, (struct bench_point){size_of(figure), gb, gb, gb});
    }
    return bench_page_plot(page, c->title, "higher is better", err);
}

/* ---- tables ---- */

/* After plot(): the chart holds what the table shows, in the same order. */
static void write_table(FILE *out, const struct bench_chart *chart)
{
    char number[BENCH_NUMBER_MAX];
    (void)fputs("<div class=\"wide\"><table class=\"two\">\n<thead><tr><th>GB/s</th>", out);
    for (unsigned t = 0; t < chart->tick_count; t++)
        (void)fprintf(out, "<th>%s</th>", chart->ticks[t].label);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
    for (unsigned s = 0; s < chart->count; s++) {
        const struct bench_series *series = &chart->series[s];
        (void)fputs("<tr><th scope=\"row\">", out);
        bench_html_text(out, series->name);
        (void)fputs("</th>", out);
        for (unsigned t = 0, p = 0; t < chart->tick_count; t++) {
            const struct bench_point *at = &series->points[p];
            if (p == series->count || at->x != chart->ticks[t].at) {
                (void)fputs("<td></td>", out);
                continue;
            }
            (void)fprintf(out, "<td>%s", bench_number(at->y, number));
            (void)fprintf(out, "<small>%s ns</small></td>", bench_number(at->x / at->y, number));
            p++;
        }
        (void)fputs("</tr>\n", out);
    }
    (void)fputs("</tbody></table></div>\n", out);
}

static int write_choice(struct bench_page *page, const struct choice *c, struct gw_error *err)
{
    (void)fputs("<div>\n", page->out);
    int r = plot(page, c, err);
    if (!r)
        write_table(page->out, &page->chart);
    (void)fputs("</div>\n", page->out);
    return r;
}

static void write_absent(FILE *out, const json_t *providers)
{
    size_t i;
    const json_t *p;
    json_array_foreach(providers, i, p)
    {
        const char *absent = bench_text_at(p, "absent"), *remark = bench_text_at(p, "remark");
        if (!absent[0] && !remark[0])
            continue;
        (void)fputs("<li>", out);
        bench_html_printf(out, "%s: %s", bench_text_at(p, "name"), absent[0] ? absent : remark);
        (void)fputs("</li>\n", out);
    }
}

/* ---- the relay compared with it ---- */

/* The values of a roof, bar by bar and column by column. */
static const struct {
    const char *key, *name;
} roof_parts[] = {
    {"ktlsgate_s_per_gib", "ktlsgate"},
    {"plain_s_per_gib", "nginx, plain"},
    {"over_plain_s_per_gib", "difference"},
    {"aead_s_per_gib", "AEAD alone"},
};

static unsigned colour_of_part(struct bench_page *page, size_t part, const char *by)
{
    if (part == 3)
        return bench_colour_of(&page->providers, by);
    return bench_colour_of(&page->systems, part == 1 ? "plain" : "ktlsgate");
}

static int plot_roof(struct bench_page *page, const json_t *roof, struct gw_error *err)
{
    char title[BENCH_NAME_MAX];
    const char *by = bench_text_at(roof, "by");
    struct bench_chart *chart = bench_page_chart(page, BENCH_BARS, "CPU-s/GiB");
    for (size_t i = 0; i < GW_ARRAY_SIZE(roof_parts); i++) {
        struct bench_value v = bench_value_at(roof, roof_parts[i].key);
        struct bench_series *s =
            v.known ? bench_chart_add(chart, roof_parts[i].name, colour_of_part(page, i, by))
                    : NULL;
        if (s)
            bench_series_add(chart, s,
                             (struct bench_point){chart->count - 1, v.median, v.min, v.max});
    }
    (void)snprintf(title, sizeof(title), "%s, %s by %s", bench_text_at(roof, "case"),
                   bench_text_at(roof, "cipher"), by);
    return bench_page_plot(page, title, "lower is better", err);
}

static void write_roof_table(FILE *out, const json_t *roofs)
{
    size_t i;
    const json_t *roof;
    char number[BENCH_NUMBER_MAX];
    (void)fputs("<div class=\"wide\"><table>\n<thead><tr><th>CPU-s/GiB</th>", out);
    for (size_t p = 0; p < GW_ARRAY_SIZE(roof_parts); p++)
        (void)fprintf(out, "<th>%s</th>", roof_parts[p].name);
    (void)fputs("<th>AEAD of the difference</th></tr></thead>\n<tbody>\n", out);
    json_array_foreach(roofs, i, roof)
    {
        struct bench_value percent = bench_value_at(roof, "percent_of_roof");
        (void)fputs("<tr><th scope=\"row\">", out);
        bench_html_text(out, bench_text_at(roof, "case"));
        (void)fputs("</th>", out);
        for (size_t p = 0; p < GW_ARRAY_SIZE(roof_parts); p++)
            (void)fprintf(out, "<td>%s</td>",
                          bench_number(bench_value_at(roof, roof_parts[p].key).median, number));
        if (percent.known)
            (void)fprintf(out, "<td>%.0f %%</td></tr>\n", percent.median);
        else
            (void)fputs("<td>cheaper than plain</td></tr>\n", out);
    }
    (void)fputs("</tbody></table></div>\n", out);
}

static int write_roofs(struct bench_page *page, const json_t *roofs, struct gw_error *err)
{
    size_t i;
    const json_t *roof;
    int r = 0;
    if (!json_array_size(roofs))
        return 0;
    (void)fputs("<section>\n"
                "<h2>How close the relay is to its limit</h2>\n"
                "<p>The difference between relaying encrypted and in plaintext is what encryption "
                "costs there; AEAD alone is the least that it could cost.</p>\n"
                "<div class=\"plots\">\n",
                page->out);
    json_array_foreach(roofs, i, roof)
    {
        if (!r)
            r = plot_roof(page, roof, err);
    }
    (void)fputs("</div>\n", page->out);
    write_roof_table(page->out, roofs);
    (void)fputs("</section>\n", page->out);
    return r;
}

/* ---- all of it ---- */

static bool is_first(const json_t *figures, size_t index, const char *cipher)
{
    for (size_t i = 0; i < index; i++)
        if (!strcmp(bench_text_at(json_array_get(figures, i), "cipher"), cipher))
            return false;
    return true;
}

static int write_cipher(struct bench_page *page, const json_t *figures, const char *cipher,
                        struct gw_error *err)
{
    (void)fputs("<h3>", page->out);
    bench_html_text(page->out, cipher);
    (void)fputs("</h3>\n<div class=\"plots\">\n", page->out);
    int r = write_choice(page, &(struct choice){figures, cipher, "seal", "Seal"}, err);
    if (!r)
        r = write_choice(page, &(struct choice){figures, cipher, "open", "Open"}, err);
    (void)fputs("</div>\n", page->out);
    return r;
}

int bench_aead_write(struct bench_page *page, const json_t *crypto, struct gw_error *err)
{
    const json_t *result = json_object_get(crypto, "result");
    const json_t *figures = json_object_get(result, "figures");
    size_t i;
    const json_t *figure;
    int r = write_roofs(page, json_object_get(result, "relay"), err);
    (void)fputs("<section>\n<h2>AEAD on one processor</h2>\n"
                "<p>Records sealed and opened in one thread, the best of some rounds.</p>\n",
                page->out);
    json_array_foreach(figures, i, figure)
    {
        const char *cipher = bench_text_at(figure, "cipher");
        if (!r && cipher[0] && is_first(figures, i, cipher))
            r = write_cipher(page, figures, cipher, err);
    }
    (void)fputs("<ul class=\"note\">\n", page->out);
    write_absent(page->out, json_object_get(result, "providers"));
    (void)fputs("</ul>\n</section>\n", page->out);
    return r;
}
