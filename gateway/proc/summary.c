/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/summary.h"

#include <inttypes.h>
#include <stdio.h>

void gw_summary_write(const struct gw_stats *sum, char *out, size_t size)
{
    int n = snprintf(out, size, "connections: %" PRIu64 " accepted",
                     sum->counters[GW_COUNTER_ACCEPTED]);
    for (unsigned i = 0; i < GW_REASON_COUNT; i++) {
        if (!sum->ended[i] || n < 0 || (size_t)n >= size)
            continue;
        size_t used = (size_t)n;
        int more = snprintf(out + used, size - used, ", %s %" PRIu64,
                            gw_reason_info((enum gw_reason)i)->word, sum->ended[i]);
        if (more < 0 || (size_t)more >= size - used)
            out[used] = '\0'; /* a truncated word would be another number */
        else
            n += more;
    }
}
