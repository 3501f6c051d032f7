/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a connection, in two halves that do not wait for each other.
 *
 * LINGER: the TLS side gets its alert, then FIN. Whatever it still sends is read and discarded,
 * since a close with unread bytes makes the kernel send RST, which can overtake the alert.
 * Discarding costs the peer as much as the gateway, and ends after two seconds. Meanwhile, and in
 * DELIVER, the plain side gets what is due to it (delivery.c).
 *
 * CLOSING: operations are cancelled. Everything is released once none is in flight, not before: the
 * kernel may still use buffers and descriptors.
 */
#include "gateway/conn/conn_private.h"

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

#include <errno.h>
#include <stdlib.h>

void gw_end_drop_sides(struct gw_conn *c)
{
    if (c->delivery.state == GW_PLAIN_OVER && !c->plain->in_flight)
        gw_ring_close(c->env->ring, &c->plain->fd);
    if (gw_end_left_tls(c) && !c->tls->in_flight)
        gw_ring_close(c->env->ring, &c->tls->fd);
}

static void close_all(struct gw_conn *c)
{
    c->step = GW_STEP_CLOSING;
    gw_timer_clear(&c->env->wheel, &c->timer);
    gw_conn_cancel(c, c->tls, ~0U);
    gw_conn_cancel(c, c->plain, ~0U);
}

static void forget_starved(struct gw_conn *c)
{
    c->tls->starved = c->plain->starved = false;
    gw_list_remove(&c->starved_node);
}

/* Stops all reads and sends on the TLS side. */
static void leave_tls(struct gw_conn *c)
{
    c->step = GW_STEP_DELIVER;
    forget_starved(c);
    gw_list_remove(&c->eager_node);
    gw_splice_drop_tx(c);
    gw_conn_cancel(c, c->tls, ~0U);
}

static void set_timer(struct gw_conn *c)
{
    if (c->step != GW_STEP_LINGER)
        return;
    gw_conn_wake_in(c, c->linger_until_ns - c->env->now_ns);
    if (c->tx.state == GW_TX_DRAIN)
        gw_conn_wake_in(c, c->tx.look_ns - c->env->now_ns);
}

/* The reason is set: ends the relay and begins LINGER, DELIVER or CLOSING. */
static void begin(struct gw_conn *c, enum gw_reason reason)
{
    gw_conn_left_handshake(c);
    c->reason = gw_reason_in(c->service->role, reason);
    gw_timer_clear(&c->env->wheel, &c->timer);
    gw_delivery_begin(c);
    gw_tx_discard(c);
    gw_conn_cancel(c, c->tls, 1U << GW_OP_STANDING);
    gw_standing_drop(c, c->tls);
    gw_standing_drop(c, c->plain);
    forget_starved(c); /* the discarding reads start anew */
    c->step = GW_STEP_LINGER;
    c->linger_until_ns = c->env->now_ns + GW_LINGER_NS;
}

static void begin_discard(struct gw_conn *c)
{
    bool gone = c->rec.close_received || c->tx.broken;
    c->rx.state = gone ? GW_RX_DONE : GW_RX_DISCARD;
    if (!gone)
        gw_end_discard(c);
}

void gw_end_perform(struct gw_conn *c)
{
    struct gw_end end = c->end;
    bool at_once = end.way == GW_END_AT_ONCE || (end.way == GW_END_WITH_ALERT && !c->has_record);
    c->end.way = GW_END_NOT;
    if (c->step != GW_STEP_LINGER)
        begin(c, end.reason);
    if (at_once) {
        leave_tls(c);
        return;
    }
    if (end.way == GW_END_HANDSHAKE)
        c->tx.state = GW_TX_CLOSE;
    else
        gw_tx_close(c, end.alert);
    begin_discard(c);
}

void gw_end_discard(struct gw_conn *c)
{
    bool busy = gw_leg_busy(c->tls, GW_OP_RECV) || gw_leg_busy(c->tls, GW_OP_STANDING);
    if (busy || c->rx.state != GW_RX_DISCARD)
        return;
    bool kernel = c->has_record && c->rec.rx.engine == GW_ENGINE_KERNEL;
    c->rx.again = false;
    gw_ring_recv_pick(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_RECV), c->tls->fd, 0,
                      kernel ? GW_RECV_DONTWAIT : 0);
}

void gw_end_discarded(struct gw_conn *c, const struct gw_completion *done)
{
    gw_ring_completion_give(c->env->ring, done);
    if (done->res == -ENOBUFS) {
        gw_conn_starve(c, c->tls);
        return;
    }
    if (done->res == -EAGAIN && !c->rx.again) /* kernel engine: poll reports when more arrives */
        return;
    bool over = done->res <= 0 && done->res != -EAGAIN && done->res != -ECANCELED;
    if (over && done->res < 0)
        (void)gw_rx_record_failed(c, done->res); /* its error would make our alert fail */
    if (over && c->rx.state == GW_RX_DISCARD)
        c->rx.state = GW_RX_DONE;
    gw_end_discard(c);
}

void gw_end_settle(struct gw_conn *c)
{
    if (c->step == GW_STEP_LINGER && c->rx.state == GW_RX_DONE && c->tx.state == GW_TX_DONE)
        leave_tls(c);
    gw_delivery_look(c);
    if (c->step == GW_STEP_DELIVER && c->delivery.state == GW_PLAIN_OVER)
        close_all(c);
    else
        set_timer(c);
}

void gw_end_timer(struct gw_conn *c)
{
    if (c->step == GW_STEP_LINGER && c->env->now_ns >= c->linger_until_ns)
        leave_tls(c);
    if (c->step == GW_STEP_LINGER && c->tx.state == GW_TX_DRAIN)
        gw_tx_drain_look(c);
}

void gw_end_hurry(struct gw_conn *c)
{
    if (c->step == GW_STEP_LINGER || c->step == GW_STEP_DELIVER)
        gw_delivery_hurry(c);
}

static const char *engine_word(const struct gw_conn *c, const struct gw_record_half *half)
{
    return c->has_record ? gw_engine_word(half->engine) : "";
}

static const char *relay_word(const struct gw_conn *c, const struct gw_record_half *half,
                              const struct gw_pace *pace)
{
    if (!c->has_record || half->engine != GW_ENGINE_KERNEL)
        return "";
    return pace->spliced ? "splice" : "copy";
}

/* Whether the TLS side's early end needs no error in the log: it sent close_notify before (and its
 * kernel sent RST because of tickets that it had not read), no byte was in transit, or --truncation
 * permits such an end. */
static bool is_harmless(const struct gw_conn *c)
{
    bool truncated = c->reason == gw_reason_in(c->service->role, GW_REASON_CLIENT_TRUNCATED);
    bool reset = c->reason == gw_reason_in(c->service->role, GW_REASON_CLIENT_RESET);
    bool nothing = c->facts.bytes_up == 0 && c->facts.bytes_down == 0;
    return (truncated || reset) && (c->rec.close_received || nothing || c->rx.cut);
}

static void report_end(struct gw_conn *c)
{
    struct gw_conn_report report;
    struct gw_conn_report *r = &report;
    gw_facts_report(&c->facts, r);
    gw_text_copy(r->service, sizeof(r->service), c->service->name);
    r->reason = c->reason;
    r->harmless = is_harmless(c);
    r->wall_ns = gw_clock_wall_ns();
    r->duration_us = (uint64_t)(c->env->now_ns - c->began_ns) / 1000;
    gw_text_copy(r->tx_engine, sizeof(r->tx_engine), engine_word(c, &c->rec.tx));
    gw_text_copy(r->rx_engine, sizeof(r->rx_engine), engine_word(c, &c->rec.rx));
    gw_text_copy(r->tx_relay, sizeof(r->tx_relay), relay_word(c, &c->rec.tx, &c->tx.pace));
    gw_text_copy(r->rx_relay, sizeof(r->rx_relay), relay_word(c, &c->rec.rx, &c->rx.pace));
    gw_stats_end(c->env->stats, c->reason);
    gw_stats_add(c->env->stats, GW_COUNTER_OPEN, -1);
    c->env->ended(c->env->arg, r, c->note);
}

static void count_engines(struct gw_conn *c)
{
    bool tx = c->rec.tx.engine == GW_ENGINE_KERNEL;
    bool rx = c->rec.rx.engine == GW_ENGINE_KERNEL;
    gw_stats_add(c->env->stats, tx ? GW_COUNTER_TX_KERNEL : GW_COUNTER_TX_USER, 1);
    gw_stats_add(c->env->stats, rx ? GW_COUNTER_RX_KERNEL : GW_COUNTER_RX_USER, 1);
}

void gw_end_try_free(struct gw_conn *c)
{
    if (c->tls->in_flight | c->plain->in_flight)
        return;
    gw_conn_give_buffer(c, &c->rx.buf);
    gw_conn_give_buffer(c, &c->tx.buf);
    gw_announce_drop(c);
    gw_ring_close(c->env->ring, &c->tls->fd);
    gw_ring_close(c->env->ring, &c->plain->fd);
    report_end(c);
    gw_resume_end(c);
    gw_conn_free_handshake(c, &c->hs);
    gw_recheck_drop(c);
    free(c->note);
    gw_facts_done(&c->facts);
    if (c->has_record) {
        count_engines(c);
        gw_record_done(&c->rec);
    }
    gw_pool_give(&c->env->pool, c->slot);
}
