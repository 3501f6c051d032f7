/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's log of connections that ended before the gateway knew who it was: anybody may open and
 * close thousands a second. So many of them (--log-rate) are told one by one each second; the rest
 * is counted by reason, and told in one line a second for each.
 */
#pragma once

#include "gateway/base/reason.h"

#include <stdint.h>

struct gw_strangers {
    int64_t sum_at_ns; /* when the second ends, and what was counted is told; 0: there was none */
    uint32_t told;     /* one by one, in this second */
    uint64_t more[GW_REASON_COUNT];
};

/* A connection of such a peer (gw_conn_report_of_stranger) ended. True: tell of it; false: it is
 * counted, as `rate` were told in this second. */
bool gw_strangers_tell(struct gw_strangers *s, enum gw_reason reason, uint32_t rate,
                       int64_t now_ns);
/* At sum_at_ns or later, or at the end: logs what was counted, and begins anew. */
void gw_strangers_sum(struct gw_strangers *s, int64_t now_ns);
