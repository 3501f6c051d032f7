/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/show.h"

#include <inttypes.h>
#include <string.h>

#define AT(member) offsetof(struct bench_sample, member)

enum {
    CELL_MAX = 64
};

/* Three digits that say something. */
static const char *number(double value, char out[CELL_MAX])
{
    int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    (void)snprintf(out, CELL_MAX, "%.*f", digits, value);
    return out;
}

static const char *spread_text(struct bench_spread s, double scale, char out[CELL_MAX])
{
    char median[CELL_MAX], min[CELL_MAX], max[CELL_MAX];
    (void)snprintf(out, CELL_MAX, "%.14s (%.14s-%.14s)", number(s.median / scale, median),
                   number(s.min / scale, min), number(s.max / scale, max));
    return out;
}

/* ---- columns ---- */

struct cell {
    const struct bench_figures *f;
    unsigned at_case, contender;
};

static const struct bench_row *row_of(const struct cell *c)
{
    return &c->f->rows[c->at_case][c->contender];
}

static bool is_idle(const struct bench_case *one)
{
    return one->measure == BENCH_MEMORY_PER_CONN;
}

static void put_memory(const struct cell *c, char out[CELL_MAX])
{
    (void)spread_text(bench_figures_spread(row_of(c), AT(memory)), 1024, out);
}

static void put_cpu(const struct cell *c, char out[CELL_MAX])
{
    (void)spread_text(bench_figures_spread(row_of(c), AT(cpu)), 1, out);
}

static void put_ratio(const struct cell *c, char out[CELL_MAX])
{
    double ratio = bench_figures_ratio(c->f, c->at_case, c->contender);
    (void)snprintf(out, CELL_MAX, "%s", "-");
    if (ratio > 0)
        (void)snprintf(out, CELL_MAX, "%.2f", ratio);
}

static void put_rate(const struct cell *c, char out[CELL_MAX])
{
    (void)number(bench_figures_spread(row_of(c), AT(rate)).median, out);
}

static void put_share(const struct cell *c, char out[CELL_MAX])
{
    (void)snprintf(out, CELL_MAX, "%.0f %%",
                   bench_figures_spread(row_of(c), AT(share)).median * 100);
}

static void put_times(const struct cell *c, char out[CELL_MAX])
{
    char p50[CELL_MAX], p99[CELL_MAX];
    const struct bench_sample *middle = bench_figures_middle(c->f, c->at_case, c->contender);
    (void)snprintf(out, CELL_MAX, "%.20s / %.20s", number(middle->p50_us, p50),
                   number(middle->p99_us, p99));
}

static const char *memory_head(const struct bench_case *one)
{
    return is_idle(one) ? "KiB/connection" : NULL;
}

static const char *cpu_head(const struct bench_case *one)
{
    return one->unit;
}

static const char *ratio_head(const struct bench_case *one)
{
    (void)one;
    return "of best peer";
}

static const char *rate_head(const struct bench_case *one)
{
    return one->rate_unit;
}

static const char *share_head(const struct bench_case *one)
{
    return is_idle(one) ? NULL : "busy";
}

static const char *times_head(const struct bench_case *one)
{
    bool has = one->command != BENCH_BULK && !is_idle(one);
    return has ? "p50 / p99 us" : NULL;
}

static const struct {
    int width;
    const char *(*head)(const struct bench_case *one); /* NULL: the case has no such column */
    void (*put)(const struct cell *c, char out[CELL_MAX]);
} columns[] = {
    {24, memory_head, put_memory}, {24, cpu_head, put_cpu},    {14, ratio_head, put_ratio},
    {16, rate_head, put_rate},     {8, share_head, put_share}, {0, times_head, put_times},
};

/* ---- rows ---- */

static void print_heads(FILE *out, const struct bench_case *one)
{
    (void)fprintf(out, "  %-14s", "system");
    for (size_t i = 0; i < GW_ARRAY_SIZE(columns); i++)
        if (columns[i].head(one))
            (void)fprintf(out, "%-*s", columns[i].width, columns[i].head(one));
    (void)fputc('\n', out);
}

static void print_row(FILE *out, const struct cell *c)
{
    char text[CELL_MAX];
    const struct bench_row *row = row_of(c);
    const struct bench_case *one = c->f->cases[c->at_case];
    (void)fprintf(out, "  %-14s", c->f->contenders.list[c->contender].name);
    for (size_t i = 0; row->count > 0 && i < GW_ARRAY_SIZE(columns); i++) {
        if (!columns[i].head(one))
            continue;
        columns[i].put(c, text);
        (void)fprintf(out, "%-*s", columns[i].width, text);
    }
    (void)fprintf(out, "%s\n", row->count ? "" : "failed");
}

static void print_case(FILE *out, const struct bench_config *config, const struct bench_figures *f,
                       unsigned at_case, const char *tls)
{
    struct bench_config load;
    const struct bench_case *one = f->cases[at_case];
    bench_case_load(one, config, 0, false, &load);
    (void)fprintf(out, "\n%s: %s, %s, %" PRIu64 " connections\n", one->name, one->title, tls,
                  load.connections);
    print_heads(out, one);
    for (unsigned i = 0; i < f->contenders.count; i++)
        if (bench_figures_has(f, at_case, i))
            print_row(out, &(struct cell){f, at_case, i});
}

/* What keeps a system from starting is the same in all cases. */
static bool is_said(const struct bench_figures *f, unsigned at_case, unsigned contender)
{
    for (unsigned c = 0; c < at_case; c++)
        if (!strcmp(f->rows[c][contender].error, f->rows[at_case][contender].error))
            return true;
    return false;
}

static void print_errors(FILE *out, const struct bench_figures *f)
{
    for (unsigned c = 0; c < f->case_count; c++)
        for (unsigned i = 0; i < f->contenders.count; i++)
            if (f->rows[c][i].error[0] && !is_said(f, c, i))
                (void)fprintf(out, "failed: %s\n", f->rows[c][i].error);
}

void bench_show_tables(FILE *out, const struct bench_config *config, const struct bench_figures *f)
{
    static const char *const versions[] = {"TLS 1.2", "TLS 1.3"};
    static const char *const ciphers[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};
    char tls[64];
    (void)snprintf(tls, sizeof(tls), "%s %s", versions[config->tls], ciphers[config->cipher]);
    for (unsigned i = 0; i < f->contenders.count; i++) {
        const struct bench_contender *c = &f->contenders.list[i];
        (void)fprintf(out, "%s%s %s", i ? ", " : "", c->name, c->version);
    }
    (void)fputc('\n', out);
    for (unsigned c = 0; c < f->case_count; c++)
        print_case(out, config, f, c, tls);
    (void)fputs("\n"
                "CPU time is the server's, of all its processes: the median of the rounds "
                "(least-most). Busy is the\n"
                "share of its processors that it used: if that is well below 100 %, the load\n"
                "was the limit, and the rate is that of the load.\n",
                out);
    print_errors(out, f);
}
