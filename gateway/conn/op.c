/* SPDX-License-Identifier: Apache-2.0 */
/* The ground that all files of this folder stand on: operations in flight, buffers, the timer, and
 * the record of why a connection is to end. It calls none of them. */
#include "gateway/conn/conn_private.h"

#include <string.h>

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

void gw_conn_cancel(struct gw_conn *c, const struct gw_leg *leg, unsigned ops)
{
    for (unsigned op = 0; op < GW_OP_COUNT; op++)
        if (ops & leg->in_flight & 1U << op)
            gw_ring_cancel(c->env->ring, gw_conn_token(c, leg, (enum gw_op)op));
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
        c->facts.bytes_up += bytes;
    else
        c->facts.bytes_down += bytes;
}

int64_t gw_conn_silence_limit(const struct gw_service *service, bool half_closed)
{
    if (half_closed &&
        (service->idle_timeout_ns == 0 || service->close_timeout_ns < service->idle_timeout_ns))
        return service->close_timeout_ns;
    return service->idle_timeout_ns;
}

void gw_conn_half_closed(struct gw_conn *c)
{
    c->moved_ns = c->env->now_ns;
    gw_conn_wake_in(c, gw_conn_silence_limit(c->service, true));
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

/* ---- the TLS side's handshake ---- */

void gw_conn_free_handshake(struct gw_conn *c, struct gw_handshake **hs)
{
    gw_handshake_free(*hs);
    *hs = NULL;
    gw_terms_put(c->terms);
    c->terms = NULL;
}

void gw_conn_left_handshake(struct gw_conn *c)
{
    if (c->handshaking)
        gw_stats_add(c->env->stats, GW_COUNTER_HANDSHAKING, -1);
    c->handshaking = false;
}

void gw_conn_read(struct gw_conn *c)
{
    gw_ring_recv_pick(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_RECV), c->tls->fd, 0, 0);
}

void gw_conn_attach(struct gw_conn *c)
{
    if (!c->attached && c->service->records != GW_RECORDS_USER && c->env->ktls->attach.works)
        c->attached = gw_ring_ktls_attach(c->env->ring, c->tls->fd) == 0;
}

/* ---- why the connection is to end ---- */

void gw_conn_end_now(struct gw_conn *c, enum gw_reason reason)
{
    if (gw_end_left_tls(c) || c->end.way == GW_END_AT_ONCE)
        return;
    if (c->end.way == GW_END_NOT)
        c->end.reason = reason;
    c->end.way = GW_END_AT_ONCE;
}

void gw_conn_end_with(struct gw_conn *c, enum gw_reason reason, uint8_t alert)
{
    if (c->reason == GW_REASON_NONE && c->end.way == GW_END_NOT)
        c->end = (struct gw_end){.way = GW_END_WITH_ALERT, .reason = reason, .alert = alert};
}

void gw_conn_end_handshake(struct gw_conn *c, enum gw_reason reason)
{
    if (c->reason == GW_REASON_NONE && c->end.way == GW_END_NOT)
        c->end = (struct gw_end){.way = GW_END_HANDSHAKE, .reason = reason};
}

void gw_conn_end_finished(struct gw_conn *c)
{
    gw_conn_end_now(c, c->rx.broken   ? GW_REASON_BACKEND_RESET
                       : c->rx.cut    ? GW_REASON_CLIENT_TRUNCATED
                       : c->tx.broken ? GW_REASON_CLIENT_RESET
                                      : GW_REASON_FINISHED);
}

void gw_conn_kernel_refused(struct gw_conn *c, const char *direction, int error)
{
    gw_facts_printf(&c->facts, GW_FACT_ENGINE_WHY, "%s keys: %s", direction, strerror(-error));
    if (c->service->records == GW_RECORDS_KERNEL)
        gw_conn_end_with(c, GW_REASON_KERNEL_KEYS, GW_ALERT_INTERNAL_ERROR);
}
