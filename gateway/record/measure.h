/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What relaying costs here, found by relaying: on loopback connections made for it, in the calling
 * thread, over buffers and pipes of the sizes that connections use. Only the relay's own step is
 * timed, by the thread's processor time; filling the source, emptying the sink and checking what
 * came out are not. The calls are plain ones where the worker has an io_uring: that is the same for
 * every way but splicing, which is plain calls there too.
 */
#pragma once

#include "gateway/record/choice.h"
#include "gateway/record/record.h"
#include "gateway/ring/pipe.h"

#include <sys/uio.h>

enum {
    GW_LANE_IOVS = 8 /* more than the records of a buffer */
};

/* One flow being relayed one way. */
struct gw_lane {
    enum gw_flow flow;
    enum gw_way way;
    int from; /* both non-blocking; of the TLS one the kernel runs the records, or rec */
    int to;
    struct gw_record rec;
    struct gw_pipe *pipe;
    unsigned records_per_fill; /* splicing from the TLS side */
    uint8_t *buffer;           /* GW_BUFFER_BYTES, as struct gw_buf has them */
    size_t begun, filled;      /* user engine: bytes not opened yet are [begun, filled) */
    struct iovec out[GW_LANE_IOVS];
    unsigned out_at, out_count; /* not sent yet */
};

/* Moves what is there, at most a buffer or a pipe full; 0, -EAGAIN (nothing there, or the sink is
 * full) or another negative errno. */
typedef int gw_lane_step(struct gw_lane *lane);

/*
 * Measures the ways in `ways` (a sum of 1 << enum gw_way) of one flow: in turns (turns.h), together
 * for about `budget_ns` times their number. steps[way] NULL, or no `steps`: as the gateway does it.
 * Every byte that comes out is compared. Fills the figures of those ways only; one that is not
 * measured tells the errno: EBADMSG: other bytes came out than went in; ETIMEDOUT: none came.
 */
void gw_measure_flow(const struct ktls_suite *suite, enum gw_flow flow, unsigned ways,
                     const struct ktls_probe *probe, int64_t budget_ns, gw_lane_step *const *steps,
                     struct gw_figure ret[GW_WAY_COUNT]);

/* Measures with a cipher all ways in `ways` in both flows and versions, as above. Ways that the
 * self-test did not find to work are not tried, and have its errno. */
void gw_measure_all(enum ktls_cipher cipher, const struct ktls_probe *probe, unsigned ways,
                    int64_t budget_ns, struct gw_figures *ret);
