/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain side's half of an end. The bytes opened from the TLS side's stream are authentic,
 * whatever followed them, and are counted. So the plain side gets them before the end, which is a
 * RST unless the stream ended properly. A RST discards the send queue, and so does a close with
 * unread bytes; therefore the queue is watched until it is empty.
 */
#include "gateway/conn/conn_private.h"

static void over(struct gw_conn *c)
{
    c->delivery.state = GW_PLAIN_OVER;
    gw_splice_drop_rx(c);
    c->rx.iov_at = c->rx.iov_count = 0;
    gw_conn_cancel(c, c->plain, ~0U);
}

/* Bytes are lost. A connection that counted as finished did not finish then. */
static void fail(struct gw_conn *c, enum gw_reason reason)
{
    if (c->reason == GW_REASON_FINISHED) {
        c->reason = gw_reason_in(c->service->role, reason);
        gw_facts_set(&c->facts, GW_FACT_DETAIL, NULL);
    }
    over(c);
}

static void moved(struct gw_conn *c)
{
    if (!c->delivery.hurried)
        c->delivery.until_ns = c->env->now_ns + c->service->close_timeout_ns;
}

/* Whether sent bytes may still be lost. Where both streams ended, the kernel delivers the rest. */
static bool wanted(const struct gw_conn *c)
{
    bool both_ended = c->rx.state == GW_RX_DONE && c->tx.eof;
    return c->step == GW_STEP_RELAY && !c->header && !c->rx.broken && !both_ended;
}

bool gw_delivery_goes_on(const struct gw_conn *c)
{
    return c->delivery.state == GW_PLAIN_WRITE || c->delivery.state == GW_PLAIN_DRAIN;
}

static bool sending(const struct gw_conn *c)
{
    return gw_leg_busy(c->plain, GW_OP_SEND) || gw_leg_busy(c->plain, GW_OP_ROOM);
}

/* A receive on the TLS side may still write into the buffer. */
static void give_buffer(struct gw_conn *c)
{
    if (!gw_leg_busy(c->tls, GW_OP_RECV))
        gw_conn_give_buffer(c, &c->rx.buf);
}

static void drain(struct gw_conn *c)
{
    struct gw_delivery *d = &c->delivery;
    give_buffer(c);
    d->state = GW_PLAIN_DRAIN;
    d->looks = 0;
    d->unacked = 0;
    d->look_ns = c->env->now_ns;
    gw_delivery_look(c);
}

static void send_pipe(struct gw_conn *c)
{
    uint32_t before = c->rx.pipe->bytes;
    int res = gw_splice_rx_send(c);
    if (!c->rx.pipe || c->rx.pipe->bytes < before)
        moved(c);
    if (res == GW_SEND_IN_FLIGHT || c->delivery.state != GW_PLAIN_WRITE)
        return;
    if (res < 0)
        fail(c, GW_REASON_BACKEND_RESET);
    else
        drain(c);
}

static void go_on(struct gw_conn *c)
{
    if (sending(c))
        return;
    if (c->rx.pipe)
        send_pipe(c);
    else if (c->rx.iov_at < c->rx.iov_count)
        gw_conn_iov_send(c, c->plain, c->rx.buf, c->rx.iov_at, c->rx.iov_count);
    else
        drain(c);
}

/* After a time-out has passed in silence no other begins, unless bytes move again. */
void gw_delivery_begin(struct gw_conn *c)
{
    if (!wanted(c)) {
        over(c);
        return;
    }
    gw_conn_cancel(c, c->plain, ~(1U << GW_OP_SEND | 1U << GW_OP_ROOM));
    c->delivery.state = GW_PLAIN_WRITE;
    moved(c);
    if (c->reason == GW_REASON_IDLE_TIMEOUT || c->reason == GW_REASON_CLOSE_TIMEOUT)
        c->delivery.until_ns = c->env->now_ns + GW_LINGER_NS;
    go_on(c);
}

void gw_delivery_sent(struct gw_conn *c, int res)
{
    if (c->delivery.state != GW_PLAIN_WRITE)
        return;
    if (res <= 0) {
        fail(c, GW_REASON_BACKEND_RESET);
        return;
    }
    moved(c);
    (void)gw_conn_iov_advance(c->rx.buf, &c->rx.iov_at, c->rx.iov_count, (size_t)res);
    go_on(c);
}

void gw_delivery_room(struct gw_conn *c)
{
    send_pipe(c);
}

/* DRAIN: checks the queue. */
static void look_at_queue(struct gw_conn *c)
{
    struct gw_delivery *d = &c->delivery;
    int unacked = gw_ring_unacked(c->env->ring, c->plain->fd);
    if (unacked == 0) {
        over(c);
        return;
    }
    if (unacked < 0) {
        fail(c, GW_REASON_BACKEND_RESET);
        return;
    }
    if (unacked < d->unacked)
        moved(c);
    d->unacked = unacked;
    d->look_ns = c->env->now_ns + (GW_DRAIN_TICK_NS << d->looks);
    d->looks = (uint8_t)GW_MIN(d->looks + 1, GW_DRAIN_SLOWEST);
}

void gw_delivery_look(struct gw_conn *c)
{
    struct gw_delivery *d = &c->delivery;
    int64_t now = c->env->now_ns;
    if (d->state == GW_PLAIN_DRAIN && now >= d->look_ns)
        look_at_queue(c);
    if (gw_delivery_goes_on(c) && now >= d->until_ns)
        fail(c, GW_REASON_CLOSE_TIMEOUT);
    if (!gw_delivery_goes_on(c))
        return;
    bool draining = d->state == GW_PLAIN_DRAIN;
    gw_conn_wake_in(c, (draining ? GW_MIN(d->look_ns, d->until_ns) : d->until_ns) - now);
}

void gw_delivery_hurry(struct gw_conn *c)
{
    c->delivery.hurried = true;
    c->delivery.until_ns = GW_MIN(c->delivery.until_ns, c->env->now_ns + GW_LINGER_NS);
    gw_delivery_look(c);
}
