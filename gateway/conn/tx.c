/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain side to TLS side.
 *
 * User engine: receives plaintext into record slots, seals in place, sends all records at once. The
 * first read after a pause goes into a picked buffer, so that an idle connection holds none. Kernel
 * engine: receives and sends; the kernel seals from the same pages. Both may be spliced (splice.c).
 */
#include "gateway/conn/conn_private.h"

#include <errno.h>

/* Consecutive checks of SIOCOUTQ that must find nothing before the FIN
 * (kernel-notes/ktls-drain.md). */
enum {
    DRAIN_LOOKS = 2
};

static void read_slots(struct gw_conn *c)
{
    struct gw_buf *b = c->tx.buf;
    gw_buffer_slots(b->data, c->rec.tx_payload_max, b->iov);
    b->msg = (struct msghdr){.msg_iov = b->iov, .msg_iovlen = GW_BUFFER_SLOTS};
    gw_ring_recvmsg(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_RECV), c->plain->fd, b,
                    GW_RECV_DONTWAIT);
}

static void plain_ended(struct gw_conn *c, int res)
{
    if (res < 0) {
        gw_conn_end_with(c, GW_REASON_BACKEND_RESET, GW_ALERT_INTERNAL_ERROR);
        return;
    }
    c->tx.eof = true;
    gw_conn_give_buffer(c, &c->tx.buf);
    if (c->rx.broken) {
        gw_conn_end_with(c, GW_REASON_BACKEND_RESET, GW_ALERT_INTERNAL_ERROR);
        return;
    }
    gw_conn_half_closed(c);
    gw_tx_close(c, GW_ALERT_CLOSE_NOTIFY);
}

static void has_read(struct gw_conn *c, uint32_t len)
{
    c->tx.len = len;
    c->tx.state = GW_TX_READY;
    gw_splice_note(&c->tx.pace, len);
    gw_conn_moved(c, GW_FLOW_TX, len);
}

static void take_held(struct gw_conn *c)
{
    struct gw_tx *tx = &c->tx;
    if (!tx->buf)
        tx->buf = gw_conn_take_buffer(c, c->plain);
    if (!tx->buf)
        return;
    size_t len =
        gw_standing_take(c, c->plain, gw_buffer_slot(tx->buf->data, 0), c->rec.tx_payload_max);
    c->plain->emptied = c->plain->standing.small > 0;
    has_read(c, (uint32_t)len);
}

/* False when no receive stands. */
static bool read_standing(struct gw_conn *c)
{
    if (c->plain->standing.first)
        take_held(c);
    else if (gw_leg_busy(c->plain, GW_OP_STANDING))
        gw_conn_give_buffer(c, &c->tx.buf);
    else if (c->plain->standing.over)
        plain_ended(c, c->plain->standing.told);
    else
        return false;
    return true;
}

/* True when splicing does the read, or waits for data. */
static bool read_by_splice(struct gw_conn *c)
{
    int res = gw_splice_tx(c);
    if (res == GW_SPLICE_FILLED) {
        c->tx.len = c->tx.pipe->bytes;
        c->tx.state = GW_TX_READY;
        gw_splice_moved(c, GW_FLOW_TX);
    } else if (res < 0) { /* reported only once: a receive would not see it again */
        plain_ended(c, res);
    }
    return res != GW_SPLICE_NOT;
}

void gw_tx_read(struct gw_conn *c)
{
    if (!gw_conn_is_in(c, GW_STEP_RELAY) || gw_leg_busy(c->plain, GW_OP_RECV))
        return;
    c->tx.state = GW_TX_READ;
    if (read_standing(c) || read_by_splice(c))
        return;
    bool user = c->rec.tx.engine == GW_ENGINE_USER;
    bool small = c->rec.tx_payload_max < GW_RECORD_PLAINTEXT_MAX; /* one send, one record */
    if (user && c->tx.hot && c->tx.buf) {
        read_slots(c);
        return;
    }
    gw_conn_give_buffer(c, &c->tx.buf);
    bool may_stand = c->service->relay != GW_RELAY_SPLICE &&
                     c->rec.tx_payload_max >= GW_SNIPPET_BYTES; /* one snippet fits into a record */
    if (may_stand && gw_standing_begin(c, c->plain))
        return;
    gw_ring_recv_pick(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_RECV), c->plain->fd,
                      user || small ? c->rec.tx_payload_max : GW_BUFFER_PAYLOAD,
                      c->plain->emptied ? GW_RECV_EMPTIED : 0);
}

/* The TLS side accepts no more data. The plain side may accept nothing from RX until its own data
 * is read, so that data is read and discarded. */
void gw_tx_discard(struct gw_conn *c)
{
    bool wanted = gw_delivery_goes_on(c) || (gw_conn_is_in(c, GW_STEP_RELAY) && c->tx.broken);
    bool busy = gw_leg_busy(c->plain, GW_OP_RECV) || gw_leg_busy(c->plain, GW_OP_STANDING);
    if (wanted && !busy)
        gw_ring_recv_pick(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_RECV), c->plain->fd, 0, 0);
}

static void discarded(struct gw_conn *c, const struct gw_completion *done)
{
    gw_ring_completion_give(c->env->ring, done);
    if (c->tx.broken)
        gw_conn_give_buffer(c, &c->tx.buf);
    if (done->res > 0 || done->res == -ECANCELED)
        gw_tx_discard(c);
}

void gw_tx_received(struct gw_conn *c, const struct gw_completion *done)
{
    if (!gw_conn_is_in(c, GW_STEP_RELAY) || c->tx.state != GW_TX_READ) {
        discarded(c, done);
    } else if (done->res == -ENOBUFS) {
        gw_conn_starve(c, c->plain);
    } else if (done->res == -EAGAIN && c->tx.hot) {
        c->tx.hot = false;
        c->plain->emptied = true;
        gw_tx_read(c);
    } else if (done->res <= 0) {
        plain_ended(c, done->res);
    } else {
        if (done->buf)
            c->tx.buf = done->buf;
        c->plain->emptied = (uint32_t)done->res < c->rec.tx_payload_max;
        gw_standing_note(c->plain, (size_t)done->res);
        has_read(c, (uint32_t)done->res);
    }
}

/* ---- sending ---- */

static int seal_slots(struct gw_conn *c)
{
    struct gw_tx *tx = &c->tx;
    uint32_t left = tx->len;
    for (tx->iov_count = 0; left > 0; tx->iov_count++) {
        uint32_t len = GW_MIN(left, c->rec.tx_payload_max);
        uint8_t *start;
        size_t size;
        int error =
            gw_record_seal(&c->rec, GW_CONTENT_DATA, gw_buffer_slot(tx->buf->data, tx->iov_count),
                           len, &start, &size);
        if (error)
            return error;
        tx->buf->iov[tx->iov_count] = (struct iovec){.iov_base = start, .iov_len = size};
        left -= len;
    }
    return 0;
}

/* Whether the batch may be sealed under the current key. */
static bool key_has_room(const struct gw_conn *c)
{
    uint32_t each = c->rec.tx_payload_max;
    uint32_t more = c->tx.pipe ? gw_splice_records_more() : 0;
    return gw_record_key_has_room(&c->rec, (c->tx.len + each - 1) / each + more);
}

/* The key can seal no more: the data that was read is dropped. */
static void key_used_up(struct gw_conn *c)
{
    c->tx.state = GW_TX_CLOSE;
    if (c->alert < 0)
        c->alert = GW_ALERT_CLOSE_NOTIFY;
    gw_conn_end_with(c, GW_REASON_KEY_LIMIT, GW_ALERT_CLOSE_NOTIFY);
}

int gw_tx_send(struct gw_conn *c)
{
    struct gw_tx *tx = &c->tx;
    if (!key_has_room(c)) {
        key_used_up(c);
        return GW_SEND_IN_FLIGHT;
    }
    if (tx->pipe) {
        gw_record_count_sent(&c->rec, tx->len);
        c->rec.tx.records += gw_splice_records_more();
        return gw_splice_tx_send(c);
    }
    tx->iov_at = 0;
    if (c->rec.tx.engine == GW_ENGINE_KERNEL) {
        gw_record_count_sent(&c->rec, tx->len);
        tx->iov_count = 1;
        tx->buf->iov[0] = (struct iovec){
            .iov_base = tx->buf->data + GW_BUFFER_FRONT,
            .iov_len = tx->len,
        };
    } else if (seal_slots(c)) {
        gw_conn_end_now(c, GW_REASON_INTERNAL);
        return GW_SEND_IN_FLIGHT;
    }
    tx->state = GW_TX_WRITE;
    c->send_owner = GW_SEND_DATA;
    gw_conn_iov_send(c, c->tls, tx->buf, 0, tx->iov_count);
    return GW_SEND_IN_FLIGHT;
}

void gw_tx_sent(struct gw_conn *c, size_t sent)
{
    struct gw_tx *tx = &c->tx;
    if (gw_conn_is_in(c, GW_STEP_RELAY))
        c->moved_ns = c->env->now_ns;
    if (tx->pipe) {
        gw_splice_tx_sent(c);
        return;
    }
    if (gw_conn_iov_advance(tx->buf, &tx->iov_at, tx->iov_count, sent)) {
        c->send_owner = GW_SEND_DATA;
        /* the send cut a record in two */
        c->rec.tx.records += c->rec.tx.engine == GW_ENGINE_KERNEL;
        gw_conn_iov_send(c, c->tls, tx->buf, tx->iov_at, tx->iov_count);
        return;
    }
    if (c->alert >= 0) { /* the direction was ended meanwhile; the alert is next */
        tx->state = GW_TX_CLOSE;
        return;
    }
    tx->hot = tx->len >= c->rec.tx_payload_max;
    gw_tx_read(c);
}

/* ---- the end of the direction ---- */

void gw_tx_close(struct gw_conn *c, uint8_t alert)
{
    if (c->tx.state >= GW_TX_CLOSE)
        return;
    c->alert = alert;
    if (c->tx.state != GW_TX_WRITE && c->tx.state != GW_TX_READY)
        c->tx.state = GW_TX_CLOSE;
}

static void done(struct gw_conn *c)
{
    c->tx.state = GW_TX_DONE;
    (void)gw_ring_shutdown_write(c->env->ring, c->tls->fd);
    if (c->step != GW_STEP_LINGER && c->rx.state == GW_RX_DONE)
        gw_conn_end_finished(c);
}

/* Whether sent bytes may still be lost. The kernel's record queue does not empty by itself, and a
 * kernel RX that failed leaves bytes unread, for which a close sends RST. */
static bool must_drain(const struct gw_conn *c)
{
    bool unread = c->step == GW_STEP_LINGER && c->rec.rx.engine == GW_ENGINE_KERNEL;
    return c->has_record && (c->rec.tx.engine == GW_ENGINE_KERNEL || unread);
}

void gw_tx_alert_sent(struct gw_conn *c)
{
    c->tx.state = GW_TX_DRAIN;
    c->tx.drain_empty = c->tx.drain_full = 0;
    c->tx.look_ns = c->env->now_ns;
    if (must_drain(c))
        gw_tx_drain_look(c);
    else
        done(c);
}

void gw_tx_broken(struct gw_conn *c)
{
    c->tx.state = GW_TX_DONE;
    c->tx.broken = true;
    gw_standing_drop(c, c->plain);
    gw_splice_drop_tx(c);
    /* the receive writes into the buffer until it has ended */
    if (gw_leg_busy(c->plain, GW_OP_RECV))
        gw_conn_cancel(c, c->plain, 1U << GW_OP_RECV);
    else
        gw_conn_give_buffer(c, &c->tx.buf);
    gw_conn_fed(c, c->plain);
    if (c->rx.state == GW_RX_DONE) {
        gw_conn_end_finished(c);
        return;
    }
    gw_conn_half_closed(c);
    gw_tx_discard(c);
}

void gw_tx_drain_look(struct gw_conn *c)
{
    if (c->env->now_ns < c->tx.look_ns)
        return;
    int unacked = gw_ring_unacked(c->env->ring, c->tls->fd);
    c->tx.drain_empty = unacked == 0 ? c->tx.drain_empty + 1 : 0;
    c->tx.drain_full = unacked > 0 ? GW_MIN(c->tx.drain_full + 1, GW_DRAIN_SLOWEST) : 0;
    if (unacked < 0 || c->tx.drain_empty >= DRAIN_LOOKS) {
        done(c);
        return;
    }
    c->tx.look_ns = c->env->now_ns + (GW_DRAIN_TICK_NS << c->tx.drain_full);
    gw_conn_wake_in(c, c->tx.look_ns - c->env->now_ns);
}

void gw_tx_polled(struct gw_conn *c, int res)
{
    c->tx.promised = res > 0;
    if (c->tx.state == GW_TX_READ)
        gw_tx_read(c);
}

void gw_tx_standing_received(struct gw_conn *c, const struct gw_completion *done)
{
    bool wanted = gw_conn_is_in(c, GW_STEP_RELAY) && c->tx.state < GW_TX_CLOSE;
    gw_standing_received(c, c->plain, done, wanted);
    if (wanted && c->tx.state == GW_TX_READ)
        gw_tx_read(c);
    else if (!wanted && !done->more)
        gw_tx_discard(c);
    gw_standing_stop(c, c->plain, wanted);
}
