/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/show.h"

#include "bench/tool/machine.h"
#include "bench/tool/output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIB ((double)(UINT64_C(1) << 30))

/* ---- a terminal ---- */

static bool progress_shown;

void bench_show_progress(const struct bench_comparison *c, unsigned round, unsigned case_at,
                         unsigned system_at)
{
    if (!isatty(STDERR_FILENO))
        return;
    progress_shown = true;
    (void)fprintf(stderr, "\r\033[Kround %u of %llu: %s, %s ", round + 1,
                  (unsigned long long)c->config->rounds, c->cases[case_at]->name,
                  c->systems[system_at].peer->name);
}

void bench_show_progress_end(void)
{
    if (progress_shown)
        (void)fputs("\r\033[K", stderr);
}

/* ---- tables ---- */

struct spread {
    double median, min, max;
};

static struct spread spread_of(const double *values, unsigned count)
{
    struct spread s = {.median = bench_median(values, count),
                       .min = count ? values[0] : 0,
                       .max = count ? values[0] : 0};
    for (unsigned i = 1; i < count; i++) {
        s.min = GW_MIN(s.min, values[i]);
        s.max = GW_MAX(s.max, values[i]);
    }
    return s;
}

static void print_row(const struct bench_comparison *c, unsigned case_at, unsigned system_at)
{
    const struct bench_case *what = c->cases[case_at];
    const struct bench_system *system = &c->systems[system_at];
    const struct bench_cell *cell = &c->cells[case_at][system_at];
    struct spread cost = spread_of(cell->cost, cell->rounds);
    double rate = bench_median(cell->rate, cell->rounds);
    int digits = what->command == BENCH_BULK ? 3 : cost.median < 100 ? 2 : 0;
    (void)printf("  %-12s", system->peer->name);
    if (cell->rounds == 0) {
        (void)printf("  %s\n", cell->failed[0] ? cell->failed : "not measured");
        return;
    }
    (void)printf("%10.*f  (%.*f-%.*f)", digits, cost.median, digits, cost.min, digits, cost.max);
    if (what->command == BENCH_BULK)
        (void)printf("%14.2f GiB/s", rate / GIB);
    else if (what->command != BENCH_IDLE)
        (void)printf("%14.0f /s", rate);
    if (system->peer->plain)
        (void)printf("   without TLS");
    else if (bench_ratio(c, case_at, system_at) > 0)
        (void)printf("   %.2f of the best peer", bench_ratio(c, case_at, system_at));
    (void)putchar('\n');
    if (cell->failed[0])
        (void)printf("  %-12s  then: %s\n", "", cell->failed);
}

static void print_tables(const struct bench_comparison *c)
{
    (void)printf(
        "Medians of %llu rounds of %.1f s in turns (least to most); one worker on processor "
        "%llu, load and\norigin on %llu. Less is better.\n",
        (unsigned long long)c->config->rounds, (double)c->config->time_ns / 1e9,
        (unsigned long long)c->config->server_cpu, (unsigned long long)c->config->load_cpu);
    for (unsigned i = 0; i < c->case_count; i++) {
        (void)printf("\n%s: %s, %s\n", c->cases[i]->name, c->cases[i]->title, c->cases[i]->unit);
        for (unsigned k = 0; k < c->system_count; k++)
            if (c->cases[i]->plain || !c->systems[k].peer->plain)
                print_row(c, i, k);
    }
}

/* ---- JSON ---- */

static json_t *spread_json(const double *values, unsigned count, double scale, const char *unit)
{
    struct spread s = spread_of(values, count);
    return json_pack("{s:f, s:f, s:f, s:s}", "median", s.median * scale, "min", s.min * scale,
                     "max", s.max * scale, "unit", unit);
}

/* The run whose cost is nearest to the median: the one whose times are told. */
static unsigned middle_run(const struct bench_cell *cell)
{
    double median = bench_median(cell->cost, cell->rounds);
    unsigned best = 0;
    for (unsigned i = 1; i < cell->rounds; i++) {
        double here = cell->cost[i] - median, there = cell->cost[best] - median;
        if (here * here < there * there)
            best = i;
    }
    return best;
}

static json_t *runs_json(const struct bench_cell *cell)
{
    json_t *runs = json_array();
    for (unsigned i = 0; i < cell->rounds; i++) {
        json_t *whole = bench_output_json(&cell->config, &cell->results[i]);
        json_t *result = json_object_get(whole, "result");
        json_t *times = json_object_get(result, "times_us");
        if (i != middle_run(cell) && times) /* curves are long */
            (void)json_object_del(times, "curve");
        json_array_append(runs, result);
        json_decref(whole);
    }
    return runs;
}

static json_t *row_json(const struct bench_comparison *c, unsigned case_at, unsigned system_at)
{
    const struct bench_case *what = c->cases[case_at];
    const struct bench_cell *cell = &c->cells[case_at][system_at];
    bool bulk = what->command == BENCH_BULK;
    json_t *row = json_pack("{s:s}", "system", c->systems[system_at].peer->name);
    if (cell->failed[0])
        json_object_set_new(row, "failed", json_string(cell->failed));
    if (cell->rounds == 0)
        return row;
    json_object_set_new(row, "server_cpu", spread_json(cell->cost, cell->rounds, 1, what->unit));
    json_object_set_new(
        row, "per_second",
        spread_json(cell->rate, cell->rounds, bulk ? 1 / GIB : 1, bulk ? "GiB/s" : "1/s"));
    if (what->command == BENCH_IDLE)
        json_object_set_new(row, "memory_bytes_per_connection",
                            json_real(bench_median(cell->cost, cell->rounds) * 1024));
    if (!c->systems[system_at].peer->plain)
        json_object_set_new(row, "ratio_to_best_peer",
                            json_real(bench_ratio(c, case_at, system_at)));
    json_t *runs = runs_json(cell);
    json_t *times = json_object_get(json_array_get(runs, middle_run(cell)), "times_us");
    if (times)
        json_object_set(row, "times_us", times);
    json_object_set_new(row, "runs", runs);
    return row;
}

static json_t *case_json(const struct bench_comparison *c, unsigned at)
{
    json_t *rows = json_array();
    for (unsigned k = 0; k < c->system_count; k++)
        if (c->cases[at]->plain || !c->systems[k].peer->plain)
            json_array_append_new(rows, row_json(c, at, k));
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", c->cases[at]->name, "title",
                     c->cases[at]->title, "unit", c->cases[at]->unit, "lower_is_better", 1, "rows",
                     rows);
}

/* The paths in it belong to one run on one machine; the rest is what a reader wants to know. */
static json_t *config_json(const struct bench_comparison *c, const struct bench_peer *peer)
{
    char *text = NULL;
    size_t len = 0;
    struct bench_site site = c->site;
    (void)snprintf(site.folder, sizeof(site.folder), "FOLDER");
    (void)snprintf(site.cert, sizeof(site.cert), "FOLDER/cert.pem");
    (void)snprintf(site.key, sizeof(site.key), "FOLDER/key.pem");
    (void)snprintf(site.both, sizeof(site.both), "FOLDER/both.pem");
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return json_null();
    peer->configure(&site, f);
    (void)fclose(f);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static json_t *comparison_json(const struct bench_comparison *c)
{
    json_t *systems = json_array();
    json_t *cases = json_array();
    char tls[160];
    const struct bench_config *config = c->config;
    for (unsigned k = 0; k < c->system_count; k++)
        json_array_append_new(systems,
                              json_pack("{s:s, s:s, s:o}", "name", c->systems[k].peer->name,
                                        "version", c->systems[k].version, "config",
                                        config_json(c, c->systems[k].peer)));
    for (unsigned i = 0; i < c->case_count; i++)
        json_array_append_new(cases, case_json(c, i));
    bench_output_tls(config, tls, sizeof(tls));
    json_t *settings =
        json_pack("{s:I, s:f, s:s, s:s, s:I, s:I}", "rounds", (json_int_t)config->rounds, "seconds",
                  (double)config->time_ns / 1e9, "tls", tls, "certificate",
                  config->rsa ? "RSA-2048" : "ECDSA P-256", "server_cpu",
                  (json_int_t)config->server_cpu, "load_cpu", (json_int_t)config->load_cpu);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "tool", "ktlsgate-bench " KTLSGATE_VERSION,
                     "work", "compare", "machine", bench_machine_json(), "settings", settings,
                     "systems", systems, "cases", cases);
}

/* ---- a baseline ---- */

/* Ours in this case; UINT_MAX: not compared. */
static unsigned our_system(const struct bench_comparison *c)
{
    unsigned at = 0;
    while (at < c->system_count && !c->systems[at].peer->ours)
        at++;
    return at;
}

/* True when it is worse than the baseline allows. */
static bool print_beside(const char *name, double now, double then, double tolerance)
{
    double by = then > 0 ? (now / then - 1) * 100 : 0;
    bool worse = now > then * (1 + tolerance);
    (void)printf("  %-18s %.2f of the best peer, %.2f then: %s (%+.0f %%, %.0f %% allowed)\n", name,
                 now, then, worse ? "WORSE" : "ok", by, tolerance * 100);
    return worse;
}

static int compare_with(const struct bench_comparison *c, const json_t *baseline,
                        struct gw_error *err)
{
    unsigned ours = our_system(c);
    unsigned worse = 0;
    (void)printf("\nBeside the baseline %s:\n", c->config->baseline);
    for (unsigned i = 0; i < c->case_count && ours < c->system_count; i++) {
        double then, tolerance;
        json_t *row = json_object_get(baseline, c->cases[i]->name);
        double now = bench_ratio(c, i, ours);
        if (!row || now <= 0)
            continue;
        if (json_unpack(row, "{s:F, s:F}", "ratio", &then, "tolerance", &tolerance))
            return gw_error_set(err, GW_EXIT_USAGE, "--baseline %s: '%s' has no ratio or tolerance",
                                c->config->baseline, c->cases[i]->name);
        worse += print_beside(c->cases[i]->name, now, then, tolerance);
    }
    return worse ? gw_error_set(err, GW_EXIT_OTHER, "%u of the cases became worse", worse) : 0;
}

static int show_baseline(const struct bench_comparison *c, struct gw_error *err)
{
    json_error_t why;
    json_t *baseline = json_load_file(c->config->baseline, 0, &why);
    if (!baseline)
        return gw_error_set(err, GW_EXIT_START, "--baseline %s: %s", c->config->baseline, why.text);
    int r = compare_with(c, baseline, err);
    json_decref(baseline);
    return r;
}

/* ---- all of it ---- */

static int save(const char *folder, const json_t *json, struct gw_error *err)
{
    char path[BENCH_PATH_MAX];
    (void)snprintf(path, sizeof(path), "%.4000s/compare.json", folder);
    if (mkdir(folder, 0777) && errno != EEXIST)
        return gw_error_set(err, GW_EXIT_START, "--out %.400s: %s", folder, strerror(errno));
    return bench_output_save(path, json, err);
}

int bench_show_result(const struct bench_comparison *c, struct gw_error *err)
{
    json_t *json = comparison_json(c);
    int r = json ? 0 : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!r && c->config->json)
        (void)json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    else if (!r)
        print_tables(c);
    if (!r && c->config->out)
        r = save(c->config->out, json, err);
    if (!r && c->config->baseline && !c->config->json)
        r = show_baseline(c, err);
    json_decref(json);
    if (!r && (fflush(stdout) || ferror(stdout)))
        r = gw_error_set(err, GW_EXIT_OTHER, "standard output could not be written");
    return r;
}
