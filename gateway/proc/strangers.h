/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's log of connections that ended before the gateway knew the peer: anybody can open and
 * close thousands a second. In each second --log-rate of them are logged one by one. The others are
 * counted by reason, and logged as one line per reason and second. So are all that a limit refuses.
 */
#pragma once

#include "gateway/base/reason.h"

#include <stdint.h>

struct gw_strangers {
    int64_t sum_at_ns; /* the end of this second, when the counts are logged; 0: none begun */
    uint32_t logged;   /* logged one by one in this second */
    uint64_t more[GW_REASON_COUNT];
};

/* A connection of such a peer (gw_conn_report_of_stranger) ended. True: log it. False: it was
 * counted, since `rate` (0 for such that are only counted) were logged in this second. */
bool gw_strangers_may_log(struct gw_strangers *s, enum gw_reason reason, uint32_t rate,
                          int64_t now_ns);
/* Call it at sum_at_ns or later, or at the end: logs the counts and starts anew. */
void gw_strangers_sum(struct gw_strangers *s, int64_t now_ns);
