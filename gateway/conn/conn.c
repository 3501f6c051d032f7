/* SPDX-License-Identifier: Apache-2.0 */
/* Accept, the dispatch of completions and timers, and the functions that both flows use. */
#include "gateway/conn/conn_private.h"

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Each worker numbers its connections in steps of the number of workers. A worker that replaces a
 * dead one begins after all numbers assigned there. */
static uint64_t first_id(const struct gw_conn_env *env)
{
    uint64_t index = (uint64_t)(env->stats - env->all_stats);
    return gw_stats_get(env->stats, GW_COUNTER_ACCEPTED) * env->worker_count + index + 1;
}

int gw_conn_env_init(struct gw_conn_env *env, int64_t now_ns)
{
    env->now_ns = now_ns;
    env->next_id = first_id(env);
    gw_list_init(&env->starved);
    gw_list_init(&env->eager);
    gw_wheel_init(&env->wheel, now_ns);
    gw_recheck_plan(env);
    return gw_pool_init(&env->pool, sizeof(struct gw_conn), env->config->max_conns, true);
}

void gw_conn_env_done(struct gw_conn_env *env)
{
    gw_require(env->pool.used == 0);
    gw_pool_done(&env->pool);
}

/* ---- shared by both flows ---- */

void gw_conn_set_timer(struct gw_conn *c, int64_t after_ns)
{
    gw_timer_set(&c->env->wheel, &c->timer, c->env->now_ns + after_ns);
}

void gw_conn_wake_in(struct gw_conn *c, int64_t after_ns)
{
    if (!gw_timer_armed(&c->timer) || c->timer.deadline_ns > c->env->now_ns + after_ns)
        gw_conn_set_timer(c, after_ns);
}

void gw_conn_starve(struct gw_conn *c, struct gw_leg *leg)
{
    leg->starved = true;
    if (gw_list_empty(&c->starved_node))
        gw_list_append(&c->env->starved, &c->starved_node);
}

void gw_conn_fed(struct gw_conn *c, struct gw_leg *leg)
{
    leg->starved = false;
    if (!c->leg[GW_FRONT].starved && !c->leg[GW_BACK].starved)
        gw_list_remove(&c->starved_node);
}

struct gw_buf *gw_conn_take_buffer(struct gw_conn *c, struct gw_leg *leg)
{
    struct gw_buf *buf = gw_ring_buffer_take(c->env->ring);
    if (!buf)
        gw_conn_starve(c, leg);
    else if (leg->starved)
        gw_conn_fed(c, leg);
    return buf;
}

void gw_conn_give_buffer(struct gw_conn *c, struct gw_buf **buf)
{
    if (*buf)
        gw_ring_buffer_give(c->env->ring, *buf);
    *buf = NULL;
}

void gw_conn_moved(struct gw_conn *c, enum gw_flow flow, size_t bytes)
{
    bool up = gw_conn_is_up(c, flow);
    c->moved_ns = c->env->now_ns;
    gw_stats_add(c->env->stats, up ? GW_COUNTER_BYTES_UP : GW_COUNTER_BYTES_DOWN, (int64_t)bytes);
    if (up)
        c->report.bytes_up += bytes;
    else
        c->report.bytes_down += bytes;
}

/* Nanoseconds without payload after which a connection ends. 0: never. */
static int64_t silence_limit(const struct gw_service *service, bool half_closed)
{
    if (half_closed &&
        (service->idle_timeout_ns == 0 || service->close_timeout_ns < service->idle_timeout_ns))
        return service->close_timeout_ns;
    return service->idle_timeout_ns;
}

void gw_conn_half_closed(struct gw_conn *c)
{
    c->moved_ns = c->env->now_ns;
    int64_t limit = silence_limit(c->service, true);
    gw_conn_wake_in(c, gw_tenure_before(c, gw_resume_before(c, limit)));
}

void gw_conn_copy_text(char *dst, size_t size, const char *src)
{
    gw_text_copy(dst, size, src);
}

bool gw_conn_iov_advance(struct gw_buf *buf, uint32_t *at, uint32_t count, size_t sent)
{
    while (*at < count && sent >= buf->iov[*at].iov_len)
        sent -= buf->iov[(*at)++].iov_len;
    if (*at == count)
        return false;
    buf->iov[*at].iov_base = (uint8_t *)buf->iov[*at].iov_base + sent;
    buf->iov[*at].iov_len -= sent;
    return true;
}

void gw_conn_iov_send(struct gw_conn *c, struct gw_leg *leg, struct gw_buf *buf, uint32_t at,
                      uint32_t count)
{
    struct gw_token token = gw_conn_begin(c, leg, GW_OP_SEND);
    if (count - at == 1) {
        gw_ring_send(c->env->ring, token, leg->fd, buf->iov[at].iov_base, buf->iov[at].iov_len);
        return;
    }
    buf->msg = (struct msghdr){.msg_iov = &buf->iov[at], .msg_iovlen = count - at};
    gw_ring_sendmsg(c->env->ring, token, leg->fd, &buf->msg);
}

/* ---- sending to the TLS side ---- */

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
void gw_conn_send_control(struct gw_conn *c, uint8_t type, const uint8_t *body, size_t len)
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
        gw_end_now(c, GW_REASON_INTERNAL);
        return;
    }
    send_control_rest(c);
}

static void send_alert(struct gw_conn *c, uint8_t description)
{
    uint8_t body[GW_CONTROL_MAX];
    size_t len = gw_control_alert(body, description);
    gw_conn_send_control(c, GW_CONTENT_ALERT, body, len);
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

/* One send is in flight at a time. Handshake bytes go first. Control records go between two batches
 * of data and are sealed only when they are sent, so that sequence numbers follow the wire. */
void gw_conn_drive_tx(struct gw_conn *c)
{
    if (c->send_owner != GW_SEND_NOBODY || gw_end_left_tls(c) || c->tx.broken)
        return;
    if (c->hs) {
        if (send_handshake(c) || c->step == GW_STEP_HANDSHAKE)
            return;
        gw_opening_flushed(c);
        if (c->send_owner != GW_SEND_NOBODY || gw_end_left_tls(c))
            return;
    }
    if (!c->has_record || c->rec.close_sent)
        return;
    if (c->warning)
        send_warning(c);
    else if (c->alert >= 0 && c->tx.state != GW_TX_READY) /* nothing is sent after it */
        send_last_alert(c);
    else if (c->key_update)
        gw_rekey_send(c);
    else if (c->tx.state == GW_TX_READY)
        gw_tx_send(c);
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

static void handshake_sent(struct gw_conn *c, size_t sent)
{
    gw_handshake_output_sent(c->hs, sent);
    gw_conn_drive_tx(c);
    if (c->step == GW_STEP_HANDSHAKE && !gw_leg_busy(c->tls, GW_OP_SEND))
        gw_opening_read(c);
}

/* A reset does not invalidate what the peer sent before; that can still be read. */
static void send_failed(struct gw_conn *c, int res)
{
    bool reset = res == -EPIPE || res == -ECONNRESET;
    c->send_owner = GW_SEND_NOBODY;
    if (c->step == GW_STEP_RELAY && reset)
        gw_tx_broken(c);
    else
        gw_end_now(c, c->step == GW_STEP_HANDSHAKE ? GW_REASON_HANDSHAKE_RESET
                                                   : GW_REASON_CLIENT_RESET);
}

void gw_conn_tls_sent(struct gw_conn *c, int res)
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
        handshake_sent(c, sent);
    else if (owner == GW_SEND_CONTROL)
        control_sent(c, sent);
    else
        gw_tx_sent(c, sent);
    gw_conn_drive_tx(c);
}

/* ---- dispatch ---- */

static void on_tls_recv(struct gw_conn *c, const struct gw_completion *done)
{
    if (c->step == GW_STEP_PREFACE)
        gw_preface_received(c, done);
    else if (c->step == GW_STEP_HANDSHAKE)
        gw_opening_received(c, done);
    else if (c->step == GW_STEP_LINGER)
        gw_end_discarded(c, done);
    else
        gw_rx_received(c, done);
}

static void on_tls_send(struct gw_conn *c, const struct gw_completion *done)
{
    gw_conn_tls_sent(c, done->res);
}

static void on_plain_send(struct gw_conn *c, const struct gw_completion *done)
{
    gw_rx_sent(c, done->res);
}

static void on_connect(struct gw_conn *c, const struct gw_completion *done)
{
    gw_opening_connected(c, done->res);
}

typedef void completion_handler(struct gw_conn *c, const struct gw_completion *done);

static completion_handler *const tls_handlers[GW_OP_COUNT] = {
    [GW_OP_CONNECT] = on_connect,      [GW_OP_RECV] = on_tls_recv,
    [GW_OP_SEND] = on_tls_send,        [GW_OP_POLL] = gw_rx_polled,
    [GW_OP_ROOM] = gw_splice_tls_room, [GW_OP_STANDING] = gw_standing_received,
};

static completion_handler *const plain_handlers[GW_OP_COUNT] = {
    [GW_OP_CONNECT] = on_connect,        [GW_OP_RECV] = gw_tx_received,
    [GW_OP_SEND] = on_plain_send,        [GW_OP_POLL] = gw_splice_plain_data,
    [GW_OP_ROOM] = gw_splice_plain_room, [GW_OP_STANDING] = gw_standing_received,
};

void gw_conn_leave(struct gw_conn *c)
{
    if (c->step == GW_STEP_CLOSING)
        gw_end_try_free(c);
    else if (c->step == GW_STEP_LINGER || c->step == GW_STEP_DELIVER)
        gw_end_drop_sides(c);
}

void gw_conn_complete(struct gw_conn_env *env, const struct gw_completion *done)
{
    struct gw_conn *c = gw_pool_find(&env->pool, done->token.slot, done->token.generation);
    if (!c) {
        gw_ring_completion_give(env->ring, done);
        return;
    }
    gw_require(c->magic == GW_CONN_MAGIC);
    struct gw_leg *leg = &c->leg[done->token.leg];
    bool of_tls = leg == c->tls;
    completion_handler *handler = (of_tls ? tls_handlers : plain_handlers)[done->token.op];
    gw_require(handler);
    if (!done->more)
        leg->in_flight &= (uint16_t) ~(1U << done->token.op);
    if (c->step == GW_STEP_CLOSING || (of_tls && gw_end_left_tls(c)))
        gw_ring_completion_give(env->ring, done);
    else
        handler(c, done);
    gw_conn_leave(c);
}

/* ---- timers ---- */

static void handshake_timer(struct gw_conn *c)
{
    gw_end_now(c, GW_REASON_HANDSHAKE_TIMEOUT);
}

static void relay_timer(struct gw_conn *c)
{
    if (c->tickets && c->env->now_ns >= c->tickets_until_ns)
        gw_resume_end(c);
    bool half = c->rx.state == GW_RX_DONE || c->tx.state >= GW_TX_CLOSE;
    int64_t limit = silence_limit(c->service, half);
    int64_t left = c->moved_ns + limit - c->env->now_ns;
    if (limit > 0 && left <= 0) {
        gw_end_with(c, half ? GW_REASON_CLOSE_TIMEOUT : GW_REASON_IDLE_TIMEOUT,
                    GW_ALERT_CLOSE_NOTIFY);
        return;
    }
    if (gw_tenure_over(c))
        return;
    if (c->tx.state == GW_TX_DRAIN)
        gw_tx_drain_look(c);
    if (c->step == GW_STEP_RELAY && c->tx.state == GW_TX_DRAIN)
        gw_conn_wake_in(c, c->tx.look_ns - c->env->now_ns);
    int64_t next = gw_tenure_before(c, gw_resume_before(c, limit > 0 ? left : 0));
    if (c->step == GW_STEP_RELAY && next > 0)
        gw_conn_wake_in(c, next);
}

static void no_timer(struct gw_conn *c gw_unused)
{
}

static void (*const timer_handlers[GW_STEP_COUNT])(struct gw_conn *c) = {
    [GW_STEP_PREFACE] = gw_preface_timeout,
    [GW_STEP_HANDSHAKE] = handshake_timer,
    [GW_STEP_CONNECT] = gw_opening_connect_timeout,
    [GW_STEP_FLUSH] = handshake_timer,
    [GW_STEP_RELAY] = relay_timer,
    [GW_STEP_LINGER] = gw_end_timer,
    [GW_STEP_DELIVER] = gw_end_timer,
    [GW_STEP_CLOSING] = no_timer,
};

static void retry_starved(struct gw_conn *c)
{
    bool tls = c->tls->starved;
    bool plain = c->plain->starved;
    c->tls->starved = c->plain->starved = false;
    if (tls) {
        if (c->step <= GW_STEP_HANDSHAKE)
            gw_opening_read(c);
        else if (c->step == GW_STEP_RELAY)
            gw_rx_read(c);
        else if (c->step == GW_STEP_LINGER)
            gw_end_discard(c);
    }
    if (plain && c->step == GW_STEP_RELAY)
        gw_tx_read(c);
    gw_conn_leave(c);
}

void gw_conn_turn(struct gw_conn_env *env)
{
    struct gw_timer *t;
    while ((t = gw_wheel_expire(&env->wheel, env->now_ns))) {
        struct gw_conn *c = gw_container_of(t, struct gw_conn, timer);
        timer_handlers[c->step](c);
        gw_conn_leave(c);
    }
    gw_recheck_some(env);
    gw_rest_some(env);
    /* Connections that append themselves again wait until the next turn. */
    struct gw_list *last = env->eager.prev;
    for (struct gw_list *node = NULL; node != last && !gw_list_empty(&env->eager);) {
        node = env->eager.next;
        struct gw_conn *c = gw_container_of(node, struct gw_conn, eager_node);
        gw_splice_go_on(c);
        gw_conn_leave(c);
    }
    /* Each retry may take two buffers. A retry that finds none returns to the end of the queue. */
    uint32_t chances = gw_ring_buffers_free(env->ring);
    while (chances-- > 0 && !gw_list_empty(&env->starved)) {
        struct gw_list *node = env->starved.next;
        gw_list_remove(node);
        retry_starved(gw_container_of(node, struct gw_conn, starved_node));
    }
}

/* ---- accept ---- */

static uint64_t open_everywhere(const struct gw_conn_env *env)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < env->worker_count; i++)
        sum += gw_stats_get(&env->all_stats[i], GW_COUNTER_OPEN);
    return sum;
}

static void refuse(struct gw_conn_env *env, int fd, enum gw_reason reason)
{
    gw_stats_end(env->stats, reason);
    env->refused(env->arg, reason);
    gw_ring_close(env->ring, &fd);
}

void gw_conn_accepted(struct gw_conn_env *env, int fd, unsigned service)
{
    gw_stats_add(env->stats, GW_COUNTER_ACCEPTED, 1);
    if (open_everywhere(env) >= env->config->max_conns) {
        refuse(env, fd, GW_REASON_MAX_CONNS);
        return;
    }
    uint32_t slot;
    struct gw_conn *c = gw_pool_take(&env->pool, &slot);
    if (!c) {
        refuse(env, fd, GW_REASON_NO_MEMORY);
        return;
    }
    c->magic = GW_CONN_MAGIC;
    c->slot = slot;
    c->generation = gw_pool_generation(&env->pool, slot);
    c->env = env;
    c->service = env->config->services[service];
    c->service_index = service;
    bool is_server = c->service->role == GW_ROLE_SERVER;
    c->tls = &c->leg[is_server ? GW_FRONT : GW_BACK];
    c->plain = &c->leg[is_server ? GW_BACK : GW_FRONT];
    c->leg[GW_FRONT] = (struct gw_leg){.fd = fd, .side = GW_FRONT};
    c->leg[GW_BACK] = (struct gw_leg){.fd = -1, .side = GW_BACK};
    c->alert = -1;
    c->began_ns = c->moved_ns = env->now_ns;
    gw_timer_init(&c->timer);
    gw_list_init(&c->starved_node);
    gw_list_init(&c->eager_node);
    gw_stats_add(env->stats, GW_COUNTER_OPEN, 1);
    gw_opening_begin(c);
    gw_conn_leave(c);
}

void gw_conn_end_all(struct gw_conn_env *env)
{
    for (uint32_t slot = 0; slot < env->pool.limit; slot++) {
        struct gw_conn *c = gw_pool_find(&env->pool, slot, gw_pool_generation(&env->pool, slot));
        if (!c)
            continue;
        if (c->step == GW_STEP_HANDSHAKE)
            gw_end_now(c, GW_REASON_SHUTDOWN);
        else
            gw_end_with(c, GW_REASON_SHUTDOWN, GW_ALERT_CLOSE_NOTIFY);
        gw_end_hurry(c);
        gw_conn_leave(c);
    }
}
