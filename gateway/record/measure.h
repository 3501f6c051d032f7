/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the cost of relaying on this machine, by relaying: over loopback connections made for
 * it, in the calling thread, with buffers and pipes of the sizes that connections use. Only the
 * relay's own step is timed, by the thread's processor time; filling the source, emptying the sink
 * and checking the output are not. It makes plain calls where the worker uses io_uring. That is the
 * same for every way except splicing, which uses plain calls in the worker too.
 */
#pragma once

#include "gateway/record/choice.h"
#include "gateway/record/record.h"
#include "gateway/ring/pipe.h"

#include <sys/uio.h>

enum {
    GW_LANE_IOVS = 8 /* more than the records of a buffer */
};

/* One flow relayed in one way. */
struct gw_lane {
    enum gw_flow flow;
    enum gw_way way;
    int from; /* Both non-blocking. On the TLS socket the kernel runs the records, or `rec` does. */
    int to;
    struct gw_record rec;
    struct gw_pipe *pipe;
    unsigned records_per_fill; /* when splicing from the TLS side */
    uint8_t *buffer;           /* GW_BUFFER_BYTES, like struct gw_buf's */
    size_t begun, filled;      /* user engine: the unopened bytes are [begun, filled) */
    struct iovec out[GW_LANE_IOVS];
    unsigned out_at, out_count; /* the unsent part */
};

/* Moves what is available, at most one buffer or pipe. 0; -EAGAIN (nothing available, or the sink
 * is full); another negative errno. */
typedef int gw_lane_step(struct gw_lane *lane);

/*
 * Measures the ways in `ways` (a sum of 1 << enum gw_way) of one flow, in turns (turns.h), for
 * about `budget_ns` times their number. If `steps` or steps[way] is NULL, uses the gateway's own
 * step. Compares every byte of the output. Fills the figures of these ways only. A way that is not
 * measured gets an errno: EBADMSG: the output differs from the input; ETIMEDOUT: there was none.
 */
void gw_measure_flow(const struct ktls_suite *suite, enum gw_flow flow, unsigned ways,
                     const struct ktls_probe *probe, int64_t budget_ns, gw_lane_step *const *steps,
                     struct gw_figure ret[GW_WAY_COUNT]);

/* Measures all ways in `ways` with a cipher, in both flows and versions, like gw_measure_flow.
 * Skips ways that the self-test found not to work; they get its errno. */
void gw_measure_all(enum ktls_cipher cipher, const struct ktls_probe *probe, unsigned ways,
                    int64_t budget_ns, struct gw_figures *ret);
