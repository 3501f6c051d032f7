/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key changes in TLS 1.3 (RFC 8446 4.6.3): following the peer's KeyUpdate, answering it, and
 * sending our own before a key has run too many records. Both engines work the same way; a key that
 * the kernel runs is installed anew. Neither direction stops for the other: each key changes
 * between two operations of its own direction.
 */
#include "gateway/conn/conn_private.h"

#include "gateway/base/clock.h"

#include "ktlsinstall.h"

#include <string.h>

/* Installs the direction's next key. 0 or a negative errno. */
static int change_key(struct gw_conn *c, enum ktls_direction direction)
{
    struct gw_record_half *half = direction == KTLS_TX ? &c->rec.tx : &c->rec.rx;
    int error = gw_record_update(half);
    if (error || half->engine == GW_ENGINE_USER)
        return error;
    error = gw_ring_ktls_install(c->env->ring, c->tls->fd, direction, &half->keys);
    gw_record_moved(half);
    return error;
}

/* If the connection is about to end, its first reason is the one to report. */
static void note_failure(struct gw_conn *c, int error)
{
    if (c->reason == GW_REASON_NONE && c->end.way == GW_END_NOT)
        gw_facts_set(&c->facts, GW_FACT_DETAIL, strerror(-error));
}

/* Each KeyUpdate costs a share of time. The peer may run ahead of the clock by one second's worth:
 * a token bucket without the bucket. */
static bool comes_too_often(struct gw_conn *c)
{
    int64_t at = GW_MAX(c->updates_paid_ns, c->env->now_ns);
    c->updates_paid_ns = at + GW_NS_PER_SEC / GW_KEY_UPDATES_PER_SEC;
    return at - c->env->now_ns >= GW_NS_PER_SEC;
}

bool gw_rekey_follow(struct gw_conn *c, const struct gw_control *update)
{
    c->facts.key_updates_in++;
    gw_stats_add(c->env->stats, GW_COUNTER_KEY_UPDATES_IN, 1);
    if (!update->granted && comes_too_often(c)) {
        gw_conn_end_with(c, GW_REASON_RECORD_FLOOD, GW_ALERT_UNEXPECTED_MESSAGE);
        return false;
    }
    int error = change_key(c, KTLS_RX);
    if (error) {
        note_failure(c, error);
        gw_conn_end_with(c, GW_REASON_INTERNAL, GW_ALERT_INTERNAL_ERROR);
        return false;
    }
    c->update_asked = false;
    /* While the kernel waited for the key, it hid readable data and reported nothing. */
    c->rx.ready = true;
    c->key_update |= update->reply; /* one answer covers all updates before it */
    return true;
}

bool gw_rekey_is_due(const struct gw_conn *c)
{
    return gw_record_key_is_old(&c->rec, &c->rec.tx) && gw_record_can_rekey(&c->rec, &c->rec.tx);
}

/* Whether to ask: the peer's key is old enough and the peer was not asked yet. Not while RX is
 * moving to a kernel that may be unable to follow the answer. */
static bool may_ask(const struct gw_conn *c)
{
    return !c->update_asked && !c->want_kernel_rx && gw_record_key_is_old(&c->rec, &c->rec.rx) &&
           gw_record_can_rekey(&c->rec, &c->rec.rx);
}

void gw_rekey_look_at_rx(struct gw_conn *c)
{
    if (!may_ask(c) || !gw_record_can_rekey(&c->rec, &c->rec.tx))
        return;
    c->key_update = true;
}

size_t gw_rekey_make(struct gw_conn *c, uint8_t body[GW_CONTROL_MAX])
{
    bool ask = may_ask(c);
    c->key_update = false;
    c->key_update_sent = true;
    c->update_asked |= ask;
    c->facts.key_updates_out++;
    gw_stats_add(c->env->stats, GW_COUNTER_KEY_UPDATES_OUT, 1);
    return gw_control_key_update(body, ask);
}

void gw_rekey_sent(struct gw_conn *c)
{
    c->key_update_sent = false;
    int error = change_key(c, KTLS_TX);
    if (error) { /* the peer cannot open what the old key seals: not even an alert */
        note_failure(c, error);
        gw_conn_end_now(c, GW_REASON_INTERNAL);
    }
}
