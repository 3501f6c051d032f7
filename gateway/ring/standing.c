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

struct told {
    struct gw_ring *ring;
    bool bytes;
    bool over;
    int end;
};

static void note(void *arg, const struct gw_completion *c)
{
    struct told *t = arg;
    t->bytes |= c->res > 0;
    t->over = !c->more;
    t->end = c->res;
    gw_ring_completion_give(t->ring, c);
}

static void wait_for_the_end(struct told *t)
{
    int error = 0;
    for (int i = 0; i < TURNS && !t->over && (!error || error == -EINTR); i++)
        error = gw_ring_wait(t->ring, PATIENCE_NS, note, t);
}

/* `far` sends a byte and ends, by FIN or RST, before the receive at `near` runs again. */
static bool tells(struct gw_ring *r, int near, int *far, bool reset)
{
    struct told told = {.ring = r};
    struct gw_token token = {.op = GW_OP_STANDING};
    gw_ring_recv_standing(r, token, near);
    bool sent = !gw_ring_wait(r, 0, note, &told) && send(*far, "", 1, MSG_NOSIGNAL) == 1;
    gw_ring_abort_on_close(r, *far, reset);
    (void)close(*far);
    *far = -1;
    wait_for_the_end(&told);
    if (sent && told.bytes && told.over)
        return told.end == (reset ? -ECONNRESET : 0);
    gw_ring_cancel(r, token);
    wait_for_the_end(&told);
    return false;
}

static bool tells_unix(struct gw_ring *r)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return false;
    bool works = tells(r, pair[0], &pair[1], false);
    (void)close(pair[0]);
    return works;
}

static bool tells_tcp(struct gw_ring *r, bool reset)
{
    static struct ktls_pair pair; /* large */
    bool works = !ktls_pair_connect(&pair) && tells(r, pair.near, &pair.far, reset);
    ktls_pair_close(&pair);
    return works;
}

/* Requires DEFER_TASKRUN; otherwise the receive would run in between. */
bool gw_ring_try_standing(struct gw_ring *r)
{
    return (r->params.flags & IORING_SETUP_DEFER_TASKRUN) != 0 && tells_unix(r) &&
           tells_tcp(r, false) && tells_tcp(r, true);
}
