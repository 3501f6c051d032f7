/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/chart.h"

#include "gateway/base/attr.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    OURS = 0x0072b2,
};

static const unsigned palette[] = {0xe69f00, 0x009e73, 0xcc79a7, 0xd55e00,
                                   0x56b4e9, 0x8c6bb1, 0xb8a800, 0x7f4f24};

unsigned bench_colour_of(struct bench_colours *colours, const char *name)
{
    unsigned i = 0;
    if (colours->has_ours && !strncmp(name, "ktlsgate", strlen("ktlsgate")))
        return OURS;
    if (strstr(name, "plain") || strstr(name, "TCP"))
        return BENCH_GREY;
    while (i < colours->count && strncmp(colours->names[i], name, BENCH_NAME_MAX - 1) != 0)
        i++;
    if (i == colours->count && i < BENCH_SERIES_MAX)
        (void)snprintf(colours->names[colours->count++], BENCH_NAME_MAX, "%s", name);
    return palette[i % GW_ARRAY_SIZE(palette)];
}

struct bench_series *bench_chart_add(struct bench_chart *chart, const char *name, unsigned colour)
{
    if (chart->count == BENCH_SERIES_MAX)
        return NULL;
    struct bench_series *series = &chart->series[chart->count++];
    (void)snprintf(series->name, sizeof(series->name), "%s", name);
    series->colour = colour;
    series->aside = colour == BENCH_GREY;
    series->count = 0;
    return series;
}

struct bench_series *bench_chart_series(struct bench_chart *chart, const char *name,
                                        unsigned colour)
{
    for (unsigned i = 0; i < chart->count; i++)
        if (!strncmp(chart->series[i].name, name, BENCH_NAME_MAX - 1))
            return &chart->series[i];
    return bench_chart_add(chart, name, colour);
}

/* No figure of ours is beyond these, and with them no sum on the way to a plot overflows. */
static bool can_be_shown(double value, bool logarithmic)
{
    return fabs(value) < 1e15 && (!logarithmic || value > 1e-15);
}

void bench_series_add(const struct bench_chart *chart, struct bench_series *series,
                      struct bench_point point)
{
    if (series->count == BENCH_POINTS_MAX || !can_be_shown(point.x, chart->log_x) ||
        !can_be_shown(point.y, chart->log_y))
        return;
    if (!can_be_shown(point.low, chart->log_y) || !can_be_shown(point.high, chart->log_y))
        point.low = point.high = point.y;
    series->points[series->count++] = point;
}

void bench_chart_tick(struct bench_chart *chart, double at, const char *label)
{
    if (chart->tick_count == BENCH_TICKS_MAX)
        return;
    struct bench_tick *tick = &chart->ticks[chart->tick_count++];
    tick->at = at;
    (void)snprintf(tick->label, sizeof(tick->label), "%s", label);
}
