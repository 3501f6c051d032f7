/* SPDX-License-Identifier: Apache-2.0 */
/* A plot as data, before anything draws it. */
#pragma once

#include <stdbool.h>

enum {
    BENCH_SERIES_MAX = 24,
    BENCH_POINTS_MAX = 512,
    BENCH_TICKS_MAX = 16,
    BENCH_NAME_MAX = 64,
    BENCH_GREY = 0x949494, /* of what is no TLS */
};

enum bench_chart_kind {
    BENCH_BARS,  /* a series each, whose one point is at the place of the series */
    BENCH_LINES, /* a line for each series */
};

struct bench_point {
    double x, y;
    double low, high; /* where rounds ended; equal to y where there is but one */
};

struct bench_series {
    char name[BENCH_NAME_MAX]; /* as in the file: anything */
    unsigned colour;           /* 0xRRGGBB */
    bool aside;                /* what is only there to be compared with: drawn thin */
    unsigned count;
    struct bench_point points[BENCH_POINTS_MAX];
};

struct bench_tick {
    double at;
    char label[16];
};

struct bench_chart {
    enum bench_chart_kind kind;
    char unit[BENCH_NAME_MAX]; /* of y, as in the file */
    const char *x_title;       /* NULL: none */
    bool log_x, log_y;
    bool tall;   /* of lines: as high as two charts of bars */
    double mark; /* a line across all bars; 0: none */
    unsigned count;
    struct bench_series series[BENCH_SERIES_MAX];
    unsigned tick_count; /* of x; 0: as it comes */
    struct bench_tick ticks[BENCH_TICKS_MAX];
};

/* The colour of a name in all plots of a page. The first names get colours that colour-blind people
 * can distinguish (Okabe and Ito); plain TCP is grey. */
struct bench_colours {
    bool has_ours; /* what begins with "ktlsgate" has a colour that no other name gets */
    unsigned count;
    char names[BENCH_SERIES_MAX][BENCH_NAME_MAX];
};

unsigned bench_colour_of(struct bench_colours *colours, const char *name);

/* NULL when it holds BENCH_SERIES_MAX already. Else an empty one at the end. */
struct bench_series *bench_chart_add(struct bench_chart *chart, const char *name, unsigned colour);
/* The one of that name, or a new one. */
struct bench_series *bench_chart_series(struct bench_chart *chart, const char *name,
                                        unsigned colour);
/* What there is no room for, or is no number or past all bounds, is left out; with log axes also
 * what is not above zero. */
void bench_series_add(const struct bench_chart *chart, struct bench_series *series,
                      struct bench_point point);
void bench_chart_tick(struct bench_chart *chart, double at, const char *label);
