/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/strangers.h"

#include "gateway/base/clock.h"
#include "gateway/base/limits.h"
#include "gateway/base/log.h"

bool gw_strangers_may_log(struct gw_strangers *s, enum gw_reason reason, uint32_t rate,
                          int64_t now_ns)
{
    if (s->sum_at_ns && now_ns >= s->sum_at_ns)
        gw_strangers_sum(s, now_ns);
    if (!s->sum_at_ns)
        s->sum_at_ns = now_ns + GW_STRANGERS_SUM_NS;
    if (s->logged < rate) {
        s->logged++;
        return true;
    }
    s->more[reason]++;
    return false;
}

void gw_strangers_sum(struct gw_strangers *s, int64_t now_ns)
{
    int64_t tenths =
        (now_ns - s->sum_at_ns + GW_STRANGERS_SUM_NS + GW_NS_PER_SEC / 20) * 10 / GW_NS_PER_SEC;
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        if (s->more[i])
            gw_log(GW_LOG_WARNING, "%llu more connections ended with %s in %lld.%lld s",
                   (unsigned long long)s->more[i], gw_reason_info((enum gw_reason)i)->word,
                   (long long)tenths / 10, (long long)tenths % 10);
    *s = (struct gw_strangers){0};
}
