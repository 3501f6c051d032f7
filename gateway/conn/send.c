/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending to the TLS side. One send is in flight at a time. Handshake bytes go first, then control
 * records and data.
 */
#include "gateway/conn/conn_private.h"

#include <errno.h>
#include <string.h>

enum {
    /* One broken record can fail as many sends as there are reads that find it: by splice, by
     * receive, by discard. A send that fails more often has an error of its own. */
    FAILED_SENDS_MAX = 3
};

/* Sends the control record or its remainder. */
static void send_control_rest(struct gw_conn *c)
{
    struct gw_token token = gw_conn_begin(c, c->tls, GW_OP_SEND);
    c->send_owner = GW_SEND_CONTROL;
    if (c->rec.tx.engine == GW_ENGINE_KERNEL)
        gw_ring_sendmsg(c->env->ring, token, c->tls->fd, &c->control_msg);
    else
        gw_ring_send(c->env->ring, token, c->tls->fd, c->control_at, c->control_left);
}

/* Sends `len` bytes of `body` as one control record, in the engine that runs TX. */
static void send_control(struct gw_conn *c, uint8_t type, const uint8_t *body, size_t len)
{
    uint8_t *payload = c->control + GW_RECORD_SEAL_ROOM_FRONT;
    memcpy(payload, body, len);
    if (c->rec.tx.engine == GW_ENGINE_KERNEL) {
        c->control_iov = (struct iovec){.iov_base = payload, .iov_len = len};
        c->control_at = payload;
        c->control_left = len;
        c->control_msg = (struct msghdr){
            .msg_iov = &c->control_iov,
            .msg_iovlen = 1,
            .msg_control = c->control_cmsg,
            .msg_controllen = sizeof(c->control_cmsg),
        };
        gw_ring_control_type_set(&c->control_msg, type);
        c->rec.tx.records++;
    } else if (gw_record_seal(&c->rec, type, payload, len, &c->control_at, &c->control_left)) {
        gw_conn_end_now(c, GW_REASON_INTERNAL);
        return;
    }
    send_control_rest(c);
}

static void send_alert(struct gw_conn *c, uint8_t description)
{
    uint8_t body[GW_CONTROL_MAX];
    size_t len = gw_control_alert(body, description);
    send_control(c, GW_CONTENT_ALERT, body, len);
}

static void send_last_alert(struct gw_conn *c)
{
    uint8_t description = (uint8_t)c->alert;
    c->alert = -1;
    send_alert(c, description);
    c->rec.close_sent = true;
}

static void send_warning(struct gw_conn *c)
{
    uint8_t description = c->warning;
    c->warning = 0;
    send_alert(c, description);
}

static bool send_handshake(struct gw_conn *c)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(c->hs, &data);
    if (len == 0)
        return false;
    c->send_owner = GW_SEND_HANDSHAKE;
    gw_ring_send(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_SEND), c->tls->fd, data, len);
    return true;
}

static void control_sent(struct gw_conn *c, size_t sent)
{
    c->control_left -= GW_MIN(sent, c->control_left);
    c->control_at += sent;
    if (c->control_left > 0) /* the kernel takes the whole record or nothing */
        send_control_rest(c);
    else if (c->key_update_sent)
        gw_rekey_sent(c);
    else if (c->rec.close_sent)
        gw_tx_alert_sent(c);
}

/* A reset does not invalidate what the peer sent before; that can still be read. */
static void send_failed(struct gw_conn *c, int res)
{
    bool reset = res == -EPIPE || res == -ECONNRESET;
    c->send_owner = GW_SEND_NOBODY;
    if (gw_conn_is_in(c, GW_STEP_RELAY) && reset)
        gw_tx_broken(c);
    else
        gw_conn_end_now(c, c->step == GW_STEP_HANDSHAKE ? GW_REASON_HANDSHAKE_RESET
                                                        : GW_REASON_CLIENT_RESET);
}

void gw_send_sent(struct gw_conn *c, int res)
{
    enum gw_send_owner owner = c->send_owner;
    /* The kernel engine reports a record that it could not open to the next call on the socket,
     * even to a send. Retry that send before the alert: a part of its data may have left. */
    bool again = res < 0 && c->failed_sends++ < FAILED_SENDS_MAX && gw_rx_record_failed(c, res);
    if (res <= 0 && !again) {
        send_failed(c, res);
        return;
    }
    if (gw_end_left_tls(c))
        return;
    size_t sent = (size_t)GW_MAX(res, 0);
    c->send_owner = GW_SEND_NOBODY;
    if (owner == GW_SEND_HANDSHAKE)
        gw_handshake_output_sent(c->hs, sent);
    else if (owner == GW_SEND_CONTROL)
        control_sent(c, sent);
    else
        gw_tx_sent(c, sent);
}

void gw_send_room(struct gw_conn *c)
{
    if (!c->tx.pipe)
        return;
    int res = gw_splice_tx_send(c);
    if (res != GW_SEND_IN_FLIGHT)
        gw_send_sent(c, res);
}

static void send_data(struct gw_conn *c)
{
    int res = gw_tx_send(c);
    if (res != GW_SEND_IN_FLIGHT)
        gw_send_sent(c, res);
}

static void send_key_update(struct gw_conn *c)
{
    uint8_t body[GW_CONTROL_MAX];
    size_t len = gw_rekey_make(c, body);
    send_control(c, GW_CONTENT_HANDSHAKE, body, len);
}

/* Control records go between two batches of data and are sealed only when they are sent, so that
 * sequence numbers follow the wire. False when nothing waits to be sent. */
static bool send_record(struct gw_conn *c)
{
    bool ready = c->tx.state == GW_TX_READY;
    if (!c->has_record || c->rec.close_sent)
        return false;
    if (c->warning)
        send_warning(c);
    else if (c->alert >= 0 && !ready) /* nothing is sent after it */
        send_last_alert(c);
    else if (c->key_update || (ready && gw_rekey_is_due(c))) /* data follows under the new key */
        send_key_update(c);
    else if (ready)
        send_data(c);
    else
        return false;
    return true;
}

static bool may_send(const struct gw_conn *c)
{
    return c->send_owner == GW_SEND_NOBODY && c->end.way == GW_END_NOT && !gw_end_left_tls(c) &&
           !c->tx.broken;
}

bool gw_send_drive(struct gw_conn *c)
{
    while (may_send(c)) {
        if (c->hs)
            return !send_handshake(c) && c->step != GW_STEP_HANDSHAKE;
        if (!send_record(c))
            break;
    }
    return false;
}
