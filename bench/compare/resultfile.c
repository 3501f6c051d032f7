/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/resultfile.h"

#include "bench/tool/machine.h"
#include "bench/tool/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AT(member) offsetof(struct bench_sample, member)

static json_t *spread_json(struct bench_spread s)
{
    return json_pack("{s:f, s:f, s:f}", "median", s.median, "min", s.min, "max", s.max);
}

/* ---- what was asked for ---- */

static json_t *cpus_json(const struct bench_cpus *cpus)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < cpus->count; i++)
        json_array_append_new(list, json_integer(cpus->list[i]));
    return list;
}

static json_t *settings_json(const struct bench_config *config)
{
    static const char *const versions[] = {"1.2", "1.3"};
    static const char *const ciphers[] = {"aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"};
    static const char *const keys[] = {"ecdsa-p256", "rsa-2048"};
    const struct bench_comparison *compare = &config->compare;
    return json_pack("{s:I, s:f, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "rounds",
                     (json_int_t)compare->rounds, "seconds", (double)config->time_ns / 1e9, "tls",
                     versions[config->tls], "cipher", ciphers[config->cipher], "key_type",
                     keys[compare->key_type], "quick", compare->quick, "fixed", compare->fixed,
                     "server_cpus", cpus_json(&compare->server_cpus), "load_cpus",
                     cpus_json(&compare->load_cpus));
}

static json_t *systems_json(const struct bench_figures *f)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < f->contenders.count; i++) {
        const struct bench_contender *c = &f->contenders.list[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:s}", "name", c->name, "version",
                                              c->version, "workers", (int)c->workers, "config",
                                              c->text ? c->text : ""));
    }
    return list;
}

/* ---- what came of it ---- */

static void set_times(json_t *row, const struct bench_sample *middle)
{
    json_t *times = middle ? json_object_get(middle->json, "times_us") : NULL;
    if (times)
        json_object_set(row, "times_us", times);
}

static json_t *row_json(const struct bench_figures *f, unsigned at_case, unsigned contender)
{
    const struct bench_row *row = &f->rows[at_case][contender];
    const struct bench_case *one = f->cases[at_case];
    const struct bench_contender *c = &f->contenders.list[contender];
    json_t *cpu = spread_json(bench_figures_spread(row, AT(cpu)));
    json_t *runs = json_array();
    double ratio = bench_figures_ratio(f, at_case, contender);
    json_object_set_new(cpu, "unit", json_string(one->unit));
    for (unsigned i = 0; i < row->count; i++)
        json_array_append(runs, row->samples[i].json);
    json_t *all =
        json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "system", c->name, "workers", (int)c->workers,
                  "server_cpu", cpu, "per_second", spread_json(bench_figures_spread(row, AT(rate))),
                  "server_busy", spread_json(bench_figures_spread(row, AT(share))), "runs", runs);
    if (one->measure == BENCH_MEMORY_PER_CONN)
        json_object_set_new(all, "memory_bytes_per_connection",
                            json_real(bench_figures_spread(row, AT(memory)).median));
    if (ratio > 0)
        json_object_set_new(all, "ratio_to_best_peer", json_real(ratio));
    set_times(all, bench_figures_middle(f, at_case, contender));
    return all;
}

static json_t *case_json(const struct bench_figures *f, unsigned at_case)
{
    const struct bench_case *one = f->cases[at_case];
    json_t *rows = json_array();
    json_t *failed = json_array();
    for (unsigned i = 0; i < f->contenders.count; i++) {
        const struct bench_row *row = &f->rows[at_case][i];
        if (row->count > 0)
            json_array_append_new(rows, row_json(f, at_case, i));
        if (row->error[0])
            json_array_append_new(failed, json_pack("{s:s, s:s}", "system",
                                                    f->contenders.list[i].name, "why", row->error));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "name", one->name, "title", one->title,
                     "unit", one->unit, "rate_unit", one->rate_unit, "lower_is_better", true,
                     "rows", rows, "failed", failed);
}

json_t *bench_resultfile_json(const struct bench_config *config, const struct bench_figures *f)
{
    json_t *cases = json_array();
    for (unsigned i = 0; i < f->case_count; i++)
        json_array_append_new(cases, case_json(f, i));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "tool",
                     "ktlsgate-bench " KTLSGATE_VERSION, "work", "compare", "command", config->line,
                     "machine", bench_machine_json(), "settings", settings_json(config), "systems",
                     systems_json(f), "cases", cases);
}

/* ---- a folder of it ---- */

/* With all above it. */
static int make_folder(const char *folder, struct gw_error *err)
{
    char path[4000];
    if (snprintf(path, sizeof(path), "%s/", folder) >= (int)sizeof(path))
        return gw_error_set(err, GW_EXIT_USAGE, "--out '%.80s…': the path is too long", folder);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) && errno != EEXIST)
            return gw_error_set(err, GW_EXIT_OTHER, "--out %s: %s", path, strerror(errno));
        *slash = '/';
    }
    return 0;
}

static int write_text(const char *folder, const struct bench_contender *c, struct gw_error *err)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%.4000s/%s.conf", folder, c->name);
    FILE *f = fopen(path, "we");
    bool good = f && fprintf(f, "%s\n", c->text) >= 0;
    if (f && fclose(f))
        good = false;
    return good ? 0
                : gw_error_set(err, GW_EXIT_OTHER, "%.200s could not be written: %s", path,
                               strerror(errno));
}

int bench_resultfile_write(const char *folder, const json_t *json, const struct bench_figures *f,
                           struct gw_error *err)
{
    char path[4096];
    int r = make_folder(folder, err);
    for (unsigned i = 0; !r && i < f->contenders.count; i++)
        if (f->contenders.list[i].text)
            r = write_text(folder, &f->contenders.list[i], err);
    (void)snprintf(path, sizeof(path), "%.4000s/compare.json", folder);
    return r ? r : bench_output_save(path, json, err);
}
