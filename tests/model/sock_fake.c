/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of the ring's double: what their peers do to them, and what operations do. */
#include "tests/model/ring_fake_private.h"

#include "ktlsinstall.h"

#include <errno.h>
#include <linux/tls.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- sockets ---- */

struct gw_fake_sock *gw_fake_sock(struct gw_ring *r, int fd)
{
    assert_in_range(fd, GW_FAKE_FIRST_FD, GW_FAKE_FIRST_FD + GW_FAKE_SOCKETS - 1);
    return &r->socks[fd - GW_FAKE_FIRST_FD];
}

struct gw_fake_sock *gw_fake_open_sock(struct gw_ring *r, int fd)
{
    struct gw_fake_sock *s = gw_fake_sock(r, fd);
    assert_true(s->open);
    return s;
}

void gw_fake_drop_sock(struct gw_fake_sock *s)
{
    gw_queue_free(&s->in);
    gw_queue_free(&s->out);
    gw_fake_kernel_done(&s->kernel);
}

static int new_sock(struct gw_ring *r)
{
    for (unsigned tries = 0; tries < r->config.sockets; tries++) {
        int i = (int)(r->next_sock++ % r->config.sockets);
        struct gw_fake_sock *s = &r->socks[i];
        if (s->open || s->held)
            continue;
        gw_fake_drop_sock(s);
        *s = (struct gw_fake_sock){.open = true, .held = true};
        r->open_count++;
        return GW_FAKE_FIRST_FD + i;
    }
    fail_msg("the double is out of sockets: descriptors leak");
    return -1;
}

int gw_fake_accept(struct gw_ring *r)
{
    int fd = new_sock(r);
    gw_fake_sock(r, fd)->connected = true;
    return fd;
}

int gw_ring_socket(struct gw_ring *r, int family)
{
    static const int errors[] = {-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM};
    (void)family;
    if (gw_fake_chance(r, r->config.no_socket_percent))
        return errors[gw_fake_random(r) % GW_ARRAY_SIZE(errors)];
    return new_sock(r);
}

void gw_fake_peer_send(struct gw_ring *r, int fd, const void *data, size_t len)
{
    gw_queue_add(&gw_fake_sock(r, fd)->in, data, len);
    gw_fake_sock(r, fd)->woken = true;
}

void gw_fake_peer_fin(struct gw_ring *r, int fd)
{
    gw_fake_sock(r, fd)->fin_in = true;
    gw_fake_sock(r, fd)->woken = true;
}

void gw_fake_peer_reset(struct gw_ring *r, int fd)
{
    gw_fake_sock(r, fd)->reset = true;
    gw_fake_sock(r, fd)->woken = true;
}

size_t gw_fake_peer_receive(struct gw_ring *r, int fd, void *data, size_t cap)
{
    struct gw_fake_sock *s = gw_fake_sock(r, fd);
    size_t n = gw_queue_take(&s->out, data, cap);
    if (r->config.prompt && s->open)
        gw_fake_flush(s);
    return n;
}

bool gw_fake_peer_saw_fin(struct gw_ring *r, int fd)
{
    struct gw_fake_sock *s = gw_fake_sock(r, fd);
    return (s->fin_out || !s->open) && gw_queued(&s->out) == 0;
}

void gw_fake_peer_release(struct gw_ring *r, int fd)
{
    gw_fake_sock(r, fd)->held = false;
}

bool gw_fake_is_open(struct gw_ring *r, int fd)
{
    return gw_fake_sock(r, fd)->open;
}

/* ---- the kernel's TLS ---- */

int gw_ring_ktls_attach(struct gw_ring *r, int fd)
{
    if (!r->config.kernel || gw_fake_chance(r, r->config.refuse_percent))
        return -ENOENT;
    gw_fake_open_sock(r, fd)->attached = true;
    return 0;
}

bool gw_fake_busy(const struct gw_ring *r, int fd, bool sending)
{
    for (unsigned i = 0; i < r->op_count; i++) {
        const struct gw_fake_op *op = &r->ops[r->in_flight[i]];
        if (op->fd == fd && op->kind != GW_FAKE_POLL && (op->kind >= GW_FAKE_SEND) == sending)
            return true;
    }
    return false;
}

int gw_ring_ktls_install(struct gw_ring *r, int fd, int direction, const struct ktls_keys *keys)
{
    struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    assert_true(s->attached);
    assert_false(gw_fake_busy(r, fd, direction == KTLS_TX));
    bool first = !(direction == KTLS_TX ? s->kernel.tx : s->kernel.rx);
    if (first && gw_fake_chance(r, r->config.refuse_percent))
        return -EINVAL;
    if (!first && gw_fake_chance(r, r->config.refuse_rekey_percent)) {
        r->config.on_refused(r->config.arg, fd, direction);
        return -GW_FAKE_REFUSES_REKEY;
    }
    s->kernel.rekeys = r->config.rekeys;
    return gw_fake_kernel_install(&s->kernel, direction, keys);
}

int gw_ring_ktls_expect_unpadded(struct gw_ring *r, int fd)
{
    const struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    assert_true(s->kernel.rx);
    assert_int_equal(s->kernel.rec.rx.keys.suite->version, KTLS_TLS_1_3);
    return gw_fake_chance(r, r->config.refuse_percent) ? -EINVAL : 0;
}

uint64_t gw_fake_sealed(struct gw_ring *r, int fd)
{
    const struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    return s->kernel.tx ? s->kernel.rec.tx.records : 0;
}

void gw_ring_take_error(struct gw_ring *r, int fd)
{
    gw_fake_open_sock(r, fd)->kernel.sock_error = false;
}

/* ---- plain calls ---- */

void gw_ring_flush(struct gw_ring *r)
{
    (void)r; /* here nothing waits to be submitted */
}

int gw_ring_shutdown_write(struct gw_ring *r, int fd)
{
    struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    assert_true(s->reset || gw_queued(&s->kernel.staged) == 0); /* it would never leave */
    s->fin_out = true;
    return 0;
}

void gw_ring_abort_on_close(struct gw_ring *r, int fd, bool abort)
{
    gw_fake_open_sock(r, fd)->abort = abort;
}

int gw_ring_unacked(struct gw_ring *r, int fd)
{
    const struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    return s->reset ? -EPIPE : (int)gw_queued(&s->out);
}

void gw_ring_addresses(struct gw_ring *r, int fd, struct sockaddr_storage *peer,
                       struct sockaddr_storage *local)
{
    (void)gw_fake_open_sock(r, fd);
    if (peer)
        peer->ss_family = AF_UNIX;
    if (local)
        local->ss_family = AF_UNIX;
}

/* ---- what operations do ---- */

size_t gw_fake_some(struct gw_ring *r, size_t want)
{
    if (want <= 1 || gw_fake_chance(r, 50))
        return want;
    return gw_fake_chance(r, 30) ? 1 : 1 + gw_fake_random(r) % want;
}

/* Fills the iovs; the kernel's records where it has the keys. */
static int fill(struct gw_fake_op *op, struct gw_fake_sock *s, const struct iovec *iov,
                size_t iov_count, size_t room)
{
    if (s->kernel.rx) {
        uint8_t type;
        bool typed = op->kind == GW_FAKE_RECVMSG && op->msg->msg_control;
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

static int pick_snippet(struct gw_ring *r, struct gw_fake_op *op, struct gw_fake_sock *s,
                        struct gw_snippet **ret)
{
    struct gw_snippet *snippet =
        gw_fake_chance(r, r->config.no_buffer_percent) ? NULL : gw_snippets_take(&r->snippets);
    if (!snippet)
        return -ENOBUFS;
    struct iovec iov = {.iov_base = snippet->data, .iov_len = GW_SNIPPET_BYTES};
    int res = fill(op, s, &iov, 1, gw_fake_some(r, GW_SNIPPET_BYTES));
    snippet->len = (uint32_t)GW_MAX(res, 0);
    if (res > 0)
        *ret = snippet;
    else
        gw_snippets_give(&r->snippets, snippet);
    return res;
}

static int stand(struct gw_ring *r, struct gw_fake_op *op, struct gw_fake_sock *s,
                 struct gw_snippet **ret)
{
    int res = pick_snippet(r, op, s, ret);
    op->deaf |= op->hides && gw_queued(&s->in) == 0 && (s->fin_in || s->reset);
    r->hidden += op->hides && op->deaf;
    op->hides = false;
    return res;
}

int gw_ring_look(struct gw_ring *r, int fd)
{
    struct gw_fake_sock *s = gw_fake_open_sock(r, fd);
    if (gw_queued(&s->in) > 0)
        return 1;
    if (s->reset && !s->told) {
        s->told = true;
        return -ECONNRESET;
    }
    return s->reset || s->fin_in ? 0 : -EAGAIN;
}

static int pick(struct gw_ring *r, struct gw_fake_op *op, struct gw_fake_sock *s,
                struct gw_buf **ret_buf)
{
    if (gw_fake_chance(r, r->config.no_buffer_percent))
        return -ENOBUFS;
    struct gw_buf *buf = gw_buffers_take(&r->buffers);
    if (!buf)
        return -ENOBUFS;
    struct iovec iov = {.iov_base = buf->data + GW_BUFFER_FRONT, .iov_len = op->len};
    int res = fill(op, s, &iov, 1, gw_fake_some(r, op->len));
    if (res > 0)
        *ret_buf = buf;
    else
        gw_buffers_give(&r->buffers, buf);
    return res;
}

int gw_fake_receive(struct gw_ring *r, struct gw_fake_op *op, struct gw_fake_sock *s,
                    struct gw_completion *ret)
{
    bool something = gw_queued(&s->in) > 0 || s->kernel.head || s->kernel.failed;
    if (op->deaf && !something)
        return GW_FAKE_NOT_YET;
    assert_true(!s->kernel.rx || op->flags & GW_RECV_DONTWAIT);
    if (!something && s->reset)
        return s->told ? 0 : -ECONNRESET;
    if (!something && !s->fin_in)
        return op->flags & GW_RECV_DONTWAIT ? -EAGAIN : GW_FAKE_NOT_YET;
    s->urgent = 0;
    if (op->kind == GW_FAKE_RECV_PICK)
        return pick(r, op, s, &ret->buf);
    if (op->kind == GW_FAKE_STANDING)
        return stand(r, op, s, &ret->snippet);
    if (op->kind == GW_FAKE_RECVMSG)
        return fill(op, s, op->msg->msg_iov, op->msg->msg_iovlen, SIZE_MAX);
    struct iovec iov = {.iov_base = op->data, .iov_len = op->len};
    return fill(op, s, &iov, 1, gw_fake_some(r, op->len));
}

size_t gw_fake_room(const struct gw_fake_sock *s)
{
    size_t used = gw_queued(&s->out) + gw_queued(&s->kernel.staged);
    return used < GW_FAKE_WINDOW ? GW_FAKE_WINDOW - used : 0;
}

void gw_fake_flush(struct gw_fake_sock *s)
{
    while (gw_queued(&s->kernel.staged) > 0 && gw_queued(&s->out) < GW_FAKE_WINDOW) {
        uint8_t data[4096];
        size_t room = GW_FAKE_WINDOW - gw_queued(&s->out);
        gw_queue_add(&s->out, data,
                     gw_queue_take(&s->kernel.staged, data, GW_MIN(room, sizeof(data))));
    }
}

int gw_fake_transmit(struct gw_ring *r, const struct gw_fake_op *op, struct gw_fake_sock *s)
{
    struct iovec one = {.iov_base = op->data, .iov_len = op->len};
    const struct iovec *iov = op->kind == GW_FAKE_SEND ? &one : op->msg->msg_iov;
    size_t count = op->kind == GW_FAKE_SEND ? 1 : op->msg->msg_iovlen;
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
    size_t room = gw_fake_room(s);
    if (room == 0)
        return GW_FAKE_NOT_YET;
    const struct cmsghdr *cmsg = op->kind == GW_FAKE_SENDMSG ? CMSG_FIRSTHDR(op->msg) : NULL;
    if (cmsg) {
        assert_true(s->kernel.tx);
        gw_fake_kernel_send(&s->kernel, iov, whole, *CMSG_DATA(cmsg));
        if (r->config.prompt)
            gw_fake_flush(s);
        return (int)whole;
    }
    size_t len = gw_fake_some(r, GW_MIN(whole, room));
    if (s->kernel.tx)
        gw_fake_kernel_send(&s->kernel, iov, len, GW_CONTENT_DATA);
    for (size_t i = 0, at = 0; i < count && at < len && !s->kernel.tx; i++) {
        size_t n = GW_MIN(iov[i].iov_len, len - at);
        gw_queue_add(&s->out, iov[i].iov_base, n);
        at += n;
    }
    return (int)len;
}

int gw_fake_look(const struct gw_fake_op *op, struct gw_fake_sock *s)
{
    if (!op->multishot && op->flags & POLLOUT)
        return gw_fake_room(s) > 0 || s->reset || s->kernel.sock_error ? POLLOUT : GW_FAKE_NOT_YET;
    if (!op->multishot)
        return gw_queued(&s->in) > 0 || s->reset || s->fin_in ? POLLIN : GW_FAKE_NOT_YET;
    bool news = s->woken && (s->reset || s->fin_in || gw_fake_kernel_readable(&s->kernel, &s->in));
    /* A wake-up while the kernel waits for a key is lost. */
    s->woken = s->woken && !news && !s->kernel.wants_key;
    return news ? POLLIN : GW_FAKE_NOT_YET;
}

int gw_fake_connect_result(struct gw_fake_sock *s)
{
    if (s->connect_result == 1)
        return GW_FAKE_NOT_YET;
    s->connected = s->connect_result == 0;
    return s->connect_result;
}
