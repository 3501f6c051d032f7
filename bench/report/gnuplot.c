/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/gnuplot.h"

#include "bench/report/html.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WIDTH = 620,
    LINES_HEIGHT = 360,
    TALL_HEIGHT = 520,
    TICKS = 5, /* of an axis, about */
    BAR_HEIGHT = 34,
    BARS_REST = 66, /* the axis below, and its title */
    COMPLAINT_MAX = 160,
};

/* Of these two the page makes its own: letters and lines as dark or light as its text. */
#define INK "#010203"
#define GRID "#808080"

/* ---- the script ---- */

static bool is_micro(const char *at)
{
    return (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] == 0xb5;
}

void bench_gnuplot_label(const char *text, char out[BENCH_NAME_MAX])
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                               "0123456789 .,:+-_/()";
    size_t len = 0;
    while (*text && len + 2 < BENCH_NAME_MAX) {
        bool micro = is_micro(text);
        if (micro)
            out[len++] = *text++;
        out[len++] = micro || strchr(good, *text) ? *text : '?';
        text++;
    }
    out[len] = '\0';
}

static int height_of(const struct bench_chart *chart)
{
    if (chart->kind == BENCH_BARS)
        return BARS_REST + BAR_HEIGHT * (int)chart->count;
    return chart->tall ? TALL_HEIGHT : LINES_HEIGHT;
}

static void write_head(FILE *out, const struct bench_chart *chart, unsigned number)
{
    bool bars = chart->kind == BENCH_BARS;
    char unit[BENCH_NAME_MAX];
    bench_gnuplot_label(chart->unit, unit);
    (void)fprintf(out,
                  "set encoding utf8\n"
                  "set terminal svg noenhanced size %d,%d dynamic name 'p%u' font 'sans-serif,14'\n"
                  "set border %d lc rgb '" GRID "'\n"
                  "set tics scale 0 nomirror textcolor rgb '" INK "'\n"
                  "set grid %s lc rgb '" GRID "' lw 0.5 dt (2,4)\n"
                  "set style fill solid 1.0 noborder\n"
                  "set %s '%s' textcolor rgb '" INK "'\n",
                  WIDTH, height_of(chart), number, bars ? 2 : 3,
                  bars ? "xtics noytics" : "xtics ytics", bars ? "xlabel" : "ylabel", unit);
}

/* Numbers only: what is between the two lines is never looked at as a command. */
static void write_data(FILE *out, const struct bench_chart *chart)
{
    for (unsigned s = 0; s < chart->count; s++) {
        (void)fprintf(out, "$s%u << END\n", s);
        for (unsigned i = 0; i < chart->series[s].count; i++) {
            const struct bench_point *p = &chart->series[s].points[i];
            (void)fprintf(out, "%.9g %.9g %.9g %.9g\n", p->x, p->y, p->low, p->high);
        }
        (void)fputs("END\n", out);
    }
}

/* ---- axes: gnuplot's own numbers have no commas, and too many of them stand side by side ---- */

struct range {
    double low, high; /* low > high: empty */
};

static void widen(struct range *range, double value)
{
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

static struct range range_of(const struct bench_chart *chart, bool of_x)
{
    struct range range = {INFINITY, -INFINITY};
    for (unsigned s = 0; s < chart->count; s++)
        for (unsigned i = 0; i < chart->series[s].count; i++) {
            const struct bench_point *p = &chart->series[s].points[i];
            widen(&range, of_x ? p->x : p->low);
            widen(&range, of_x ? p->x : p->high);
        }
    return range.low > range.high ? (struct range){1, 1} : range;
}

/* 1, 2 or 5 times a power of ten, not below what is wanted. */
static double step_from(double wanted)
{
    double power = pow(10, floor(log10(wanted)));
    return power * (wanted <= power ? 1 : wanted <= 2 * power ? 2 : wanted <= 5 * power ? 5 : 10);
}

static void write_number_tick(FILE *out, double at, bool *any)
{
    char number[BENCH_NUMBER_MAX], plain[BENCH_NUMBER_MAX];
    (void)snprintf(plain, sizeof(plain), "%.6g", at);
    (void)fprintf(out, "%s'%s' %.9g", *any ? ", " : "",
                  at < 1000 ? plain : bench_number(at, number), at);
    *any = true;
}

static void write_linear_ticks(FILE *out, const char *axis, double high)
{
    double step = step_from(high / TICKS);
    bool any = false;
    (void)fprintf(out, "set %stics scale 0 (", axis);
    for (unsigned i = 0; i * step <= high * 1.0001; i++)
        write_number_tick(out, i * step, &any);
    (void)fputs(")\n", out);
}

/* Each decade, and where they are few what lies between. */
static void write_log_ticks(FILE *out, const char *axis, struct range range)
{
    static const int parts[] = {1, 2, 5};
    bool few = range.high / range.low < 300, any = false;
    (void)fprintf(out, "set %stics scale 0 (", axis);
    for (double power = pow(10, floor(log10(range.low))); power <= range.high; power *= 10)
        for (size_t i = 0; i < (few ? GW_ARRAY_SIZE(parts) : 1); i++)
            write_number_tick(out, power * parts[i], &any);
    (void)fputs(")\n", out);
}

static void write_bars(FILE *out, const struct bench_chart *chart)
{
    char name[BENCH_NAME_MAX], number[BENCH_NUMBER_MAX];
    double high = fmax(range_of(chart, false).high, chart->mark);
    high = high > 0 ? high * 1.13 : 1; /* with room for a number behind the longest */
    write_linear_ticks(out, "x", high);
    (void)fprintf(out, "set key off\nset ytics scale 0 (");
    for (unsigned s = 0; s < chart->count; s++) {
        bench_gnuplot_label(chart->series[s].name, name);
        (void)fprintf(out, "%s'%s' %u", s ? ", " : "", name, s);
    }
    (void)fputs(")\n", out);
    for (unsigned s = 0; s < chart->count; s++)
        if (chart->series[s].count)
            (void)fprintf(out, "set label '%s' at %.9g,%u offset 0.8,0 textcolor rgb '" INK "'\n",
                          bench_number(chart->series[s].points[0].y, number),
                          chart->series[s].points[0].high, s);
    if (chart->mark > 0)
        (void)fprintf(out,
                      "set arrow from %.9g,-0.5 to %.9g,%u.5 nohead lc rgb '" INK "' lw 1.2 dt 2\n",
                      chart->mark, chart->mark, chart->count - 1);
    (void)fprintf(out, "set xrange [0:%.9g]\nset yrange [%u.5:-0.5]\nplot ", high,
                  chart->count - 1);
    for (unsigned s = 0; s < chart->count; s++) {
        const struct bench_point *p = &chart->series[s].points[0];
        (void)fprintf(out,
                      "%s$s%u using 2:1:(0):2:(%u-0.34):(%u+0.34) with boxxyerror lc rgb '#%06x'",
                      s ? ", " : "", s, s, s, chart->series[s].colour);
        if (p->high > p->low)
            (void)fprintf(out, ", $s%u using 2:1:3:4 with xerrorbars pt -1 lw 1.4 lc rgb '" INK "'",
                          s);
    }
    (void)fputc('\n', out);
}

static void write_ticks(FILE *out, const struct bench_chart *chart)
{
    char label[BENCH_NAME_MAX];
    for (unsigned i = 0; i < chart->tick_count; i++) {
        bench_gnuplot_label(chart->ticks[i].label, label);
        (void)fprintf(out, "%s'%s' %.9g", i ? ", " : "set xtics (", label, chart->ticks[i].at);
    }
    if (chart->tick_count)
        (void)fputs(")\n", out);
}

static void write_axes(FILE *out, const struct bench_chart *chart)
{
    struct range x = range_of(chart, true), y = range_of(chart, false);
    double margin = chart->log_x && x.high / x.low < 1e4 && !chart->tall ? 1.2 : 1;
    if (chart->x_title)
        (void)fprintf(out, "set xlabel '%s' textcolor rgb '" INK "'\n", chart->x_title);
    (void)fprintf(out, "set xrange [%.9g:%.9g]\n%s", x.low / margin,
                  fmax(x.high, x.low * 1.01) * margin, chart->log_x ? "set logscale x\n" : "");
    write_ticks(out, chart);
    if (chart->log_y) {
        write_log_ticks(out, "y", y);
        (void)fprintf(out, "set yrange [%.9g:%.9g]\nset logscale y\n", y.low / 1.3, y.high * 1.3);
    } else {
        write_linear_ticks(out, "y", y.high > 0 ? y.high * 1.1 : 1);
        (void)fprintf(out, "set yrange [0:%.9g]\n", y.high > 0 ? y.high * 1.1 : 1);
    }
}

static bool has_spread(const struct bench_series *series)
{
    bool any = false;
    for (unsigned i = 0; i < series->count; i++)
        any |= series->points[i].high > series->points[i].low;
    return any;
}

/* Lines also differ in their marks, for readers who cannot distinguish the colours; of many points
 * only some get one. */
static void write_line(FILE *out, const struct bench_chart *chart, unsigned s)
{
    static const int marks[] = {7, 5, 9, 13, 11, 6, 4, 8};
    const struct bench_series *series = &chart->series[s];
    bool marked = !series->aside;
    char name[BENCH_NAME_MAX];
    bench_gnuplot_label(series->name, name);
    (void)fprintf(out, "%s$s%u using 1:2 with %s lc rgb '#%06x' lw %s dt %u", s ? ", " : "", s,
                  marked ? "linespoints" : "lines", series->colour, series->aside ? "1.6" : "2.4",
                  series->aside ? 2 : 1 + s / 8);
    if (marked)
        (void)fprintf(out, " pt %d ps 0.7 pointinterval %u", marks[s % GW_ARRAY_SIZE(marks)],
                      1 + series->count / BENCH_TICKS_MAX);
    (void)fprintf(out, " title '%s'", name);
    if (has_spread(series)) /* error bars would clear the points below them to white */
        (void)fprintf(
            out, ", $s%u using 1:3:(0):($4-$3) with vectors nohead lw 1.4 lc rgb '" INK "' notitle",
            s);
}

static void write_lines(FILE *out, const struct bench_chart *chart)
{
    (void)fputs("set key above horizontal left textcolor rgb '" INK "'\n", out);
    write_axes(out, chart);
    (void)fputs("plot ", out);
    for (unsigned s = 0; s < chart->count; s++)
        write_line(out, chart, s);
    (void)fputc('\n', out);
}

void bench_gnuplot_script(FILE *out, const struct bench_chart *chart, unsigned number)
{
    write_head(out, chart, number);
    write_data(out, chart);
    if (chart->kind == BENCH_BARS)
        write_bars(out, chart);
    else
        write_lines(out, chart);
}

/* ---- what comes out ---- */

/* The words after which an id or a reference to one begins. */
static const char *const before_id[] = {"id='", "id=\"", "href='#", "url(#"};

static size_t id_begins(const char *at)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(before_id); i++)
        if (!strncmp(at, before_id[i], strlen(before_id[i])))
            return strlen(before_id[i]);
    return 0;
}

/* Past an element that would be shown where the mouse rests, or says nothing to anyone. */
static const char *skip_words(const char *at)
{
    static const char *const ends[][2] = {{"<title>", "</title>"}, {"<desc>", "</desc>"}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(ends); i++) {
        const char *end =
            strncmp(at, ends[i][0], strlen(ends[i][0])) ? NULL : strstr(at, ends[i][1]);
        if (end)
            return end + strlen(ends[i][1]);
    }
    return at;
}

void bench_gnuplot_copy(FILE *out, const char *svg, unsigned number)
{
    const char *at = strstr(svg, "<svg");
    while (at && *at) {
        const char *next = skip_words(at);
        size_t len = next == at ? id_begins(at) : 0;
        if (len) {
            (void)fprintf(out, "%.*sp%u-", (int)len, at, number);
            at += len;
        } else if (next != at) {
            at = next;
        } else {
            (void)fputc(*at++, out);
        }
    }
}

/* ---- the child ---- */

struct child {
    int in, out, err; /* files in memory: nobody waits for anybody */
};

static void child_done(struct child *c)
{
    const int fds[] = {c->in, c->out, c->err};
    for (size_t i = 0; i < GW_ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

static int child_init(struct child *c)
{
    c->in = memfd_create("script", MFD_CLOEXEC);
    c->out = memfd_create("svg", MFD_CLOEXEC);
    c->err = memfd_create("errors", MFD_CLOEXEC);
    return c->in < 0 || c->out < 0 || c->err < 0 ? -errno : 0;
}

/* The whole text of a file in memory; NULL without memory. */
static char *read_all(int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    char *text = len < 0 ? NULL : malloc((size_t)len + 1);
    ssize_t n = text ? pread(fd, text, (size_t)len, 0) : -1;
    if (text)
        text[n > 0 ? n : 0] = '\0';
    return text;
}

static int write_script(int fd, const struct bench_chart *chart, unsigned number)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
    if (!f)
        return -errno;
    bench_gnuplot_script(f, chart, number);
    bool failed = ferror(f);
    failed |= fclose(f) != 0;
    return failed || lseek(fd, 0, SEEK_SET) < 0 ? -EIO : 0;
}

/* 0 with the exit status as from waitpid(2); a negative errno: it could not be started. */
static int run(const struct child *c, int *ret_status)
{
    static char name[] = "gnuplot", defaults[] = "-d"; /* nobody's settings but ours */
    char *const argv[] = {name, defaults, NULL};
    posix_spawn_file_actions_t files;
    pid_t pid;
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_adddup2(&files, c->in, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, c->out, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, c->err, STDERR_FILENO);
    int r = posix_spawnp(&pid, name, &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    while (!r && waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR)
            r = errno;
    return -r;
}

static int refuse(const struct child *c, struct gw_error *err)
{
    char *said = read_all(c->err);
    const char *text = said ? said + strspn(said, "\n ") : "";
    gw_error_set(err, GW_EXIT_OTHER, "gnuplot does not draw a plot: %.*s", COMPLAINT_MAX, text);
    free(said);
    return -EIO;
}

static int give(const struct child *c, FILE *out, unsigned number, struct gw_error *err)
{
    char *svg = read_all(c->out);
    bool whole = svg && strstr(svg, "<svg") && strstr(svg, "</svg>");
    if (whole)
        bench_gnuplot_copy(out, svg, number);
    free(svg);
    return whole ? 0 : refuse(c, err);
}

int bench_gnuplot_draw(FILE *out, const struct bench_chart *chart, unsigned number,
                       struct gw_error *err)
{
    struct child c;
    int status = 0;
    int r = child_init(&c);
    if (!r)
        r = write_script(c.in, chart, number);
    if (!r)
        r = run(&c, &status);
    if (r == -ENOENT)
        r = gw_error_set(err, GW_EXIT_START,
                         "gnuplot, which draws the plots, is not installed: it is in Debian's "
                         "package gnuplot-nox");
    else if (r)
        r = gw_error_set(err, GW_EXIT_OTHER, "gnuplot cannot be started: %s", strerror(-r));
    else
        r = status ? refuse(&c, err) : give(&c, out, number, err);
    child_done(&c);
    return r;
}
