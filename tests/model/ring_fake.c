/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/ring_fake.h"

#include "tests/model/ring_fake_private.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- random numbers: splitmix64 ---- */

uint64_t gw_fake_random(struct gw_ring *r)
{
    uint64_t z = (r->rng += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- operations asked for ---- */

static struct gw_fake_op *place_of(struct gw_ring *r, struct gw_token token)
{
    assert_true(token.slot < GW_FAKE_CONN_SLOTS && token.leg < 2 && token.op < GW_OP_COUNT);
    return &r->ops[(token.slot * 2 + token.leg) * GW_OP_COUNT + token.op];
}

static struct gw_fake_op *find_op(struct gw_ring *r, struct gw_token token)
{
    struct gw_fake_op *op = place_of(r, token);
    return op->used && op->token.generation == token.generation ? op : NULL;
}

static struct gw_fake_op *new_op(struct gw_ring *r, enum gw_fake_kind kind, struct gw_token token,
                                 int fd)
{
    (void)gw_fake_open_sock(r, fd);
    struct gw_fake_op *op = place_of(r, token);
    assert_false(op->used); /* one of a kind */
    *op = (struct gw_fake_op){.used = true, .kind = kind, .token = token, .fd = fd};
    r->in_flight[r->op_count++] = (uint16_t)(op - r->ops);
    return op;
}

static void end_op(struct gw_ring *r, struct gw_fake_op *op)
{
    unsigned i = 0;
    while (&r->ops[r->in_flight[i]] != op)
        i++;
    op->used = false;
    r->in_flight[i] = r->in_flight[--r->op_count];
}

void gw_ring_connect(struct gw_ring *r, struct gw_token token, int fd, const struct sockaddr *addr,
                     socklen_t len)
{
    assert_non_null(addr);
    assert_true(len > 0);
    (void)new_op(r, GW_FAKE_CONNECT, token, fd);
    gw_fake_sock(r, fd)->connect_result = r->config.on_connect(r->config.arg, fd);
}

static struct gw_fake_op *new_receive(struct gw_ring *r, enum gw_fake_kind kind,
                                      struct gw_token token, int fd)
{
    assert_false(gw_fake_busy(r, fd, false)); /* two would take each other's bytes */
    return new_op(r, kind, token, fd);
}

void gw_ring_recv_standing(struct gw_ring *r, struct gw_token token, int fd)
{
    struct gw_fake_op *op = new_receive(r, GW_FAKE_STANDING, token, fd);
    op->multishot = true;
    op->hides = true;
}

void gw_ring_recv_pick(struct gw_ring *r, struct gw_token token, int fd, size_t max, unsigned flags)
{
    struct gw_fake_op *op = new_receive(r, GW_FAKE_RECV_PICK, token, fd);
    op->len = max ? max : GW_BUFFER_BYTES - GW_BUFFER_FRONT;
    op->flags = flags;
}

void gw_ring_recv(struct gw_ring *r, struct gw_token token, int fd, void *data, size_t len,
                  unsigned flags)
{
    struct gw_fake_op *op = new_receive(r, GW_FAKE_RECV, token, fd);
    assert_true(len > 0);
    op->data = data;
    op->len = len;
    op->flags = flags;
}

void gw_ring_recvmsg(struct gw_ring *r, struct gw_token token, int fd, struct gw_buf *buf,
                     unsigned flags)
{
    struct gw_fake_op *op = new_receive(r, GW_FAKE_RECVMSG, token, fd);
    op->msg = &buf->msg;
    op->flags = flags;
}

void gw_ring_send(struct gw_ring *r, struct gw_token token, int fd, const void *data, size_t len)
{
    struct gw_fake_op *op = new_op(r, GW_FAKE_SEND, token, fd);
    assert_true(len > 0);
    op->data = (void *)(uintptr_t)data;
    op->len = len;
}

void gw_ring_sendmsg(struct gw_ring *r, struct gw_token token, int fd, const struct msghdr *msg)
{
    struct gw_fake_op *op = new_op(r, GW_FAKE_SENDMSG, token, fd);
    op->msg = (struct msghdr *)(uintptr_t)msg;
}

void gw_ring_cancel(struct gw_ring *r, struct gw_token token)
{
    struct gw_fake_op *op = find_op(r, token);
    if (op)
        op->cancelled = true;
}

void gw_ring_close(struct gw_ring *r, int *fd)
{
    if (*fd < 0)
        return;
    struct gw_fake_sock *s = gw_fake_open_sock(r, *fd);
    for (unsigned i = 0; i < r->op_count; i++)
        assert_int_not_equal(r->ops[r->in_flight[i]].fd, *fd);
    s->open = false;
    r->open_count--;
    /* A reset throws away what the peer has not got; so does a close with bytes behind a record
     * that the kernel could not open. */
    if (s->abort || (s->kernel.failed && gw_queued(&s->in) > 0))
        gw_queue_free(&s->out);
    r->config.on_close(r->config.arg, *fd, s->abort);
    *fd = -1;
}

void gw_ring_accept(struct gw_ring *r gw_unused, struct gw_token token gw_unused, int fd gw_unused)
{
    fail_msg("connections are handed in by gw_fake_accept");
}

/* A poll looks at once when it begins. Multishot is edge-like, one shot goes by how it is. */
void gw_ring_poll(struct gw_ring *r, struct gw_token token, int fd, unsigned events, bool multishot)
{
    assert_true(events & (POLLIN | POLLOUT) && (!multishot || events & POLLIN));
    struct gw_fake_op *op = new_op(r, GW_FAKE_POLL, token, fd);
    op->flags = events;
    op->multishot = multishot;
    gw_fake_sock(r, fd)->woken |= multishot;
}

/* ---- buffers ---- */

struct gw_buf *gw_ring_buffer_take(struct gw_ring *r)
{
    if (gw_fake_chance(r, r->config.no_buffer_percent))
        return NULL;
    return gw_buffers_take(&r->buffers);
}

static bool within(const struct gw_buf *buf, const void *p)
{
    const uint8_t *at = p;
    return at >= buf->data && at < buf->data + GW_BUFFER_BYTES;
}

static bool op_uses(const struct gw_fake_op *op, const struct gw_buf *buf)
{
    return op->msg == &buf->msg || (op->data && within(buf, op->data));
}

void gw_ring_buffer_give(struct gw_ring *r, struct gw_buf *buf)
{
    for (unsigned i = 0; i < r->op_count; i++)
        assert_false(op_uses(&r->ops[r->in_flight[i]], buf));
    /* Whoever still reads it will see; mostly its beginning is enough and spares time. */
    memset(buf->data, 0xdb, gw_fake_chance(r, 10) ? GW_BUFFER_BYTES : 2048);
    gw_buffers_give(&r->buffers, buf);
}

void gw_ring_snippet_give(struct gw_ring *r, struct gw_snippet *snippet)
{
    memset(snippet->data, 0xdb, GW_SNIPPET_BYTES);
    gw_snippets_give(&r->snippets, snippet);
}

void gw_ring_completion_give(struct gw_ring *r, const struct gw_completion *c)
{
    if (c->buf)
        gw_ring_buffer_give(r, c->buf);
    if (c->snippet)
        gw_ring_snippet_give(r, c->snippet);
}

bool gw_ring_can_stand(const struct gw_ring *r)
{
    return r->snippets.free_count > 0;
}

uint32_t gw_ring_buffers_in_use(const struct gw_ring *r)
{
    return r->buffers.made - r->buffers.free_count;
}

uint32_t gw_ring_buffers_free(const struct gw_ring *r)
{
    return r->buffers.limit - gw_ring_buffers_in_use(r);
}

/* ---- completing ---- */

static int perform(struct gw_ring *r, struct gw_fake_op *op, struct gw_completion *ret)
{
    struct gw_fake_sock *s = gw_fake_open_sock(r, op->fd);
    int res;
    /* A cancel may come too late; an operation that cannot complete ends by it. */
    if (op->cancelled && gw_fake_chance(r, 60))
        return -ECANCELED;
    switch (op->kind) {
    case GW_FAKE_CONNECT:
        res = gw_fake_connect_result(s);
        break;
    case GW_FAKE_POLL:
        res = gw_fake_look(op, s);
        break;
    case GW_FAKE_SEND:
    case GW_FAKE_SENDMSG:
        res = gw_fake_transmit(r, op, s);
        break;
    default:
        res = gw_fake_receive(r, op, s, ret);
    }
    return res == GW_FAKE_NOT_YET && op->cancelled ? -ECANCELED : res;
}

/* Whether a multishot operation goes on, as it does most of the time. */
static bool goes_on(struct gw_ring *r, const struct gw_fake_op *op, int res)
{
    if (!op->multishot || gw_fake_chance(r, 5))
        return false;
    return op->kind == GW_FAKE_STANDING ? res > 0 : res >= 0 && !r->polls_once;
}

/* False when it has nothing more to report now. */
static bool try_one(struct gw_ring *r, struct gw_fake_op *op)
{
    struct gw_completion c = {.token = op->token};
    c.res = perform(r, op, &c);
    if (c.res == GW_FAKE_NOT_YET)
        return false;
    c.more = goes_on(r, op, c.res);
    op->done = !c.more;
    r->stood += c.more && op->kind == GW_FAKE_STANDING;
    assert_true(r->queue_len < GW_FAKE_QUEUE);
    r->queue[(r->queue_first + r->queue_len++) % GW_FAKE_QUEUE] = c;
    return c.more && op->kind == GW_FAKE_STANDING;
}

/* A standing receive goes on until there is nothing more; the kernel may stop before. */
static void try_on(struct gw_ring *r, struct gw_fake_op *op)
{
    while (try_one(r, op))
        if (gw_fake_chance(r, 10))
            break;
}

static void deliver(struct gw_ring *r, gw_ring_handler *handler, void *arg)
{
    struct gw_completion c = r->queue[r->queue_first++ % GW_FAKE_QUEUE];
    r->queue_len--;
    r->events++;
    struct gw_fake_op *op = find_op(r, c.token);
    assert_non_null(op);
    if (!c.more)
        end_op(r, op);
    handler(arg, &c);
}

int gw_ring_wait(struct gw_ring *r, int64_t timeout_ns, gw_ring_handler *handler, void *arg)
{
    (void)timeout_ns;
    for (unsigned i = 0; i < r->config.sockets; i++)
        if (r->socks[i].open)
            gw_fake_flush(&r->socks[i]);
    for (unsigned i = 0; i < r->op_count; i++) { /* in random order */
        unsigned other = i + (unsigned)(gw_fake_random(r) % (r->op_count - i));
        uint16_t at = r->in_flight[other];
        r->in_flight[other] = r->in_flight[i];
        r->in_flight[i] = at;
        if (!r->ops[at].done && (r->config.prompt || gw_fake_chance(r, 70)))
            try_on(r, &r->ops[at]);
    }
    /* Some are seen only next time, when the peers have gone on. */
    unsigned now = r->config.prompt || gw_fake_chance(r, 50)
                       ? r->queue_len
                       : (unsigned)(gw_fake_random(r) % (r->queue_len + 1));
    while (now-- > 0)
        deliver(r, handler, arg);
    return 0;
}

/* ---- life ---- */

struct gw_ring *gw_fake_new(const struct gw_fake_config *config)
{
    struct gw_ring *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    r->config = *config;
    r->config.sockets = config->sockets ? config->sockets : GW_FAKE_SOCKETS;
    assert_true(r->config.sockets <= GW_FAKE_SOCKETS);
    r->rng = config->seed;
    assert_int_equal(gw_buffers_init(&r->buffers, config->max_buffers), 0);
    assert_int_equal(gw_snippets_init(&r->snippets), 0);
    return r;
}

static void assert_idle(const struct gw_ring *r)
{
    assert_int_equal(r->op_count, 0);
    assert_int_equal(r->open_count, 0);
    assert_int_equal(gw_ring_buffers_in_use(r), 0);
    assert_int_equal(r->snippets.free_count, GW_SNIPPETS);
    for (int i = 0; i < GW_FAKE_PIPES; i++)
        assert_false(r->pipes[i].used);
}

void gw_fake_again(struct gw_ring *r, uint64_t seed)
{
    assert_idle(r);
    r->rng = seed;
    r->next_sock = 0;
    for (unsigned i = 0; i < r->config.sockets; i++)
        r->socks[i].held = false;
}

void gw_fake_set_scarce(struct gw_ring *r, unsigned percent)
{
    r->config.no_buffer_percent = percent;
}

void gw_fake_set_polls_once(struct gw_ring *r, bool once)
{
    r->polls_once = once;
}

void gw_fake_set_send_error(struct gw_ring *r, int error)
{
    r->send_error = error;
}

void gw_fake_free(struct gw_ring *r)
{
    assert_idle(r);
    for (unsigned i = 0; i < r->config.sockets; i++)
        gw_fake_drop_sock(&r->socks[i]);
    gw_buffers_done(&r->buffers);
    gw_snippets_done(&r->snippets);
    free(r);
}

unsigned gw_fake_in_flight(const struct gw_ring *r)
{
    return r->op_count;
}

unsigned gw_fake_open_sockets(const struct gw_ring *r)
{
    return r->open_count;
}

uint64_t gw_fake_stood(const struct gw_ring *r)
{
    return r->stood;
}

uint64_t gw_fake_hidden(const struct gw_ring *r)
{
    return r->hidden;
}

uint64_t gw_fake_events(const struct gw_ring *r)
{
    return r->events;
}
