/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer wheel: thousands of deadlines, set and cleared in O(1), for one thread. A timer never
 * fires early, and at most one tick late. Deadlines beyond one turn of the wheel stay in their slot
 * and are checked once per turn.
 */
#pragma once

#include "gateway/base/list.h"

#include <stdint.h>

enum {
    GW_WHEEL_SLOTS = 4096
};
#define GW_WHEEL_TICK_NS (8 * INT64_C(1000000))

struct gw_timer {
    struct gw_list node;
    int64_t deadline_ns;
};

struct gw_wheel {
    struct gw_list slots[GW_WHEEL_SLOTS];
    uint64_t used[GW_WHEEL_SLOTS / 64]; /* bit set: the slot may hold timers */
    int64_t tick;                       /* next tick to check */
    uint32_t armed;
};

void gw_wheel_init(struct gw_wheel *w, int64_t now_ns);

/* Initialize a zeroed gw_timer with this before its first use. */
void gw_timer_init(struct gw_timer *t);
/* Sets or moves the deadline. */
void gw_timer_set(struct gw_wheel *w, struct gw_timer *t, int64_t deadline_ns);
void gw_timer_clear(struct gw_wheel *w, struct gw_timer *t);
bool gw_timer_armed(const struct gw_timer *t);

/* Nanoseconds from now until gw_wheel_expire must be called. -1 when no timer is set. The result
 * may be earlier than the earliest deadline, and later by at most a tick. */
int64_t gw_wheel_wait_ns(const struct gw_wheel *w, int64_t now_ns);

/* Takes one expired timer off the wheel. NULL when there is none. Call until NULL. */
struct gw_timer *gw_wheel_expire(struct gw_wheel *w, int64_t now_ns);
