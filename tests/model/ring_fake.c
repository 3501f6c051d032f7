/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/ring_fake.h"

#include "gateway/ring/token.h"
#include "tests/model/kernel_fake.h"

#include "ktlsinstall.h"

#include <errno.h>
#include <linux/tls.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    FIRST_FD = 1000,
    SOCKETS = 512,
    CONN_SLOTS = 128,
    OPS = CONN_SLOTS * GW_OP_COUNT,
    QUEUE = 2048,
    WINDOW = 1 << 16, /* bytes a peer lets wait unread */
    PIPES = 12,
};

struct sock {
    bool open;    /* on the gateway's side */
    bool held;    /* by the peer */
    bool fin_in;  /* the peer's FIN, after what is in `in` */
    bool reset;   /* the peer's RST */
    int urgent;   /* what is next in `in` only a receive gets at: splices that have met it */
    bool told;    /* … which a splice was told of: a receive finds the end of the stream only */
    bool fin_out; /* the gateway's FIN */
    bool abort;
    bool connected;
    int connect_result; /* 1: no answer yet */
    bool attached;      /* has the tls upper layer */
    bool woken;         /* a poll has something new to tell, perhaps */
    struct gw_fake_kernel kernel;
    struct gw_queue in;  /* to the gateway */
    struct gw_queue out; /* from it */
};

enum kind {
    RECV_PICK,
    RECV,
    RECVMSG,
    SEND,
    SENDMSG,
    CONNECT,
    POLL,
};

struct op {
    bool used; /* until its completion is delivered */
    bool done; /* … which waits in the queue */
    bool cancelled;
    enum kind kind;
    struct gw_token token;
    int fd;
    void *data;
    size_t len;
    struct msghdr *msg;
    unsigned flags; /* GW_RECV_…; poll: events */
    bool multishot;
};

struct fake_pipe {
    struct gw_pipe pipe; /* the first member */
    struct gw_queue queue;
    bool used;
};

struct gw_ring {
    struct gw_fake_config config;
    int send_error;
    bool polls_once;
    uint64_t rng;
    struct gw_buffers buffers;
    struct sock socks[SOCKETS];
    struct fake_pipe pipes[PIPES];
    struct op ops[OPS];      /* by token: one of a kind for each connection */
    uint16_t in_flight[OPS]; /* which of them are used, op_count of them, in any order */
    unsigned op_count;
    struct gw_completion queue[QUEUE]; /* of completions: delivered in order, and perhaps later */
    unsigned queue_first, queue_len;
    unsigned open_count;
    unsigned next_sock;
    uint64_t events;
};

/* ---- random numbers: splitmix64 ---- */

uint64_t gw_fake_random(struct gw_ring *r)
{
    uint64_t z = (r->rng += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static bool chance(struct gw_ring *r, unsigned percent)
{
    return gw_fake_random(r) % 100 < percent;
}

/* ---- sockets ---- */

static struct sock *sock(struct gw_ring *r, int fd)
{
    assert_in_range(fd, FIRST_FD, FIRST_FD + SOCKETS - 1);
    return &r->socks[fd - FIRST_FD];
}

static struct sock *open_sock(struct gw_ring *r, int fd)
{
    struct sock *s = sock(r, fd);
    assert_true(s->open);
    return s;
}

static void drop_sock(struct sock *s)
{
    gw_queue_free(&s->in);
    gw_queue_free(&s->out);
    gw_fake_kernel_done(&s->kernel);
}

static int new_sock(struct gw_ring *r)
{
    for (unsigned tries = 0; tries < r->config.sockets; tries++) {
        int i = (int)(r->next_sock++ % r->config.sockets);
        struct sock *s = &r->socks[i];
        if (s->open || s->held)
            continue;
        drop_sock(s);
        *s = (struct sock){.open = true, .held = true};
        r->open_count++;
        return FIRST_FD + i;
    }
    fail_msg("the double is out of sockets: descriptors leak");
    return -1;
}

int gw_fake_accept(struct gw_ring *r)
{
    int fd = new_sock(r);
    sock(r, fd)->connected = true;
    return fd;
}

int gw_ring_socket(struct gw_ring *r, int family)
{
    static const int errors[] = {-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM};
    (void)family;
    if (chance(r, r->config.no_socket_percent))
        return errors[gw_fake_random(r) % GW_ARRAY_SIZE(errors)];
    return new_sock(r);
}

void gw_fake_peer_send(struct gw_ring *r, int fd, const void *data, size_t len)
{
    gw_queue_add(&sock(r, fd)->in, data, len);
    sock(r, fd)->woken = true;
}

void gw_fake_peer_fin(struct gw_ring *r, int fd)
{
    sock(r, fd)->fin_in = true;
    sock(r, fd)->woken = true;
}

void gw_fake_peer_reset(struct gw_ring *r, int fd)
{
    sock(r, fd)->reset = true;
    sock(r, fd)->woken = true;
}

size_t gw_fake_peer_receive(struct gw_ring *r, int fd, void *data, size_t cap)
{
    return gw_queue_take(&sock(r, fd)->out, data, cap);
}

bool gw_fake_peer_saw_fin(struct gw_ring *r, int fd)
{
    struct sock *s = sock(r, fd);
    return (s->fin_out || !s->open) && gw_queued(&s->out) == 0;
}

void gw_fake_peer_release(struct gw_ring *r, int fd)
{
    sock(r, fd)->held = false;
}

bool gw_fake_is_open(struct gw_ring *r, int fd)
{
    return sock(r, fd)->open;
}

/* ---- operations asked for ---- */

static struct op *place_of(struct gw_ring *r, struct gw_token token)
{
    assert_true(token.slot < CONN_SLOTS && token.op < GW_OP_COUNT);
    return &r->ops[token.slot * GW_OP_COUNT + token.op];
}

static struct op *find_op(struct gw_ring *r, struct gw_token token)
{
    struct op *op = place_of(r, token);
    return op->used && op->token.generation == token.generation ? op : NULL;
}

static struct op *new_op(struct gw_ring *r, enum kind kind, struct gw_token token, int fd)
{
    (void)open_sock(r, fd);
    struct op *op = place_of(r, token);
    assert_false(op->used); /* one of a kind */
    *op = (struct op){.used = true, .kind = kind, .token = token, .fd = fd};
    r->in_flight[r->op_count++] = (uint16_t)(op - r->ops);
    return op;
}

static void end_op(struct gw_ring *r, struct op *op)
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
    (void)new_op(r, CONNECT, token, fd);
    sock(r, fd)->connect_result = r->config.on_connect(r->config.arg, fd);
}

void gw_ring_recv_pick(struct gw_ring *r, struct gw_token token, int fd, size_t max, unsigned flags)
{
    struct op *op = new_op(r, RECV_PICK, token, fd);
    op->len = max ? max : GW_BUFFER_BYTES - GW_BUFFER_FRONT;
    op->flags = flags;
}

void gw_ring_recv(struct gw_ring *r, struct gw_token token, int fd, void *data, size_t len,
                  unsigned flags)
{
    struct op *op = new_op(r, RECV, token, fd);
    assert_true(len > 0);
    op->data = data;
    op->len = len;
    op->flags = flags;
}

void gw_ring_recvmsg(struct gw_ring *r, struct gw_token token, int fd, struct gw_buf *buf,
                     unsigned flags)
{
    struct op *op = new_op(r, RECVMSG, token, fd);
    op->msg = &buf->msg;
    op->flags = flags;
}

void gw_ring_send(struct gw_ring *r, struct gw_token token, int fd, const void *data, size_t len)
{
    struct op *op = new_op(r, SEND, token, fd);
    assert_true(len > 0);
    op->data = (void *)(uintptr_t)data;
    op->len = len;
}

void gw_ring_sendmsg(struct gw_ring *r, struct gw_token token, int fd, const struct msghdr *msg)
{
    struct op *op = new_op(r, SENDMSG, token, fd);
    op->msg = (struct msghdr *)(uintptr_t)msg;
}

void gw_ring_cancel(struct gw_ring *r, struct gw_token token)
{
    struct op *op = find_op(r, token);
    if (op)
        op->cancelled = true;
}

void gw_ring_close(struct gw_ring *r, int *fd)
{
    if (*fd < 0)
        return;
    struct sock *s = open_sock(r, *fd);
    for (unsigned i = 0; i < r->op_count; i++)
        assert_int_not_equal(r->ops[r->in_flight[i]].fd, *fd);
    s->open = false;
    r->open_count--;
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
    struct op *op = new_op(r, POLL, token, fd);
    op->flags = events;
    op->multishot = multishot;
    sock(r, fd)->woken |= multishot;
}

int gw_ring_ktls_attach(struct gw_ring *r, int fd)
{
    if (!r->config.kernel || chance(r, r->config.refuse_percent))
        return -ENOENT;
    open_sock(r, fd)->attached = true;
    return 0;
}

static bool fd_busy(const struct gw_ring *r, int fd, bool sending)
{
    for (unsigned i = 0; i < r->op_count; i++) {
        const struct op *op = &r->ops[r->in_flight[i]];
        if (op->fd == fd && op->kind != POLL && (op->kind >= SEND) == sending)
            return true;
    }
    return false;
}

int gw_ring_ktls_install(struct gw_ring *r, int fd, int direction, const struct ktls_keys *keys)
{
    struct sock *s = open_sock(r, fd);
    assert_true(s->attached);
    assert_false(fd_busy(r, fd, direction == KTLS_TX));
    bool first = !(direction == KTLS_TX ? s->kernel.tx : s->kernel.rx);
    if (first && chance(r, r->config.refuse_percent))
        return -EINVAL;
    if (!first && chance(r, r->config.refuse_rekey_percent)) {
        r->config.on_refused(r->config.arg, fd, direction);
        return -GW_FAKE_REFUSES_REKEY;
    }
    s->kernel.rekeys = r->config.rekeys;
    return gw_fake_kernel_install(&s->kernel, direction, keys);
}

uint64_t gw_fake_sealed(struct gw_ring *r, int fd)
{
    const struct sock *s = open_sock(r, fd);
    return s->kernel.tx ? s->kernel.rec.tx.records : 0;
}

void gw_ring_take_error(struct gw_ring *r, int fd)
{
    open_sock(r, fd)->kernel.sock_error = false;
}

/* ---- plain calls ---- */

int gw_ring_shutdown_write(struct gw_ring *r, int fd)
{
    struct sock *s = open_sock(r, fd);
    assert_true(s->reset || gw_queued(&s->kernel.staged) == 0); /* it would never leave */
    s->fin_out = true;
    return 0;
}

void gw_ring_abort_on_close(struct gw_ring *r, int fd, bool abort)
{
    open_sock(r, fd)->abort = abort;
}

int gw_ring_unacked(struct gw_ring *r, int fd)
{
    const struct sock *s = open_sock(r, fd);
    return s->reset ? -EPIPE : (int)gw_queued(&s->out);
}

void gw_ring_addresses(struct gw_ring *r, int fd, struct sockaddr_storage *peer,
                       struct sockaddr_storage *local)
{
    (void)open_sock(r, fd);
    if (peer)
        peer->ss_family = AF_UNIX;
    if (local)
        local->ss_family = AF_UNIX;
}

/* ---- buffers ---- */

struct gw_buf *gw_ring_buffer_take(struct gw_ring *r)
{
    if (chance(r, r->config.no_buffer_percent))
        return NULL;
    return gw_buffers_take(&r->buffers);
}

static bool within(const struct gw_buf *buf, const void *p)
{
    const uint8_t *at = p;
    return at >= buf->data && at < buf->data + GW_BUFFER_BYTES;
}

static bool op_uses(const struct op *op, const struct gw_buf *buf)
{
    return op->msg == &buf->msg || (op->data && within(buf, op->data));
}

void gw_ring_buffer_give(struct gw_ring *r, struct gw_buf *buf)
{
    for (unsigned i = 0; i < r->op_count; i++)
        assert_false(op_uses(&r->ops[r->in_flight[i]], buf));
    /* Whoever still reads it will see; mostly its beginning is enough and spares time. */
    memset(buf->data, 0xdb, chance(r, 10) ? GW_BUFFER_BYTES : 2048);
    gw_buffers_give(&r->buffers, buf);
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

enum {
    NOT_YET = INT32_MIN
};

/* How much of `want` moves this time: often all, sometimes a part, sometimes one byte. */
static size_t some(struct gw_ring *r, size_t want)
{
    if (want <= 1 || chance(r, 50))
        return want;
    return chance(r, 30) ? 1 : 1 + gw_fake_random(r) % want;
}

/* Fills the iovs; the kernel's records where it has the keys. */
static int fill(struct op *op, struct sock *s, const struct iovec *iov, size_t iov_count,
                size_t room)
{
    if (s->kernel.rx) {
        uint8_t type;
        bool typed = op->kind == RECVMSG && op->msg->msg_control;
        int res = gw_fake_kernel_receive(&s->kernel, &s->in, iov, room, typed ? &type : NULL);
        if (typed && res >= 0)
            gw_ring_control_type_set(op->msg, type);
        if (typed && res >= 0)
            CMSG_FIRSTHDR(op->msg)->cmsg_type = TLS_GET_RECORD_TYPE;
        if (res == -EAGAIN && s->reset)
            return s->told ? 0 : -ECONNRESET;
        return res == -EAGAIN && s->fin_in ? 0 : res;
    }
    size_t total = 0;
    for (size_t i = 0; i < iov_count && total < room; i++)
        total += gw_queue_take(&s->in, iov[i].iov_base, GW_MIN(iov[i].iov_len, room - total));
    return (int)total;
}

static int pick(struct gw_ring *r, struct op *op, struct sock *s, struct gw_buf **ret_buf)
{
    if (chance(r, r->config.no_buffer_percent))
        return -ENOBUFS;
    struct gw_buf *buf = gw_buffers_take(&r->buffers);
    if (!buf)
        return -ENOBUFS;
    struct iovec iov = {.iov_base = buf->data + GW_BUFFER_FRONT, .iov_len = op->len};
    int res = fill(op, s, &iov, 1, some(r, op->len));
    if (res > 0)
        *ret_buf = buf;
    else
        gw_buffers_give(&r->buffers, buf);
    return res;
}

static int receive(struct gw_ring *r, struct op *op, struct sock *s, struct gw_buf **ret_buf)
{
    bool something = gw_queued(&s->in) > 0 || s->kernel.head || s->kernel.failed;
    assert_true(!s->kernel.rx || op->flags & GW_RECV_DONTWAIT);
    if (!something && s->reset)
        return s->told ? 0 : -ECONNRESET;
    if (!something && !s->fin_in)
        return op->flags & GW_RECV_DONTWAIT ? -EAGAIN : NOT_YET;
    s->urgent = 0;
    if (op->kind == RECV_PICK)
        return pick(r, op, s, ret_buf);
    if (op->kind == RECVMSG)
        return fill(op, s, op->msg->msg_iov, op->msg->msg_iovlen, SIZE_MAX);
    struct iovec iov = {.iov_base = op->data, .iov_len = op->len};
    return fill(op, s, &iov, 1, some(r, op->len));
}

static size_t room_of(const struct sock *s)
{
    size_t used = gw_queued(&s->out) + gw_queued(&s->kernel.staged);
    return used < WINDOW ? WINDOW - used : 0;
}

/* What the kernel took and TCP had no room for leaves when there is some. */
static void flush_staged(struct sock *s)
{
    while (gw_queued(&s->kernel.staged) > 0 && gw_queued(&s->out) < WINDOW) {
        uint8_t data[4096];
        size_t room = WINDOW - gw_queued(&s->out);
        gw_queue_add(&s->out, data,
                     gw_queue_take(&s->kernel.staged, data, GW_MIN(room, sizeof(data))));
    }
}

static int transmit(struct gw_ring *r, const struct op *op, struct sock *s)
{
    struct iovec one = {.iov_base = op->data, .iov_len = op->len};
    const struct iovec *iov = op->kind == SEND ? &one : op->msg->msg_iov;
    size_t count = op->kind == SEND ? 1 : op->msg->msg_iovlen;
    size_t whole = 0;
    if (s->reset)
        return -EPIPE;
    if (s->kernel.sock_error)
        return s->kernel.failed;
    if (s->kernel.tx && r->send_error)
        return r->send_error;
    assert_false(s->fin_out); /* a send after shutdown */
    for (size_t i = 0; i < count; i++)
        whole += iov[i].iov_len;
    size_t room = room_of(s);
    if (room == 0)
        return NOT_YET;
    const struct cmsghdr *cmsg = op->kind == SENDMSG ? CMSG_FIRSTHDR(op->msg) : NULL;
    if (cmsg) {
        assert_true(s->kernel.tx);
        gw_fake_kernel_send(&s->kernel, iov, whole, *CMSG_DATA(cmsg));
        return (int)whole;
    }
    size_t len = some(r, GW_MIN(whole, room));
    if (s->kernel.tx)
        gw_fake_kernel_send(&s->kernel, iov, len, GW_CONTENT_DATA);
    for (size_t i = 0, at = 0; i < count && at < len && !s->kernel.tx; i++) {
        size_t n = GW_MIN(iov[i].iov_len, len - at);
        gw_queue_add(&s->out, iov[i].iov_base, n);
        at += n;
    }
    return (int)len;
}

static int look(const struct op *op, struct sock *s)
{
    if (!op->multishot && op->flags & POLLOUT)
        return room_of(s) > 0 || s->reset || s->kernel.sock_error ? POLLOUT : NOT_YET;
    if (!op->multishot)
        return gw_queued(&s->in) > 0 || s->reset || s->fin_in ? POLLIN : NOT_YET;
    bool news = s->woken && (s->reset || s->fin_in || gw_fake_kernel_readable(&s->kernel, &s->in));
    /* A wake-up while the kernel waits for a key is lost. */
    s->woken = s->woken && !news && !s->kernel.wants_key;
    return news ? POLLIN : NOT_YET;
}

static int connect_result(struct sock *s)
{
    if (s->connect_result == 1)
        return NOT_YET;
    s->connected = s->connect_result == 0;
    return s->connect_result;
}

static int perform(struct gw_ring *r, struct op *op, struct gw_buf **ret_buf)
{
    struct sock *s = open_sock(r, op->fd);
    int res;
    /* A cancel may come too late; an operation that cannot complete ends by it. */
    if (op->cancelled && chance(r, 60))
        return -ECANCELED;
    switch (op->kind) {
    case CONNECT:
        res = connect_result(s);
        break;
    case POLL:
        res = look(op, s);
        break;
    case SEND:
    case SENDMSG:
        res = transmit(r, op, s);
        break;
    default:
        res = receive(r, op, s, ret_buf);
    }
    return res == NOT_YET && op->cancelled ? -ECANCELED : res;
}

static void try_one(struct gw_ring *r, struct op *op)
{
    struct gw_completion c = {.token = op->token};
    c.res = perform(r, op, &c.buf);
    if (c.res == NOT_YET)
        return;
    /* A poll goes on, most of the time. */
    c.more = op->multishot && c.res >= 0 && !chance(r, 5) && !r->polls_once;
    op->done = !c.more;
    assert_true(r->queue_len < QUEUE);
    r->queue[(r->queue_first + r->queue_len++) % QUEUE] = c;
}

static void deliver(struct gw_ring *r, gw_ring_handler *handler, void *arg)
{
    struct gw_completion c = r->queue[r->queue_first++ % QUEUE];
    r->queue_len--;
    r->events++;
    struct op *op = find_op(r, c.token);
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
            flush_staged(&r->socks[i]);
    for (unsigned i = 0; i < r->op_count; i++) { /* in random order */
        unsigned other = i + (unsigned)(gw_fake_random(r) % (r->op_count - i));
        uint16_t at = r->in_flight[other];
        r->in_flight[other] = r->in_flight[i];
        r->in_flight[i] = at;
        if (!r->ops[at].done && (r->config.prompt || chance(r, 70)))
            try_one(r, &r->ops[at]);
    }
    /* Some are seen only next time, when the peers have gone on. */
    unsigned now = r->config.prompt || chance(r, 50)
                       ? r->queue_len
                       : (unsigned)(gw_fake_random(r) % (r->queue_len + 1));
    while (now-- > 0)
        deliver(r, handler, arg);
    return 0;
}

/* ---- splice ---- */

struct gw_pipe *gw_ring_pipe_take(struct gw_ring *r)
{
    if (chance(r, r->config.no_buffer_percent))
        return NULL;
    for (unsigned i = 0; i < PIPES; i++) {
        struct fake_pipe *p = &r->pipes[i];
        if (p->used)
            continue;
        assert_int_equal(gw_queued(&p->queue), 0);
        assert_int_equal(p->pipe.bytes, 0);
        p->used = true;
        return &p->pipe;
    }
    return NULL;
}

static struct fake_pipe *used_pipe(struct gw_pipe *pipe)
{
    struct fake_pipe *p = (struct fake_pipe *)pipe;
    assert_true(p->used);
    assert_int_equal(p->pipe.bytes, gw_queued(&p->queue));
    return p;
}

/* One that is not empty is closed. */
void gw_ring_pipe_give(struct gw_ring *r, struct gw_pipe *pipe)
{
    struct fake_pipe *p = used_pipe(pipe);
    (void)r;
    gw_queue_free(&p->queue);
    *p = (struct fake_pipe){0};
}

static int nothing_in(struct sock *s)
{
    bool first = !s->told;
    s->told |= s->reset;
    return s->reset ? first ? -ECONNRESET : 0 : s->fin_in ? 0 : -EAGAIN;
}

/* An empty pipe holds any record; one with something in it may have little room, or none. */
static int fill_pipe_from_kernel(struct gw_ring *r, struct fake_pipe *p, struct sock *s)
{
    size_t room = SIZE_MAX;
    if (p->pipe.bytes > 0 && chance(r, 30))
        room = gw_fake_random(r) % 5000;
    if (room == 0)
        return -EAGAIN;
    bool loses = r->config.splice_loses && p->pipe.bytes > 0;
    int res = gw_fake_kernel_splice(&s->kernel, &s->in, &p->queue, room, loses);
    return res == -EAGAIN ? nothing_in(s) : res;
}

static int fill_pipe(struct gw_ring *r, struct fake_pipe *p, struct sock *s, size_t max)
{
    uint8_t data[4096];
    size_t want = some(r, GW_MIN(gw_queued(&s->in), max));
    if (want == 0)
        return nothing_in(s);
    if (s->urgent || chance(r, 2)) {
        assert_true(++s->urgent <= 2); /* once more, as a poll tells of it, and then not again */
        return -EAGAIN;
    }
    if (chance(r, 5))
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
    struct sock *s = open_sock(r, fd);
    struct fake_pipe *p = used_pipe(pipe);
    assert_true(max > 0);
    assert_false(fd_busy(r, fd, false)); /* a receive in flight would mix the order */
    int res = s->kernel.rx ? fill_pipe_from_kernel(r, p, s) : fill_pipe(r, p, s, max);
    if (res > 0)
        pipe->bytes += (uint32_t)res;
    return res;
}

int gw_ring_pipe_empty(struct gw_ring *r, struct gw_pipe *pipe, int fd)
{
    uint8_t data[WINDOW];
    struct sock *s = open_sock(r, fd);
    struct fake_pipe *p = used_pipe(pipe);
    assert_true(pipe->bytes > 0);
    assert_false(fd_busy(r, fd, true));
    if (s->reset)
        return -EPIPE;
    if (s->kernel.sock_error)
        return s->kernel.failed;
    if (s->kernel.tx && r->send_error)
        return r->send_error;
    assert_false(s->fin_out);
    size_t room = chance(r, 10) ? 0 : room_of(s);
    if (room == 0)
        return -EAGAIN;
    size_t n = gw_queue_take(&p->queue, data, some(r, GW_MIN((size_t)pipe->bytes, room)));
    struct iovec iov = {.iov_base = data, .iov_len = n};
    if (s->kernel.tx)
        gw_fake_kernel_send(&s->kernel, &iov, n, GW_CONTENT_DATA);
    else
        gw_queue_add(&s->out, data, n);
    pipe->bytes -= (uint32_t)n;
    return (int)n;
}

/* ---- life ---- */

struct gw_ring *gw_fake_new(const struct gw_fake_config *config)
{
    struct gw_ring *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    r->config = *config;
    r->config.sockets = config->sockets ? config->sockets : SOCKETS;
    assert_true(r->config.sockets <= SOCKETS);
    r->rng = config->seed;
    assert_int_equal(gw_buffers_init(&r->buffers, config->max_buffers), 0);
    return r;
}

static void assert_idle(const struct gw_ring *r)
{
    assert_int_equal(r->op_count, 0);
    assert_int_equal(r->open_count, 0);
    assert_int_equal(gw_ring_buffers_in_use(r), 0);
    for (int i = 0; i < PIPES; i++)
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
        drop_sock(&r->socks[i]);
    gw_buffers_done(&r->buffers);
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

uint64_t gw_fake_events(const struct gw_ring *r)
{
    return r->events;
}
