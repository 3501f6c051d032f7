/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/figures.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct bench_sample, member)

static double value_at(const struct bench_sample *sample, size_t offset)
{
    double value;
    memcpy(&value, (const char *)sample + offset, sizeof(value));
    return value;
}

static int by_value(const void *a, const void *b)
{
    double one, other;
    memcpy(&one, a, sizeof(one));
    memcpy(&other, b, sizeof(other));
    return (one > other) - (one < other);
}

bool bench_figures_has(const struct bench_figures *f, unsigned at_case, unsigned contender)
{
    return f->cases[at_case]->plain || !f->contenders.list[contender].peer->plain;
}

struct bench_spread bench_figures_spread(const struct bench_row *row, size_t offset)
{
    double sorted[BENCH_ROUNDS_MAX];
    unsigned n = row->count;
    if (n == 0)
        return (struct bench_spread){0};
    for (unsigned i = 0; i < n; i++)
        sorted[i] = value_at(&row->samples[i], offset);
    qsort(sorted, n, sizeof(sorted[0]), by_value);
    return (struct bench_spread){.median = (sorted[n / 2] + sorted[(n - 1) / 2]) / 2,
                                 .min = sorted[0],
                                 .max = sorted[n - 1]};
}

static size_t cost_of(const struct bench_case *one)
{
    return one->measure == BENCH_MEMORY_PER_CONN ? AT(memory) : AT(cpu);
}

struct bench_spread bench_figures_cost(const struct bench_figures *f, unsigned at_case,
                                       unsigned contender)
{
    return bench_figures_spread(&f->rows[at_case][contender], cost_of(f->cases[at_case]));
}

/* How many samples cost less; of equal ones those before. */
static unsigned rank_of(const struct bench_row *row, size_t offset, unsigned which)
{
    unsigned rank = 0;
    double mine = value_at(&row->samples[which], offset);
    for (unsigned i = 0; i < row->count; i++) {
        double other = value_at(&row->samples[i], offset);
        rank += other < mine || (other == mine && i < which);
    }
    return rank;
}

const struct bench_sample *bench_figures_middle(const struct bench_figures *f, unsigned at_case,
                                                unsigned contender)
{
    const struct bench_row *row = &f->rows[at_case][contender];
    size_t offset = cost_of(f->cases[at_case]);
    for (unsigned i = 0; i < row->count; i++)
        if (rank_of(row, offset, i) == (row->count - 1) / 2)
            return &row->samples[i];
    return NULL;
}

int bench_figures_best_peer(const struct bench_figures *f, unsigned at_case, unsigned workers)
{
    int best = -1;
    double least = 0;
    for (unsigned i = 0; i < f->contenders.count; i++) {
        const struct bench_contender *c = &f->contenders.list[i];
        double cost = bench_figures_cost(f, at_case, i).median;
        if (c->peer->ours || c->peer->plain || c->workers != workers || cost <= 0)
            continue;
        if (best < 0 || cost < least) {
            best = (int)i;
            least = cost;
        }
    }
    return best;
}

double bench_figures_ratio(const struct bench_figures *f, unsigned at_case, unsigned contender)
{
    int best = bench_figures_best_peer(f, at_case, f->contenders.list[contender].workers);
    if (best < 0)
        return 0;
    return bench_figures_cost(f, at_case, contender).median /
           bench_figures_cost(f, at_case, (unsigned)best).median;
}

void bench_figures_done(struct bench_figures *f)
{
    for (unsigned c = 0; c < f->case_count; c++)
        for (unsigned i = 0; i < f->contenders.count; i++)
            for (unsigned n = 0; n < f->rows[c][i].count; n++)
                json_decref(f->rows[c][i].samples[n].json);
    bench_contenders_done(&f->contenders);
}
