/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS side to plain side.
 *
 * User engine: receives ciphertext, opens the records in place, sends their payloads as one list.
 * Kernel engine: receives plaintext and sends it, unless it is spliced (splice.c). A control record
 * makes the receive fail with EIO and is fetched on its own (kernel-notes/control-record-eio.md).
 */
#include "gateway/conn/conn_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* Payloads smaller than this move next to the preceding one instead of taking an iovec. */
enum {
    MERGE_BELOW = 1024
};

/* Offset of a fetched control record's type: the end of its buffer. */
enum {
    FETCH_CMSG_BYTES = 64
};

static void write_out(struct gw_conn *c)
{
    c->rx.state = GW_RX_WRITE;
    gw_conn_iov_send(c, c->plain, c->rx.buf, c->rx.iov_at, c->rx.iov_count);
    gw_rekey_look_at_rx(c);
}

/* The TLS side's stream is over and all of it was sent. The other stream continues: in TLS 1.3 (RFC
 * 8446 6.1), and in TLS 1.2 too. Few implementations obey the rule of TLS 1.2 to drop pending data
 * (RFC 5246 7.2.1), and RFC 8446 revoked it. */
static void finish(struct gw_conn *c)
{
    c->rx.state = GW_RX_DONE;
    gw_standing_drop(c, c->tls);
    gw_conn_give_buffer(c, &c->rx.buf);
    gw_ring_abort_on_close(c->env->ring, c->plain->fd, false);
    (void)gw_ring_shutdown_write(c->env->ring, c->plain->fd);
    if (c->tx.state == GW_TX_DONE)
        gw_conn_end_finished(c);
    else
        gw_conn_half_closed(c);
}

/* False when the connection ends here. */
static bool take_control(struct gw_conn *c, uint8_t type, const uint8_t *payload, size_t len)
{
    struct gw_control control;
    switch (gw_control_judge(&c->rec, type, payload, len, &control)) {
    case GW_CONTROL_GO_ON:
        return true;
    case GW_CONTROL_CLOSED:
        c->rx.eof = true;
        return true;
    case GW_CONTROL_REFUSE:
        c->warning = control.alert;
        return true;
    case GW_CONTROL_KEY_UPDATE:
        return gw_rekey_follow(c, &control);
    case GW_CONTROL_PEER_FAILED:
        gw_facts_set(&c->facts, GW_FACT_DETAIL, gw_alert_name(control.alert));
        gw_conn_end_now(c, control.reason);
        return false;
    case GW_CONTROL_FAIL:
        gw_conn_end_with(c, control.reason, control.alert);
        return false;
    case GW_CONTROL_END_CLEANLY:
        gw_conn_end_with(c, control.reason, GW_ALERT_CLOSE_NOTIFY);
        return false;
    }
    return false;
}

/* False when the connection ends here: data within a handshake message. */
static bool saw_data(struct gw_conn *c)
{
    if (gw_control_saw_data(&c->rec))
        return true;
    gw_conn_end_with(c, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE);
    return false;
}

/* ---- user engine ---- */

static void add_payload(struct gw_conn *c, uint8_t *payload, size_t len)
{
    struct gw_rx *rx = &c->rx;
    struct iovec *last = rx->iov_count ? &rx->buf->iov[rx->iov_count - 1] : NULL;
    if (last && len < MERGE_BELOW) {
        memmove((uint8_t *)last->iov_base + last->iov_len, payload, len);
        last->iov_len += len;
        return;
    }
    rx->buf->iov[rx->iov_count++] = (struct iovec){.iov_base = payload, .iov_len = len};
}

/* Opens records until the bytes, the list or the stream ends. False when the connection ends. */
static bool open_records(struct gw_conn *c)
{
    struct gw_rx *rx = &c->rx;
    rx->iov_at = rx->iov_count = 0;
    while (rx->iov_count < GW_BUFFER_IOVS && !rx->eof) {
        struct gw_opened o;
        if (c->tickets)
            gw_resume_see(c, rx->buf->data + rx->start, rx->end - rx->start);
        switch (gw_record_open(&c->rec, rx->buf->data + rx->start, rx->end - rx->start, &o)) {
        case GW_OPEN_PARTIAL:
            rx->need = (uint32_t)o.need;
            return true;
        case GW_OPEN_FAILED:
            gw_conn_end_with(c, o.reason, o.alert);
            return false;
        case GW_OPEN_RECORD:
            break;
        }
        rx->start += (uint32_t)o.consumed;
        if (o.type == GW_CONTENT_DATA && o.payload_len > 0) {
            if (!saw_data(c))
                return false;
            add_payload(c, o.payload, o.payload_len);
            gw_conn_moved(c, GW_FLOW_RX, o.payload_len);
        } else if (!take_control(c, o.type, o.payload, o.payload_len)) {
            return false;
        }
    }
    return true;
}

static void open_and_write(struct gw_conn *c)
{
    if (!open_records(c))
        return;
    if (c->rx.iov_count > 0)
        write_out(c);
    else if (c->rx.eof)
        finish(c);
    else
        gw_rx_read(c);
}

/* Moves the start of a record to the start of the buffer. Returns the room after it. */
static size_t make_room(struct gw_rx *rx)
{
    uint32_t have = rx->end - rx->start;
    memmove(rx->buf->data, rx->buf->data + rx->start, have);
    rx->start = 0;
    rx->end = have;
    return GW_BUFFER_BYTES - have;
}

/* While RX is about to move to the kernel, reads exactly the missing bytes of a record: the kernel
 * must begin at a record header. */
static void read_rest(struct gw_conn *c)
{
    size_t room = make_room(&c->rx);
    if (c->want_kernel_rx)
        room = c->rx.need;
    gw_ring_recv(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_RECV), c->tls->fd,
                 c->rx.buf->data + c->rx.end, room, 0);
}

/* Appends what a standing receive brought. */
static void take_held(struct gw_conn *c)
{
    struct gw_rx *rx = &c->rx;
    if (!rx->buf) {
        rx->buf = gw_conn_take_buffer(c, c->tls);
        rx->start = rx->end = 0;
        if (!rx->buf)
            return;
    }
    size_t room = make_room(rx);
    rx->end += (uint32_t)gw_standing_take(c, c->tls, rx->buf->data + rx->end, room);
    c->tls->emptied = c->tls->standing.small > 0;
    open_and_write(c);
}

static void read_user(struct gw_conn *c)
{
    struct gw_rx *rx = &c->rx;
    bool partial = rx->start < rx->end;
    if (c->tls->standing.first) {
        take_held(c);
        return;
    }
    if (!partial)
        gw_conn_give_buffer(c, &rx->buf);
    if (gw_leg_busy(c->tls, GW_OP_STANDING))
        return;
    if (c->tls->standing.over)
        gw_rx_gone(c, c->tls->standing.told);
    else if (partial)
        read_rest(c);
    else if (c->want_kernel_rx || !gw_standing_begin(c, c->tls))
        gw_ring_recv_pick(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_RECV), c->tls->fd, 0,
                          c->tls->emptied ? GW_RECV_EMPTIED : 0);
}

/* ---- kernel engine ---- */

static void begin_poll(struct gw_conn *c)
{
    gw_ring_poll(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_POLL), c->tls->fd, POLLIN | POLLRDHUP,
                 true);
}

/* At a record boundary, with no receive in flight. */
static void move_rx(struct gw_conn *c)
{
    c->want_kernel_rx = false;
    int error = gw_ring_ktls_install(c->env->ring, c->tls->fd, KTLS_RX, &c->rec.rx.keys);
    if (error) {
        gw_conn_kernel_refused(c, "RX", error);
        return;
    }
    /* If the kernel refuses, records are copied once more; nothing else changes. */
    if (gw_record_is_tls13(&c->rec) && c->env->ktls->no_pad.works)
        (void)gw_ring_ktls_expect_unpadded(c->env->ring, c->tls->fd);
    gw_record_moved(&c->rec.rx);
    begin_poll(c);
    c->rx.ready = true;
}

/* The plain side accepts no more data. What it still sends continues to the TLS side. */
static void broken(struct gw_conn *c)
{
    c->rx.state = GW_RX_DONE;
    c->rx.broken = true;
    c->rx.iov_at = c->rx.iov_count = 0;
    gw_standing_drop(c, c->tls);
    gw_conn_give_buffer(c, &c->rx.buf);
    if (c->tx.state == GW_TX_DONE)
        gw_conn_end_now(c, GW_REASON_BACKEND_RESET);
    else
        gw_conn_half_closed(c);
}

/* The pipe was emptied into the plain side, or is being emptied. */
static void pipe_sent(struct gw_conn *c, int res)
{
    if (res == GW_SEND_IN_FLIGHT)
        return;
    if (res < 0) {
        broken(c);
        return;
    }
    c->rx.state = GW_RX_READ;
    gw_splice_go_on_later(c, GW_EAGER_RX);
}

/* True when splicing does the read, or waits for data. */
static bool read_by_splice(struct gw_conn *c)
{
    int res = gw_splice_rx(c);
    if (res != GW_SPLICE_FILLED)
        return res == GW_SPLICE_WAITS;
    if (!saw_data(c)) {
        gw_splice_drop_rx(c);
        return true;
    }
    c->rx.state = GW_RX_WRITE;
    gw_splice_moved(c, GW_FLOW_RX);
    gw_record_count_received(&c->rec, c->rx.pipe->bytes);
    pipe_sent(c, gw_splice_rx_send(c));
    gw_rekey_look_at_rx(c);
    return true;
}

/* Waits for a wake-up, then receives without waiting: on 6.1 a waiting receive would spin on half a
 * record and end up in a kernel thread (kernel-notes/partial-record-poll.md). */
static void read_kernel(struct gw_conn *c)
{
    gw_conn_give_buffer(c, &c->rx.buf);
    if (!c->rx.ready || read_by_splice(c))
        return;
    c->rx.again = false;
    gw_ring_recv_pick(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_RECV), c->tls->fd,
                      GW_BUFFER_PAYLOAD, GW_RECV_DONTWAIT);
}

static void fetch_control(struct gw_conn *c)
{
    c->rx.state = GW_RX_CONTROL;
    c->rx.buf = gw_ring_buffer_take(c->env->ring);
    if (!c->rx.buf) {
        gw_conn_starve(c, c->tls);
        return;
    }
    struct gw_buf *b = c->rx.buf;
    size_t payload_max = (GW_BUFFER_BYTES - FETCH_CMSG_BYTES) / 64 * 64;
    b->iov[0] = (struct iovec){.iov_base = b->data, .iov_len = payload_max};
    b->msg = (struct msghdr){
        .msg_iov = b->iov,
        .msg_iovlen = 1,
        .msg_control = b->data + payload_max,
        .msg_controllen = CMSG_SPACE(1),
    };
    gw_ring_recvmsg(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_RECV), c->tls->fd, b,
                    GW_RECV_DONTWAIT);
}

static void control_received(struct gw_conn *c, int res)
{
    struct gw_buf *b = c->rx.buf;
    int type = res >= 0 ? gw_ring_control_type(&b->msg) : -1;
    bool data = type == GW_CONTENT_DATA && res > 0; /* cannot happen, and data must not be lost */
    if (data || (type < 0 && res != -EAGAIN)) {
        gw_conn_give_buffer(c, &c->rx.buf);
        gw_rx_gone(c, res >= 0 ? -EIO : res);
        return;
    }
    if (type >= 0 && !take_control(c, (uint8_t)type, b->data, (size_t)res))
        return; /* the buffer is released with the connection */
    gw_conn_give_buffer(c, &c->rx.buf);
    c->rx.state = GW_RX_READ;
    if (c->rx.eof)
        finish(c);
    else
        gw_rx_read(c);
}

static void received_kernel(struct gw_conn *c, const struct gw_completion *done)
{
    c->rx.buf = done->buf;
    if (!saw_data(c))
        return;
    c->rx.iov_at = 0;
    c->rx.iov_count = 1;
    done->buf->iov[0] = (struct iovec){
        .iov_base = done->buf->data + GW_BUFFER_FRONT,
        .iov_len = (size_t)done->res,
    };
    gw_splice_note(&c->rx.pace, (size_t)done->res);
    gw_conn_moved(c, GW_FLOW_RX, (size_t)done->res);
    gw_record_count_received(&c->rec, (size_t)done->res);
    write_out(c);
}

/* Nothing to read. So what splice took for the end of the stream was an empty record, and a peer
 * may send only a limited number of them. A receive steps over them. */
static void nothing_received(struct gw_conn *c, bool empty)
{
    c->rx.ready = c->rx.again;
    if (!empty || take_control(c, GW_CONTENT_DATA, NULL, 0))
        gw_rx_read(c);
}

/* A multishot poll may end at any time, and is needed as long as RX reads. False when the
 * connection ends because of its error. */
static bool poll_on(struct gw_conn *c, int res)
{
    bool reads = gw_conn_is_in(c, GW_STEP_RELAY) || c->rx.state == GW_RX_DISCARD;
    bool failed = res < 0 && res != -ECANCELED;
    if (failed && gw_conn_is_in(c, GW_STEP_RELAY)) {
        gw_conn_end_with(c, GW_REASON_INTERNAL, GW_ALERT_INTERNAL_ERROR);
        return false;
    }
    if (reads && !failed)
        begin_poll(c);
    return true;
}

void gw_rx_polled(struct gw_conn *c, const struct gw_completion *done)
{
    if (!done->more && !poll_on(c, done->res))
        return;
    c->rx.again = true;
    if (gw_leg_busy(c->tls, GW_OP_RECV))
        return;
    c->rx.ready = true;
    if (c->rx.state == GW_RX_READ)
        gw_rx_read(c);
}

/* ---- both ---- */

static const struct {
    int error;
    enum gw_reason reason;
    uint8_t alert;
} kernel_failures[] = {
    /* Also where it should be unexpected_message (kernel-notes/bad-mac-for-a-type.md). */
    {-EBADMSG, GW_REASON_RECORD_BAD_MAC, GW_ALERT_BAD_RECORD_MAC},
    {-EMSGSIZE, GW_REASON_RECORD_OVERFLOW, GW_ALERT_RECORD_OVERFLOW},
    /* the version in the header */
    {-EINVAL, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_PROTOCOL_VERSION},
    {-EIO, GW_REASON_RECORD_UNEXPECTED, GW_ALERT_UNEXPECTED_MESSAGE},
    /* The kernel took another message for a KeyUpdate because of its first byte
     * (kernel-notes/rekey-pending.md). */
    {-EKEYEXPIRED, GW_REASON_REKEY_UNSUPPORTED, GW_ALERT_CLOSE_NOTIFY},
};

bool gw_rx_record_failed(struct gw_conn *c, int res)
{
    if (!c->has_record || c->rec.rx.engine != GW_ENGINE_KERNEL)
        return false;
    for (size_t i = 0; i < GW_ARRAY_SIZE(kernel_failures); i++) {
        if (kernel_failures[i].error != res)
            continue;
        gw_ring_take_error(c->env->ring, c->tls->fd); /* otherwise it makes the alert fail */
        gw_conn_end_with(c, kernel_failures[i].reason, kernel_failures[i].alert);
        return true;
    }
    return false;
}

/* The TCP stream ended without close_notify. After our own close_notify many clients just close.
 * Before it, an attacker may have truncated the stream. */
static void cut(struct gw_conn *c)
{
    bool told = c->tx.eof && c->tx.state >= GW_TX_DRAIN;
    bool is_end = c->service->truncation == GW_TRUNCATION_END;
    enum gw_reason reason = told ? GW_REASON_FINISHED : GW_REASON_CLIENT_TRUNCATED;
    if (told)
        gw_facts_set(&c->facts, GW_FACT_DETAIL, "without close_notify");
    c->rx.cut = is_end && !told;
    if (is_end)
        finish(c);
    else if (told && c->tx.state == GW_TX_DRAIN) /* data for the peer is in transit */
        gw_conn_end_with(c, reason, GW_ALERT_CLOSE_NOTIFY);
    else
        gw_conn_end_now(c, reason);
}

void gw_rx_gone(struct gw_conn *c, int res)
{
    if (res == 0 && !c->tx.broken)
        cut(c);
    else if (res == 0 || !gw_rx_record_failed(c, res))
        gw_conn_end_now(c, GW_REASON_CLIENT_RESET);
}

void gw_rx_read(struct gw_conn *c)
{
    if (!gw_conn_is_in(c, GW_STEP_RELAY) || gw_leg_busy(c->tls, GW_OP_RECV))
        return;
    if (c->rx.state == GW_RX_CONTROL && !c->rx.buf) { /* starved while fetching */
        fetch_control(c);
        return;
    }
    c->rx.state = GW_RX_READ;
    if (c->tickets && c->rx.start == c->rx.end)
        gw_resume_look(c);
    if (c->want_kernel_rx && !c->tickets && c->rx.start == c->rx.end)
        move_rx(c);
    if (!gw_conn_is_in(c, GW_STEP_RELAY))
        return;
    if (c->rec.rx.engine == GW_ENGINE_KERNEL)
        read_kernel(c);
    else
        read_user(c);
}

void gw_rx_received(struct gw_conn *c, const struct gw_completion *done)
{
    bool kernel = c->rec.rx.engine == GW_ENGINE_KERNEL;
    int res = done->res;
    bool empty = gw_splice_rx_received(c, &res);
    if (c->rx.state == GW_RX_CONTROL) {
        control_received(c, res);
    } else if (res == -ENOBUFS) {
        gw_conn_starve(c, c->tls);
    } else if (kernel && res == -EAGAIN) {
        nothing_received(c, empty);
    } else if (kernel && res == -EIO) {
        fetch_control(c);
    } else if (res <= 0) {
        gw_rx_gone(c, res);
    } else if (kernel) {
        received_kernel(c, done);
    } else {
        if (done->buf) {
            c->rx.buf = done->buf;
            c->rx.start = c->rx.end = GW_BUFFER_FRONT;
        }
        c->rx.end += (uint32_t)res;
        c->tls->emptied = c->rx.end < GW_BUFFER_BYTES;
        gw_standing_note(c->tls, (size_t)res);
        open_and_write(c);
    }
}

static void resume(struct gw_conn *c)
{
    if (c->rx.eof)
        finish(c);
    else if (c->rx.start < c->rx.end)
        open_and_write(c);
    else
        gw_rx_read(c);
}

/* The header was sent, or its remainder is being sent. */
static void header_sent(struct gw_conn *c, size_t sent)
{
    if (!gw_announce_sent(c, sent))
        resume(c);
}

void gw_rx_sent(struct gw_conn *c, int res)
{
    struct gw_rx *rx = &c->rx;
    if (c->reason != GW_REASON_NONE) {
        gw_delivery_sent(c, res);
        return;
    }
    if (res <= 0) {
        broken(c);
        return;
    }
    c->moved_ns = c->env->now_ns;
    if (rx->state == GW_RX_HEADER)
        header_sent(c, (size_t)res);
    else if (gw_conn_iov_advance(rx->buf, &rx->iov_at, rx->iov_count, (size_t)res))
        gw_conn_iov_send(c, c->plain, rx->buf, rx->iov_at, rx->iov_count);
    else
        resume(c);
}

void gw_rx_begin(struct gw_conn *c)
{
    if (gw_announce_send(c))
        c->rx.state = GW_RX_HEADER;
    else
        resume(c);
}

void gw_rx_room(struct gw_conn *c)
{
    if (!c->rx.pipe)
        return;
    if (c->reason == GW_REASON_NONE)
        pipe_sent(c, gw_splice_rx_send(c));
    else
        gw_delivery_room(c);
}

void gw_rx_standing_received(struct gw_conn *c, const struct gw_completion *done)
{
    bool wanted = gw_conn_is_in(c, GW_STEP_RELAY) && c->rx.state != GW_RX_DONE;
    gw_standing_received(c, c->tls, done, wanted);
    if (wanted && c->rx.state == GW_RX_READ)
        gw_rx_read(c);
    gw_standing_stop(c, c->tls, wanted);
}
