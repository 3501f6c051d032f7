/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/thrift.h"

#include "gateway/base/attr.h"
#include "gateway/base/clock.h"

enum {
    BURST = 64, /* a smaller peak leaves too little to free */
    PART = 4,   /* a burst is over when less than a fourth is left */
};

#define REST_NS (2 * GW_NS_PER_SEC)

bool gw_thrift_turn(struct gw_thrift *t, uint64_t load, int64_t now_ns)
{
    t->peak = GW_MAX(t->peak, load);
    if (t->peak < BURST || load >= t->peak / PART) {
        t->due_ns = 0;
        return false;
    }
    if (t->due_ns == 0)
        t->due_ns = now_ns + REST_NS;
    if (now_ns < t->due_ns)
        return false;
    *t = (struct gw_thrift){.peak = load};
    return true;
}
