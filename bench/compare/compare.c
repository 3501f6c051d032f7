/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/compare.h"

#include "bench/compare/baseline.h"
#include "bench/compare/child.h"
#include "bench/compare/resultfile.h"
#include "bench/compare/show.h"
#include "gateway/base/clock.h"
#include "gateway/config/cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of --quick: with five cases and four systems about two minutes. */
enum {
    QUICK_ROUNDS = 3
};
#define QUICK_TIME_NS (1200 * GW_NS_PER_MS)
#define SMOKE_TIME_NS (300 * GW_NS_PER_MS)

struct comparison {
    struct bench_config config; /* with what follows from it filled in */
    struct bench_place place;
    struct bench_figures figures;
    json_t *baseline; /* NULL: none */
};

/* ---- before ---- */

static void shorten(struct bench_config *config)
{
    if (config->compare.quick) {
        config->compare.rounds = QUICK_ROUNDS;
        config->time_ns = QUICK_TIME_NS;
    }
    if (config->compare.smoke) {
        config->compare.rounds = 1;
        config->time_ns = SMOKE_TIME_NS;
    }
}

/* Processors of ours from number `from` on, at most so many. */
static void take_cpus(struct bench_cpus *to, unsigned from, unsigned count)
{
    unsigned seen = 0;
    for (int cpu = 0; cpu < GW_MAX_CPU && to->count < GW_MIN(count, (unsigned)GW_MAX_WORKERS);
         cpu++)
        if (gw_cpus_allowed(cpu) && seen++ >= from)
            to->list[to->count++] = cpu;
}

/* Servers first, the load on what is left: they must not take time from each other. */
static int share_cpus(struct bench_comparison *compare, struct gw_error *err)
{
    unsigned have = gw_cpus_allowed_count();
    unsigned workers;
    int r = bench_contenders_workers(compare->workers, &workers, err);
    if (r)
        return r;
    if (compare->server_cpus.count == 0)
        take_cpus(&compare->server_cpus, 0, workers);
    if (compare->load_cpus.count == 0)
        take_cpus(&compare->load_cpus, workers, compare->workers ? have : 1);
    if (workers > compare->server_cpus.count || (compare->workers && !compare->load_cpus.count))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--workers %u: each needs a processor, and the load at least one; this "
                            "process may use %u",
                            workers, have);
    if (compare->load_cpus.count == 0) {
        (void)fputs("ktlsgate-bench: there is only one processor, so servers and load share it\n",
                    stderr);
        compare->load_cpus = compare->server_cpus;
    }
    return 0;
}

static void choose_cases(struct comparison *c)
{
    const struct bench_case *one;
    for (unsigned i = 0; (one = bench_case_at(i)); i++)
        if (bench_case_wanted(one, &c->config.compare))
            c->figures.cases[c->figures.case_count++] = one;
}

static int prepare(struct comparison *c, struct gw_error *err)
{
    struct bench_comparison *compare = &c->config.compare;
    shorten(&c->config);
    int r = bench_cases_check(compare, err);
    if (!r)
        r = share_cpus(compare, err);
    if (!r && compare->baseline)
        r = bench_baseline_read(&c->baseline, compare->baseline, err);
    if (!r)
        r = bench_contenders_find(&c->figures.contenders, compare, err);
    if (r)
        return r;
    if (c->figures.contenders.absent[0])
        (void)fprintf(stderr, "ktlsgate-bench: left out, because not installed: %s\n",
                      c->figures.contenders.absent);
    choose_cases(c);
    return bench_place_init(&c->place, compare, err);
}

/* ---- rounds ---- */

/* One measurement more. What goes wrong with a system is noted, and it has no more of them. */
static void measure(struct comparison *c, unsigned round, unsigned at_case, unsigned contender)
{
    struct bench_figures *f = &c->figures;
    struct bench_row *row = &f->rows[at_case][contender];
    struct gw_error err;
    struct bench_trial trial = {
        .config = &c->config,
        .place = &c->place,
        .one = f->cases[at_case],
        .contender = &f->contenders.list[contender],
    };
    (void)snprintf(trial.title, sizeof(trial.title), "round %u of %u, %s, %s", round + 1,
                   (unsigned)c->config.compare.rounds, trial.one->name, trial.contender->name);
    if (row->error[0])
        return;
    int r = bench_trial_run(&trial, &row->samples[row->count], &err);
    if (!r)
        row->count++;
    else if (r != -EINTR)
        (void)snprintf(row->error, sizeof(row->error), "%s", err.text);
}

/* Each round another system begins: none is always the one behind another. */
static int run_rounds(struct comparison *c, struct gw_error *err)
{
    struct bench_figures *f = &c->figures;
    unsigned n = f->contenders.count;
    for (unsigned round = 0; round < c->config.compare.rounds; round++) {
        for (unsigned at_case = 0; at_case < f->case_count; at_case++) {
            for (unsigned turn = 0; turn < n; turn++) {
                unsigned contender = (turn + round) % n;
                if (bench_figures_has(f, at_case, contender))
                    measure(c, round, at_case, contender);
                if (bench_child_interrupted())
                    return gw_error_set(err, GW_EXIT_OTHER, "interrupted; nothing is written");
            }
        }
    }
    return 0;
}

/* ---- after ---- */

static unsigned count_failed(const struct bench_figures *f)
{
    unsigned failed = 0;
    for (unsigned c = 0; c < f->case_count; c++)
        for (unsigned i = 0; i < f->contenders.count; i++)
            failed += f->rows[c][i].error[0] != '\0';
    return failed;
}

static int write_result(const struct comparison *c, struct gw_error *err)
{
    const struct bench_comparison *compare = &c->config.compare;
    json_t *json = bench_resultfile_json(&c->config, &c->figures);
    int r = json ? 0 : gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    if (!r && compare->out)
        r = bench_resultfile_write(compare->out, json, &c->figures, err);
    if (!r && c->config.json) {
        (void)json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        (void)fputc('\n', stdout);
    }
    json_decref(json);
    return r;
}

/* Judgements go where they do not spoil the JSON. */
static int tell(const struct comparison *c, struct gw_error *err)
{
    FILE *out = c->config.json ? stderr : stdout;
    unsigned failed = count_failed(&c->figures);
    unsigned worse = 0;
    if (!c->config.json)
        bench_show_tables(out, &c->config, &c->figures);
    int r = write_result(c, err);
    if (!r && c->baseline)
        worse = bench_baseline_judge(out, c->baseline, &c->figures);
    if (!r && (fflush(stdout) || ferror(stdout)))
        r = gw_error_set(err, GW_EXIT_OTHER, "standard output could not be written");
    if (!r && failed)
        r = gw_error_set(err, GW_EXIT_OTHER, "%u measurements failed", failed);
    if (!r && worse)
        r = gw_error_set(err, GW_EXIT_OTHER, "ktlsgate is worse than the baseline in %u cases",
                         worse);
    return r;
}

int bench_compare_run(const struct bench_config *config, struct gw_error *err)
{
    struct comparison *c = calloc(1, sizeof(*c));
    if (!c)
        return gw_error_set(err, GW_EXIT_OTHER, "out of memory");
    c->config = *config;
    bench_child_begin();
    int r = prepare(c, err);
    if (!r)
        r = run_rounds(c, err);
    if (!r)
        r = tell(c, err);
    bench_place_done(&c->place);
    bench_figures_done(&c->figures);
    json_decref(c->baseline);
    free(c);
    return r;
}
