/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/conn.h"

#include "bench/load/work.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOURCE_PORTS = 16384, /* connections that one local address is used for */
};

static struct gw_token token_of(const struct bench_conn *c, enum gw_op op)
{
    return (struct gw_token){.op = op, .slot = c->slot, .generation = c->generation};
}

static struct gw_token begin(struct bench_conn *c, enum gw_op op)
{
    gw_require(!(c->in_flight & 1U << op));
    c->in_flight |= (uint16_t)(1U << op);
    return token_of(c, op);
}

static struct gw_ring *ring_of(struct bench_conn *c)
{
    return c->thread->ring;
}

static void give(struct bench_conn *c, struct gw_buf **buf)
{
    if (*buf)
        gw_ring_buffer_give(ring_of(c), *buf);
    *buf = NULL;
}

/* ---- the end ---- */

static void free_when_still(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    if (c->state != BENCH_CONN_GONE || c->in_flight)
        return;
    give(c, &c->rx);
    give(c, &c->tx);
    gw_ring_close(t->ring, &c->fd);
    if (c->has_record)
        gw_record_done(&c->rec);
    bench_tls_handshake_free(c->hs);
    free(c->head);
    gw_pool_give(&t->pool, c->slot);
}

static void leave(struct bench_conn *c)
{
    bool was_open = c->state == BENCH_CONN_OPEN || c->state == BENCH_CONN_CLOSING;
    c->state = BENCH_CONN_GONE;
    for (unsigned op = 0; op < GW_OP_COUNT; op++)
        if (c->in_flight & 1U << op)
            gw_ring_cancel(ring_of(c), token_of(c, (enum gw_op)op));
    bench_thread_closed(c->thread, was_open);
}

void bench_conn_drop(struct bench_conn *c)
{
    if (c->state == BENCH_CONN_GONE)
        return;
    /* Without RST each would leave a TIME_WAIT, and a port that is not there for the next. */
    gw_ring_abort_on_close(ring_of(c), c->fd, true);
    leave(c);
}

/* A server's words must not steer a terminal, nor break JSON. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void bench_conn_fail(struct bench_conn *c, const char *fmt, ...)
{
    struct bench_thread *t = c->thread;
    char text[256];
    va_list args;
    if (c->state == BENCH_CONN_GONE)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    make_printable(text);
    if (!t->err.text[0])
        (void)gw_error_set(&t->err, GW_EXIT_OTHER, "%s", text);
    bench_count(&t->counts.errors, 1);
    bench_conn_drop(c);
}

static bool is_awaited(const struct bench_conn *c)
{
    return c->state != BENCH_CONN_OPEN || (!c->thread->work->rests && !c->waits);
}

void bench_conn_check(struct bench_conn *c)
{
    static const char *const doing[] = {
        [BENCH_CONN_CONNECTING] = "did not take a connection",
        [BENCH_CONN_HANDSHAKING] = "did not finish a handshake",
        [BENCH_CONN_OPEN] = "did not answer",
        [BENCH_CONN_CLOSING] = "did not close a connection that the load had closed",
    };
    const struct bench_config *config = c->thread->config;
    if (c->state == BENCH_CONN_GONE || !is_awaited(c) ||
        c->thread->now_ns - c->since_ns < config->timeout_ns)
        return;
    bench_conn_fail(c, "the server %s within %.1f seconds (--timeout)", doing[c->state],
                    (double)config->timeout_ns / (double)GW_NS_PER_SEC);
    free_when_still(c);
}

/* ---- sending ---- */

static void send_rest(struct bench_conn *c)
{
    struct gw_buf *b = c->tx;
    struct gw_token token = begin(c, GW_OP_SEND);
    b->msg = (struct msghdr){.msg_iov = &b->iov[c->iov_at], .msg_iovlen = c->iov_count - c->iov_at};
    if (b->msg.msg_iovlen == 1)
        gw_ring_send(ring_of(c), token, c->fd, b->msg.msg_iov->iov_base, b->msg.msg_iov->iov_len);
    else
        gw_ring_sendmsg(ring_of(c), token, c->fd, &b->msg);
}

/* Adds a record to what is sent next. */
static bool seal(struct bench_conn *c, uint8_t type, const uint8_t *data, size_t len)
{
    uint8_t *start;
    size_t size;
    uint8_t *payload = gw_buffer_slot(c->tx->data, c->iov_count);
    memcpy(payload, data, len);
    if (gw_record_seal(&c->rec, type, payload, len, &start, &size)) {
        bench_conn_fail(c, "a record could not be sealed");
        return false;
    }
    c->tx->iov[c->iov_count++] = (struct iovec){.iov_base = start, .iov_len = size};
    return true;
}

static bool take_tx(struct bench_conn *c)
{
    c->iov_at = c->iov_count = 0;
    if (!c->tx)
        c->tx = gw_ring_buffer_take(ring_of(c));
    if (!c->tx)
        bench_conn_fail(c, "out of memory for buffers");
    return c->tx != NULL;
}

/* A head of HTTP leaves before any byte that it is about. */
static bool is_payload(const struct bench_conn *c)
{
    return !c->thread->work->is_http || c->sent > 0;
}

/* As much of the data as a buffer's slots take. */
static void seal_data(struct bench_conn *c)
{
    if (!take_tx(c))
        return;
    struct iovec slots[GW_BUFFER_SLOTS];
    gw_buffer_slots(c->tx->data, c->rec.tx_payload_max, slots);
    while (c->left > 0 && c->iov_count < GW_BUFFER_SLOTS) {
        size_t n = GW_MIN(c->left, slots[c->iov_count].iov_len);
        if (!seal(c, GW_CONTENT_DATA, c->data, n))
            return;
        c->data += n;
        c->left -= n;
        c->tx_payload += is_payload(c) ? (uint32_t)n : 0;
    }
    send_rest(c);
}

static void send_control(struct bench_conn *c)
{
    struct bench_control control = c->control;
    c->control.len = 0;
    if (!take_tx(c) || !seal(c, control.type, control.body, control.len))
        return;
    if (control.type == GW_CONTENT_HANDSHAKE && gw_record_update(&c->rec.tx)) {
        bench_conn_fail(c, "the next key could not be made");
        return;
    }
    c->sending_control = true;
    send_rest(c);
}

/* Starts the next send, unless one is in flight. */
static void drive_tx(struct bench_conn *c)
{
    if (c->in_flight & 1U << GW_OP_SEND)
        return;
    if (c->control.len > 0)
        send_control(c);
    else if (c->left > 0 && c->has_record)
        seal_data(c);
    else if (c->left > 0)
        gw_ring_send(ring_of(c), begin(c, GW_OP_SEND), c->fd, c->data, c->left);
}

void bench_conn_send(struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (c->left > 0) {
        bench_conn_fail(c, "the server answered before it had been asked");
        return;
    }
    c->data = data;
    c->left = len;
    drive_tx(c);
}

static void say(struct bench_conn *c, uint8_t type, const uint8_t *body, size_t len)
{
    c->control.type = type;
    c->control.len = len;
    memcpy(c->control.body, body, len);
    drive_tx(c);
}

void bench_conn_close(struct bench_conn *c)
{
    uint8_t body[GW_CONTROL_MAX];
    if (c->state != BENCH_CONN_OPEN)
        return;
    c->state = BENCH_CONN_CLOSING;
    c->since_ns = gw_clock_ns();
    if (c->has_record)
        say(c, GW_CONTENT_ALERT, body, gw_control_alert(body, GW_ALERT_CLOSE_NOTIFY));
    else
        (void)gw_ring_shutdown_write(ring_of(c), c->fd);
}

/* ---- receiving ---- */

static void receive(struct bench_conn *c)
{
    struct gw_ring *r = ring_of(c);
    if (c->state == BENCH_CONN_GONE || c->in_flight & 1U << GW_OP_RECV)
        return;
    if (c->start == c->end) {
        give(c, &c->rx);
        gw_ring_recv_pick(r, begin(c, GW_OP_RECV), c->fd, 0, 0);
        return;
    }
    /* The rest of a record goes behind its beginning. */
    uint32_t have = c->end - c->start;
    memmove(c->rx->data, c->rx->data + c->start, have);
    c->start = 0;
    c->end = have;
    gw_ring_recv(r, begin(c, GW_OP_RECV), c->fd, c->rx->data + have, GW_BUFFER_BYTES - have, 0);
}

/* The server ended its direction. */
static void ended(struct bench_conn *c)
{
    if (c->state == BENCH_CONN_CLOSING && !c->cut_off) {
        c->thread->work->ended(c);
        bench_conn_drop(c);
    } else {
        bench_conn_fail(c, "the server ended a connection");
    }
}

static void key_update(struct bench_conn *c, bool reply)
{
    uint8_t body[GW_CONTROL_MAX];
    if (gw_record_update(&c->rec.rx))
        bench_conn_fail(c, "the server's next key could not be made");
    else if (reply && c->state == BENCH_CONN_OPEN)
        say(c, GW_CONTENT_HANDSHAKE, body, gw_control_key_update(body, false));
}

static void take_control(struct bench_conn *c, const struct gw_opened *o)
{
    struct gw_control control;
    switch (gw_control_judge(&c->rec, o->type, o->payload, o->payload_len, &control)) {
    case GW_CONTROL_GO_ON:
        return;
    case GW_CONTROL_CLOSED:
        if (c->state == BENCH_CONN_CLOSING) /* the FIN follows, perhaps only after ours */
            (void)gw_ring_shutdown_write(ring_of(c), c->fd);
        else
            ended(c);
        return;
    case GW_CONTROL_KEY_UPDATE:
        key_update(c, control.reply);
        return;
    case GW_CONTROL_PEER_FAILED:
        bench_conn_fail(c, "the server sent the alert %s", gw_alert_name(control.alert));
        return;
    case GW_CONTROL_REFUSE:
    case GW_CONTROL_FAIL:
    case GW_CONTROL_END_CLEANLY:
        bench_conn_fail(c, "the server sent an unexpected record");
        return;
    }
}

static bool take_data(struct bench_conn *c, const uint8_t *data, size_t len)
{
    const struct bench_work *work = c->thread->work;
    if (!work->is_http)
        bench_count(&c->thread->counts.bytes_down, len);
    return work->received(c, data, len);
}

static bool take_record(struct bench_conn *c)
{
    struct gw_opened o;
    switch (gw_record_open(&c->rec, c->rx->data + c->start, c->end - c->start, &o)) {
    case GW_OPEN_PARTIAL:
        return false;
    case GW_OPEN_FAILED:
        bench_conn_fail(c, "a record of the server could not be opened: %s",
                        gw_alert_name(o.alert));
        return false;
    case GW_OPEN_RECORD:
        break;
    }
    c->start += (uint32_t)o.consumed;
    if (o.type != GW_CONTENT_DATA || o.payload_len == 0)
        take_control(c, &o);
    else if (!gw_control_saw_data(&c->rec))
        bench_conn_fail(c, "data came amid a handshake message");
    else
        (void)take_data(c, o.payload, o.payload_len);
    return c->state != BENCH_CONN_GONE;
}

static void take_bytes(struct bench_conn *c)
{
    if (c->has_record) {
        while (c->start < c->end && take_record(c))
            ;
    } else {
        uint32_t at = c->start;
        c->start = c->end;
        (void)take_data(c, c->rx->data + at, c->end - at);
    }
    receive(c);
}

/* ---- opening ---- */

static void opened(struct bench_conn *c)
{
    c->state = BENCH_CONN_OPEN;
    c->since_ns = gw_clock_ns();
    bench_thread_opened(c->thread);
    c->thread->work->opened(c);
}

/* After the handshake's last byte was sent. */
static void handshaken(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    struct gw_handover_keys keys;
    int r = bench_tls_handshake_keys(c->hs, &keys);
    if (!r)
        r = gw_record_init(&c->rec, &keys);
    if (r) {
        bench_conn_fail(c, "the keys of a handshake could not be taken: %s", strerror(-r));
        return;
    }
    c->has_record = true;
    if (t->config->resume == BENCH_RESUMED && !bench_tls_handshake_resumed(c->hs)) {
        bench_conn_fail(c, "the server did a full handshake instead of resuming the session");
        return;
    }
    bench_count(&t->counts.resumed, bench_tls_handshake_resumed(c->hs));
    if (!t->group[0])
        (void)snprintf(t->group, sizeof(t->group), "%s", bench_tls_handshake_group(c->hs));
    c->start = 0;
    c->end = (uint32_t)bench_tls_handshake_unread(c->hs, c->rx->data, GW_BUFFER_BYTES);
    bench_tls_handshake_free(c->hs);
    c->hs = NULL;
    opened(c);
    if (c->state != BENCH_CONN_GONE)
        take_bytes(c);
}

/* Sending and receiving alternate: libssl's output must not move while it is being sent. */
static void handshake_goes_on(struct bench_conn *c)
{
    const uint8_t *out;
    if (bench_tls_handshake_output(c->hs, &out) > 0)
        gw_ring_send(ring_of(c), begin(c, GW_OP_SEND), c->fd, out,
                     bench_tls_handshake_output(c->hs, &out));
    else if (bench_tls_handshake_done(c->hs))
        handshaken(c);
    else
        receive(c);
}

static void handshake(struct bench_conn *c, const void *data, size_t len)
{
    struct gw_ring *ring = ring_of(c);
    if (bench_tls_handshake_input(c->hs, data, len))
        handshake_goes_on(c);
    else
        bench_conn_fail(c, "a handshake failed: %s", bench_tls_handshake_why(c->hs));
    gw_ring_flush(ring); /* the next one's step takes long, too */
}

static void connected(struct bench_conn *c, int res)
{
    if (res == -EADDRNOTAVAIL) {
        bench_conn_fail(c,
                        "--target %s: no local port is left for another connection to it; ask for "
                        "fewer --connections, or widen net.ipv4.ip_local_port_range",
                        c->thread->config->target.text);
    } else if (res < 0) {
        bench_conn_fail(c, "--target %s: %s", c->thread->config->target.text, strerror(-res));
    } else if (c->thread->config->plain) {
        opened(c);
        receive(c);
    } else {
        c->state = BENCH_CONN_HANDSHAKING;
        handshake(c, NULL, 0);
    }
}

/* An address has some 28,000 ports for connections to one server. In 127.0.0.0/8 all addresses are
 * ours, so many connections are spread over several. */
static void choose_source(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    const struct sockaddr_in *to = (const struct sockaddr_in *)&t->config->target.addr;
    uint32_t sources = (uint32_t)(t->config->connections / SOURCE_PORTS) + 1;
    if (to->sin_family != AF_INET || ntohl(to->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
        return;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr =
                                   htonl(INADDR_LOOPBACK + t->opened_ever % sources)};
    int one = 1; /* the port is chosen by connect, which knows the other end */
    if (sources > 1 && !setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)))
        (void)bind(c->fd, (const struct sockaddr *)&from, sizeof(from));
}

static bool start(struct bench_conn *c)
{
    const struct bench_config *config = c->thread->config;
    const struct gw_address *to = &config->target;
    c->fd = gw_ring_socket(ring_of(c), to->addr.ss_family);
    if (!config->plain)
        c->hs = bench_tls_handshake_new(c->thread->tls);
    if (c->fd < 0 || (!config->plain && !c->hs)) {
        bench_conn_fail(c, "no more connections: %s", strerror(c->fd < 0 ? -c->fd : ENOMEM));
        return false;
    }
    choose_source(c);
    gw_ring_connect(ring_of(c), begin(c, GW_OP_CONNECT), c->fd, (const struct sockaddr *)&to->addr,
                    to->len);
    return true;
}

void bench_conn_open(struct bench_thread *t)
{
    uint32_t slot;
    struct bench_conn *c = gw_pool_take(&t->pool, &slot);
    if (!c) /* those that are gone wait for their last completion: at the next turn again */
        return;
    c->thread = t;
    c->slot = slot;
    c->generation = gw_pool_generation(&t->pool, slot);
    c->fd = -1;
    c->began_ns = c->since_ns = t->now_ns;
    t->opened_ever++;
    t->living++;
    t->opening++;
    if (!start(c))
        free_when_still(c);
}

/* ---- completions ---- */

static void sent_handshake(struct bench_conn *c, size_t n)
{
    bench_tls_handshake_sent(c->hs, n);
    handshake_goes_on(c);
}

/* False when more of the records is on its way. */
static bool sent_records(struct bench_conn *c, size_t n)
{
    while (c->iov_at < c->iov_count && n >= c->tx->iov[c->iov_at].iov_len)
        n -= c->tx->iov[c->iov_at++].iov_len;
    if (c->iov_at == c->iov_count) {
        give(c, &c->tx);
        bench_count(&c->thread->counts.bytes_up, c->tx_payload);
        c->tx_payload = 0;
        return true;
    }
    struct iovec *v = &c->tx->iov[c->iov_at];
    *v = (struct iovec){.iov_base = (uint8_t *)v->iov_base + n, .iov_len = v->iov_len - n};
    send_rest(c);
    return false;
}

static void sent_bytes(struct bench_conn *c, size_t n)
{
    bool control = c->sending_control;
    if (!c->has_record) {
        c->data += n;
        c->left -= n;
        bench_count(&c->thread->counts.bytes_up, is_payload(c) ? n : 0);
    } else if (!sent_records(c, n)) {
        return;
    }
    c->sending_control = false;
    if (!control && c->left == 0)
        c->thread->work->sent(c);
    if (c->state != BENCH_CONN_GONE)
        drive_tx(c);
}

static void sent(struct bench_conn *c, int res)
{
    if (c->state == BENCH_CONN_CLOSING && res < 0)
        c->cut_off = true; /* it closed before it had read our end; what it said is to come */
    else if (res <= 0)
        bench_conn_fail(c, "the server ended a connection: %s", strerror(-res));
    else if (c->hs)
        sent_handshake(c, (size_t)res);
    else
        sent_bytes(c, (size_t)res);
}

static void received_nothing(struct bench_conn *c, int res)
{
    if (c->state == BENCH_CONN_HANDSHAKING)
        bench_conn_fail(c, "the server ended a handshake: %s",
                        res ? strerror(-res) : "it closed the connection");
    else if (res < 0)
        bench_conn_fail(c, "the server ended a connection: %s", strerror(-res));
    else
        ended(c);
}

static void received(struct bench_conn *c, const struct gw_completion *done)
{
    if (done->buf) {
        c->rx = done->buf;
        c->start = c->end = GW_BUFFER_FRONT;
    }
    if (done->res == -ENOBUFS)
        receive(c);
    else if (done->res <= 0)
        received_nothing(c, done->res);
    else if (c->state == BENCH_CONN_HANDSHAKING)
        handshake(c, c->rx->data + c->start, (size_t)done->res);
    else {
        c->end += (uint32_t)done->res;
        take_bytes(c);
    }
}

void bench_conn_completed(struct bench_conn *c, const struct gw_completion *done)
{
    c->in_flight &= (uint16_t) ~(1U << done->token.op);
    if (c->state == BENCH_CONN_OPEN && c->thread->work->streams)
        c->since_ns = c->thread->now_ns;
    if (c->state == BENCH_CONN_GONE) {
        if (done->buf)
            gw_ring_buffer_give(ring_of(c), done->buf);
    } else if (done->token.op == GW_OP_CONNECT) {
        connected(c, done->res);
    } else if (done->token.op == GW_OP_SEND) {
        sent(c, done->res);
    } else if (done->token.op == GW_OP_RECV) {
        received(c, done);
    }
    free_when_still(c);
}
