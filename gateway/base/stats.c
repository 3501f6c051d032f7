/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/stats.h"

static const struct gw_counter_info rows[GW_COUNTER_COUNT] = {
#define X(id, word, help) {word, help, false},
    GW_COUNTERS(X)
#undef X
#define X(id, word, help) {word, help, true},
        GW_GAUGES(X)
#undef X
};

const struct gw_counter_info *gw_counter_info(enum gw_counter counter)
{
    return &rows[counter];
}

void gw_stats_restart(struct gw_stats *s)
{
    for (unsigned i = 0; i < GW_COUNTER_COUNT; i++)
        if (rows[i].is_gauge)
            __atomic_store_n(&s->counters[i], 0, __ATOMIC_RELAXED);
}

/* Computed from the counters that only grow: a worker may die between two updates of a gauge. */
uint64_t gw_stats_bury(struct gw_stats *s)
{
    uint64_t ended = 0;
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        ended += __atomic_load_n(&s->ended[i], __ATOMIC_RELAXED);
    uint64_t accepted = gw_stats_get(s, GW_COUNTER_ACCEPTED);
    uint64_t lost = accepted > ended ? accepted - ended : 0;
    gw_stats_word_add(&s->ended[GW_REASON_WORKER_DIED], (int64_t)lost);
    gw_stats_restart(s);
    return lost;
}

void gw_stats_sum(struct gw_stats *sum, const struct gw_stats *s)
{
    for (unsigned i = 0; i < GW_COUNTER_COUNT; i++)
        sum->counters[i] += gw_stats_get(s, i);
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        sum->ended[i] += __atomic_load_n(&s->ended[i], __ATOMIC_RELAXED);
}
