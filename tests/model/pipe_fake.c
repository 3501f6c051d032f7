/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes of the ring's double, and splicing through them. */
#include "tests/model/ring_fake_private.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct gw_pipe *gw_ring_pipe_take(struct gw_ring *r)
{
    if (gw_fake_chance(r, r->config.no_buffer_percent))
        return NULL;
    for (unsigned i = 0; i < GW_FAKE_PIPES; i++) {
        struct gw_fake_pipe *p = &r->pipes[i];
        if (p->used)
            continue;
        assert_int_equal(gw_queued(&p->queue), 0);
        assert_int_equal(p->pipe.bytes, 0);
        p->used = true;
        return &p->pipe;
    }
    return NULL;
}

static struct gw_fake_pipe *used_pipe(struct gw_pipe *pipe)
{
    struct gw_fake_pipe *p = (struct gw_fake_pipe *)pipe;
    assert_true(p->used);
    assert_int_equal(p->pipe.bytes, gw_queued(&p->queue));
    return p;
}

/* One that is not empty is closed. */
void gw_ring_pipe_give(struct gw_ring *r, struct gw_pipe *pipe)
{
    struct gw_fake_pipe *p = used_pipe(pipe);
    (void)r;
    gw_queue_free(&p->queue);
    *p = (struct gw_fake_pipe){0};
}

static int nothing_in(struct gw_fake_sock *s)
{
    bool first = !s->told;
    s->told |= s->reset;
    return s->reset ? first ? -ECONNRESET : 0 : s->fin_in ? 0 : -EAGAIN;
}

/* An empty pipe holds any record; one with something in it may have little room, or none. */
static int fill_pipe_from_kernel(struct gw_ring *r, struct gw_fake_pipe *p, struct gw_fake_sock *s)
{
    size_t room = SIZE_MAX;
    if (p->pipe.bytes > 0 && gw_fake_chance(r, 30))
        room = gw_fake_random(r) % 5000;
    if (room == 0)
        return -EAGAIN;
    bool loses = r->config.splice_loses && p->pipe.bytes > 0;
    int res = gw_fake_kernel_splice(&s->kernel, &s->in, &p->queue, room, loses);
    return res == -EAGAIN ? nothing_in(s) : res;
}

static int fill_pipe(struct gw_ring *r, struct gw_fake_pipe *p, struct gw_fake_sock *s, size_t max)
{
    uint8_t data[4096];
    size_t want = gw_fake_some(r, GW_MIN(gw_queued(&s->in), max));
    if (want == 0)
        return nothing_in(s);
    if (s->urgent || gw_fake_chance(r, 2)) {
        assert_true(++s->urgent <= 2); /* once more, since a poll reports it, then not again */
        return -EAGAIN;
    }
    if (gw_fake_chance(r, 5))
        return -EAGAIN;
    for (size_t left = want; left > 0;) {
        size_t n = gw_queue_take(&s->in, data, GW_MIN(left, sizeof(data)));
        gw_queue_add(&p->queue, data, n);
        left -= n;
    }
    return (int)want;
}

int gw_ring_pipe_fill(struct gw_ring *r, struct gw_pipe *pipe, int fd, size_t max)
{
    struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    struct gw_fake_pipe *p = used_pipe(pipe);
    assert_true(max > 0);
    assert_false(gw_fake_busy(r, fd, false)); /* a receive in flight would mix the order */
    int res = s->kernel.rx ? fill_pipe_from_kernel(r, p, s) : fill_pipe(r, p, s, max);
    if (res > 0)
        pipe->bytes += (uint32_t)res;
    return res;
}

/* The kernel ends a record when its list of 16 pieces is full, however few bytes that are. */
static void seal(struct gw_ring *r, struct gw_fake_pipe *p, struct gw_fake_sock *s, uint8_t *data,
                 size_t len)
{
    enum {
        CUTS_MAX = GW_PIPE_SLOTS / 16 + 1
    };
    for (size_t at = 0, n; at < len; at += n) {
        bool cuts = p->cuts < CUTS_MAX && len - at > 1 && gw_fake_chance(r, 50);
        n = cuts ? 1 + gw_fake_random(r) % (len - at - 1) : len - at;
        p->cuts += cuts;
        struct iovec iov = {.iov_base = data + at, .iov_len = n};
        gw_fake_kernel_send(&s->kernel, &iov, n, GW_CONTENT_DATA);
    }
}

int gw_ring_pipe_empty(struct gw_ring *r, struct gw_pipe *pipe, int fd)
{
    uint8_t data[GW_FAKE_WINDOW];
    struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    struct gw_fake_pipe *p = used_pipe(pipe);
    assert_true(pipe->bytes > 0);
    assert_false(gw_fake_busy(r, fd, true));
    if (s->reset)
        return -EPIPE;
    if (s->kernel.sock_error)
        return s->kernel.failed;
    if (s->kernel.tx && r->send_error)
        return r->send_error;
    assert_false(s->fin_out);
    size_t room = gw_fake_chance(r, 10) ? 0 : gw_fake_room(s);
    if (room == 0)
        return -EAGAIN;
    size_t n = gw_queue_take(&p->queue, data, gw_fake_some(r, GW_MIN((size_t)pipe->bytes, room)));
    if (s->kernel.tx)
        seal(r, p, s, data, n);
    else
        gw_queue_add(&s->out, data, n);
    pipe->bytes -= (uint32_t)n;
    return (int)n;
}
