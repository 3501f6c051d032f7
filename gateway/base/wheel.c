/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/wheel.h"

#include "gateway/base/attr.h"

/* The first tick at which a deadline has certainly passed. */
static int64_t tick_after(int64_t ns)
{
    return ns / GW_WHEEL_TICK_NS + (ns % GW_WHEEL_TICK_NS > 0);
}

static unsigned slot_of(int64_t tick)
{
    return (unsigned)(tick % GW_WHEEL_SLOTS);
}

void gw_wheel_init(struct gw_wheel *w, int64_t now_ns)
{
    for (unsigned i = 0; i < GW_WHEEL_SLOTS; i++)
        gw_list_init(&w->slots[i]);
    for (unsigned i = 0; i < GW_ARRAY_SIZE(w->used); i++)
        w->used[i] = 0;
    w->tick = now_ns / GW_WHEEL_TICK_NS;
    w->armed = 0;
}

void gw_timer_init(struct gw_timer *t)
{
    gw_list_init(&t->node);
    t->deadline_ns = 0;
}

bool gw_timer_armed(const struct gw_timer *t)
{
    return !gw_list_empty(&t->node);
}

void gw_timer_clear(struct gw_wheel *w, struct gw_timer *t)
{
    if (!gw_timer_armed(t))
        return;
    gw_list_remove(&t->node);
    w->armed--;
}

void gw_timer_set(struct gw_wheel *w, struct gw_timer *t, int64_t deadline_ns)
{
    gw_timer_clear(w, t);
    t->deadline_ns = deadline_ns;
    int64_t tick = GW_MAX(tick_after(deadline_ns), w->tick);
    unsigned slot = slot_of(tick);
    gw_list_append(&w->slots[slot], &t->node);
    w->used[slot / 64] |= UINT64_C(1) << (slot % 64);
    w->armed++;
}

/* The number of slots from `slot` on before the next that may hold timers: 0 to GW_WHEEL_SLOTS. */
static unsigned next_used(const struct gw_wheel *w, unsigned slot)
{
    unsigned bit = slot % 64;
    unsigned word = slot / 64;
    uint64_t bits = w->used[word] >> bit << bit;
    unsigned skipped = 0;
    while (!bits && skipped < GW_WHEEL_SLOTS) {
        skipped += 64;
        word = (word + 1) % GW_ARRAY_SIZE(w->used);
        bits = w->used[word];
    }
    if (!bits)
        return GW_WHEEL_SLOTS;
    return (word * 64 + (unsigned)__builtin_ctzll(bits) - slot) % GW_WHEEL_SLOTS;
}

int64_t gw_wheel_wait_ns(const struct gw_wheel *w, int64_t now_ns)
{
    if (!w->armed)
        return -1;
    int64_t due = (w->tick + next_used(w, slot_of(w->tick))) * GW_WHEEL_TICK_NS;
    return GW_MAX(due - now_ns, 0);
}

static struct gw_timer *take_expired(struct gw_wheel *w, unsigned slot, int64_t now_ns)
{
    gw_list_for_each_safe (n, tmp, &w->slots[slot]) {
        struct gw_timer *t = gw_container_of(n, struct gw_timer, node);
        if (t->deadline_ns <= now_ns) {
            gw_timer_clear(w, t);
            return t;
        }
    }
    return NULL;
}

struct gw_timer *gw_wheel_expire(struct gw_wheel *w, int64_t now_ns)
{
    int64_t last = now_ns / GW_WHEEL_TICK_NS;
    while (w->tick <= last) {
        unsigned slot = slot_of(w->tick);
        struct gw_timer *t = take_expired(w, slot, now_ns);
        if (t)
            return t;
        if (gw_list_empty(&w->slots[slot]))
            w->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
        int64_t skip = GW_MAX(1, (int64_t)next_used(w, slot_of(w->tick + 1)) + 1);
        w->tick = GW_MIN(w->tick + skip, last + 1);
    }
    return NULL;
}
