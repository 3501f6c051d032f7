/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests whether the kernel's multishot receives report every end
 * (kernel-notes/multishot-recv-end.md). In some kernels a receive that meets bytes and the end of
 * the stream, or a reset, at the same time reports the bytes only, and nothing wakes it again.
 */
#include "gateway/ring/ring.h"
#include "gateway/ring/ring_private.h"

#include "gateway/base/clock.h"
#include "gateway/ktls/pair.h"

#include <errno.h>
#include <unistd.h>

/* Everything that the wait is for has happened before it begins. */
#define PATIENCE_NS (10 * GW_NS_PER_MS)

enum {
    TURNS = 3,
};

struct outcome {
    struct gw_ring *ring;
    bool bytes;
    bool over;
    int end;
};

static void note(void *arg, const struct gw_completion *c)
{
    struct outcome *o = arg;
    o->bytes |= c->res > 0;
    o->over = !c->more;
    o->end = c->res;
    gw_ring_completion_give(o->ring, c);
}

static void wait_for_the_end(struct outcome *o)
{
    int error = 0;
    for (int i = 0; i < TURNS && !o->over && (!error || error == -EINTR); i++)
        error = gw_ring_wait(o->ring, PATIENCE_NS, note, o);
}

/* `far` sends a byte and ends, by FIN or RST, before the receive at `near` runs again. */
static bool reports(struct gw_ring *r, int near, int *far, bool reset)
{
    struct outcome got = {.ring = r};
    struct gw_token token = {.op = GW_OP_STANDING};
    gw_ring_recv_standing(r, token, near);
    bool sent = !gw_ring_wait(r, 0, note, &got) && send(*far, "", 1, MSG_NOSIGNAL) == 1;
    gw_ring_abort_on_close(r, *far, reset);
    (void)close(*far);
    *far = -1;
    wait_for_the_end(&got);
    if (sent && got.bytes && got.over)
        return got.end == (reset ? -ECONNRESET : 0);
    gw_ring_cancel(r, token);
    wait_for_the_end(&got);
    return false;
}

static bool reports_unix(struct gw_ring *r)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return false;
    bool works = reports(r, pair[0], &pair[1], false);
    (void)close(pair[0]);
    return works;
}

static bool reports_tcp(struct gw_ring *r, bool reset)
{
    static struct ktls_pair pair; /* large */
    bool works = !ktls_pair_connect(&pair) && reports(r, pair.near, &pair.far, reset);
    ktls_pair_close(&pair);
    return works;
}

/* Requires DEFER_TASKRUN; otherwise the receive would run in between. */
bool gw_ring_try_standing(struct gw_ring *r)
{
    return (r->params.flags & IORING_SETUP_DEFER_TASKRUN) != 0 && reports_unix(r) &&
           reports_tcp(r, false) && reports_tcp(r, true);
}
