/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/baseline.h"

struct past {
    double ratio, tolerance;
};

static bool past_of(const json_t *baseline, const char *name, struct past *ret)
{
    const json_t *one = json_object_get(json_object_get(baseline, "cases"), name);
    const json_t *ratio = json_object_get(one, "ratio");
    const json_t *tolerance = json_object_get(one, "tolerance");
    *ret = (struct past){json_number_value(ratio), json_number_value(tolerance)};
    return json_is_number(ratio) && json_is_number(tolerance) && ret->ratio > 0;
}

int bench_baseline_read(json_t **ret, const char *path, struct gw_error *err)
{
    json_error_t where;
    const char *name;
    json_t *one;
    struct past past;
    json_t *baseline = json_load_file(path, 0, &where);
    if (!baseline && where.line < 0) /* it was not read at all */
        return gw_error_set(err, GW_EXIT_START, "--baseline: %s", where.text);
    if (!baseline)
        return gw_error_set(err, GW_EXIT_START, "--baseline %.200s: %s (line %d)", path, where.text,
                            where.line);
    int r =
        json_is_object(json_object_get(baseline, "cases"))
            ? 0
            : gw_error_set(err, GW_EXIT_START, "--baseline %.200s: it holds no \"cases\"", path);
    json_object_foreach(json_object_get(baseline, "cases"), name, one)
    {
        if (!r && !past_of(baseline, name, &past))
            r = gw_error_set(err, GW_EXIT_START,
                             "--baseline %.200s: \"%.60s\" lacks a ratio or a tolerance", path,
                             name);
    }
    if (r)
        json_decref(baseline);
    else
        *ret = baseline;
    return r;
}

static bool judge(FILE *out, const char *name, const struct past *past, double ratio)
{
    double change = ratio / past->ratio - 1;
    bool worse = change > past->tolerance;
    (void)fprintf(out, "%-18s %.2f of the best peer: ", name, ratio);
    if (worse)
        (void)fprintf(out, "worse than the baseline (%.2f) by %.0f %%, and %.0f %% is tolerated\n",
                      past->ratio, change * 100, past->tolerance * 100);
    else
        (void)fprintf(out, "ok (the baseline is %.2f, and %.0f %% more is tolerated)\n",
                      past->ratio, past->tolerance * 100);
    return worse;
}

unsigned bench_baseline_judge(FILE *out, const json_t *baseline, const struct bench_figures *f)
{
    unsigned worse = 0;
    struct past past;
    (void)fputc('\n', out);
    for (unsigned c = 0; c < f->case_count; c++) {
        for (unsigned i = 0; i < f->contenders.count; i++) {
            double ratio = bench_figures_ratio(f, c, i);
            if (f->contenders.list[i].peer->ours && ratio > 0 &&
                past_of(baseline, f->cases[c]->name, &past))
                worse += judge(out, f->cases[c]->name, &past, ratio);
        }
    }
    return worse;
}
