/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backend to client. User engine: receive plaintext into record slots, seal in place, send all
 * records at once; the first read after a pause goes into a picked buffer, so that an idle
 * connection holds none. Kernel engine: receive, send; the kernel seals from the same pages.
 */
#include "gateway/conn/conn_private.h"

#include <errno.h>

/* Looks at SIOCOUTQ that must find nothing before the FIN (kernel-notes/ktls-drain.md). */
enum {
    DRAIN_LOOKS = 2,
    /* While a peer takes nothing it is looked at ever less often, to 2^5 ticks: many of them must
     * not keep the worker busy. */
    DRAIN_SLOWEST = 5
};

static uint8_t *slot_payload(struct gw_buf *buf, uint32_t slot)
{
    return buf->data + (size_t)slot * GW_SLOT_BYTES + GW_RECORD_SEAL_ROOM_FRONT;
}

static void read_slots(struct gw_conn *c)
{
    struct gw_buf *b = c->down.buf;
    for (uint32_t i = 0; i < GW_BUFFER_SLOTS; i++)
        b->iov[i] = (struct iovec){
            .iov_base = slot_payload(b, i),
            .iov_len = c->rec.tx_payload_max,
        };
    b->msg = (struct msghdr){.msg_iov = b->iov, .msg_iovlen = GW_BUFFER_SLOTS};
    gw_ring_recvmsg(c->env->ring, gw_conn_begin(c, GW_OP_BACKEND_RECV), c->backend_fd, b,
                    GW_RECV_DONTWAIT);
}

void gw_down_read(struct gw_conn *c)
{
    if (c->step != GW_STEP_RELAY || gw_conn_busy(c, GW_OP_BACKEND_RECV))
        return;
    c->down.state = GW_DOWN_READ;
    bool user = c->rec.tx.engine == GW_ENGINE_USER;
    bool small = c->rec.tx_payload_max < GW_RECORD_PLAINTEXT_MAX; /* one send, one record */
    if (user && c->down.hot && c->down.buf) {
        read_slots(c);
        return;
    }
    gw_conn_give_buffer(c, &c->down.buf);
    gw_ring_recv_pick(c->env->ring, gw_conn_begin(c, GW_OP_BACKEND_RECV), c->backend_fd,
                      user || small ? c->rec.tx_payload_max : GW_BUFFER_PAYLOAD, 0);
}

static void backend_ended(struct gw_conn *c)
{
    c->down.eof = true;
    gw_conn_give_buffer(c, &c->down.buf);
    if (c->up.broken) {
        gw_end_with(c, GW_REASON_BACKEND_RESET, GW_ALERT_INTERNAL_ERROR);
        return;
    }
    gw_conn_half_closed(c);
    gw_down_close(c, GW_ALERT_CLOSE_NOTIFY);
}

void gw_down_received(struct gw_conn *c, const struct gw_completion *done)
{
    if (c->step != GW_STEP_RELAY) {
        if (done->buf)
            gw_ring_buffer_give(c->env->ring, done->buf);
    } else if (done->res == -ENOBUFS) {
        gw_conn_starve(c, GW_OP_BACKEND_RECV);
    } else if (done->res == -EAGAIN && c->down.hot) {
        c->down.hot = false;
        gw_down_read(c);
    } else if (done->res == 0) {
        backend_ended(c);
    } else if (done->res < 0) {
        gw_end_with(c, GW_REASON_BACKEND_RESET, GW_ALERT_INTERNAL_ERROR);
    } else {
        if (done->buf)
            c->down.buf = done->buf;
        c->down.len = (uint32_t)done->res;
        c->down.state = GW_DOWN_READY;
        gw_conn_moved(c, GW_COUNTER_BYTES_DOWN, c->down.len);
        gw_conn_drive_tx(c);
    }
}

/* ---- sending ---- */

static int seal_slots(struct gw_conn *c)
{
    struct gw_down *down = &c->down;
    uint32_t left = down->len;
    for (down->iov_count = 0; left > 0; down->iov_count++) {
        uint32_t len = GW_MIN(left, c->rec.tx_payload_max);
        uint8_t *start;
        size_t size;
        int error = gw_record_seal(&c->rec, GW_CONTENT_DATA,
                                   slot_payload(down->buf, down->iov_count), len, &start, &size);
        if (error)
            return error;
        down->buf->iov[down->iov_count] = (struct iovec){.iov_base = start, .iov_len = size};
        left -= len;
    }
    return 0;
}

/* True when the next batch may be sealed under the key in use. */
static bool key_has_room(struct gw_conn *c)
{
    struct gw_record_half *tx = &c->rec.tx;
    if (tx->engine == GW_ENGINE_KERNEL)
        return gw_record_count_sent(tx, c->down.len);
    return gw_record_key_has_room(tx, GW_BUFFER_SLOTS);
}

static void key_is_used_up(struct gw_conn *c)
{
    if (c->rec.tx.engine == GW_ENGINE_USER && gw_record_is_tls13(&c->rec)) {
        c->key_update = true;
        gw_conn_drive_tx(c);
        return;
    }
    gw_end_with(c, GW_REASON_KEY_LIMIT, GW_ALERT_CLOSE_NOTIFY);
}

void gw_down_send(struct gw_conn *c)
{
    struct gw_down *down = &c->down;
    if (!key_has_room(c)) {
        key_is_used_up(c);
        return;
    }
    down->iov_at = 0;
    if (c->rec.tx.engine == GW_ENGINE_KERNEL) {
        down->iov_count = 1;
        down->buf->iov[0] = (struct iovec){
            .iov_base = down->buf->data + GW_BUFFER_FRONT,
            .iov_len = down->len,
        };
    } else if (seal_slots(c)) {
        gw_end_now(c, GW_REASON_INTERNAL);
        return;
    }
    down->state = GW_DOWN_WRITE;
    c->tx_owner = GW_TX_DATA;
    gw_conn_iov_send(c, GW_OP_CLIENT_SEND, c->client_fd, down->buf, 0, down->iov_count);
}

void gw_down_sent(struct gw_conn *c, size_t sent)
{
    struct gw_down *down = &c->down;
    if (c->step == GW_STEP_RELAY)
        c->moved_ns = c->env->now_ns;
    if (gw_conn_iov_advance(down->buf, &down->iov_at, down->iov_count, sent)) {
        c->tx_owner = GW_TX_DATA;
        c->rec.tx.records += c->rec.tx.engine == GW_ENGINE_KERNEL; /* it cut a record in two */
        gw_conn_iov_send(c, GW_OP_CLIENT_SEND, c->client_fd, down->buf, down->iov_at,
                         down->iov_count);
        return;
    }
    if (c->alert >= 0) { /* it ended meanwhile; the alert is next */
        down->state = GW_DOWN_CLOSE;
        return;
    }
    down->hot = down->len >= c->rec.tx_payload_max;
    gw_down_read(c);
}

/* ---- the end of the client's direction ---- */

void gw_down_close(struct gw_conn *c, uint8_t alert)
{
    if (c->down.state >= GW_DOWN_CLOSE)
        return;
    c->alert = alert;
    if (c->down.state != GW_DOWN_WRITE)
        c->down.state = GW_DOWN_CLOSE;
    gw_conn_drive_tx(c);
}

static void done(struct gw_conn *c)
{
    c->down.state = GW_DOWN_DONE;
    (void)gw_ring_shutdown_write(c->env->ring, c->client_fd);
    if (c->step == GW_STEP_LINGER)
        gw_end_check(c);
    else if (c->up.state == GW_UP_DONE)
        gw_end_finished(c);
}

void gw_down_alert_sent(struct gw_conn *c)
{
    c->down.state = GW_DOWN_DRAIN;
    c->down.drain_empty = c->down.drain_full = 0;
    if (c->has_record && c->rec.tx.engine == GW_ENGINE_KERNEL)
        gw_down_drain_look(c);
    else
        done(c);
}

void gw_down_drain_look(struct gw_conn *c)
{
    int unacked = gw_ring_unacked(c->env->ring, c->client_fd);
    c->down.drain_empty = unacked == 0 ? c->down.drain_empty + 1 : 0;
    c->down.drain_full = unacked > 0 ? GW_MIN(c->down.drain_full + 1, DRAIN_SLOWEST) : 0;
    if (unacked < 0 || c->down.drain_empty >= DRAIN_LOOKS)
        done(c);
    else
        gw_conn_set_timer(c, GW_DRAIN_TICK_NS << c->down.drain_full);
}
