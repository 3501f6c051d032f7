/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client role, TLS 1.3: tickets arrive after the handshake and need its state in libssl. The
 * gateway keeps that state until the first tickets or application data arrive, or a few seconds
 * pass. Meanwhile RX stays in the user engine, and libssl gets a copy of each record first. The
 * engine opens the original, so sequence numbers stay in step and data has one path.
 */
#include "gateway/conn/conn_private.h"

static size_t record_len(const uint8_t *data, size_t len)
{
    return len < GW_RECORD_HEADER ? SIZE_MAX : GW_RECORD_HEADER + ((size_t)data[3] << 8 | data[4]);
}

void gw_resume_begin(struct gw_conn *c)
{
    struct gw_handshake *hs = c->hs;
    c->hs = NULL;
    if (c->step == GW_STEP_FLUSH && gw_handshake_wants_tickets(hs) &&
        c->env->ticket_waiters < GW_TICKET_WAITERS_MAX) {
        c->tickets = hs;
        c->tickets_until_ns = c->env->now_ns + GW_TICKET_WAIT_NS;
        c->env->ticket_waiters++;
        return;
    }
    gw_conn_free_handshake(c, &hs);
}

void gw_resume_end(struct gw_conn *c)
{
    if (!c->tickets)
        return;
    c->env->ticket_waiters--;
    gw_conn_free_handshake(c, &c->tickets);
}

void gw_resume_see(struct gw_conn *c, const uint8_t *data, size_t len)
{
    size_t record = record_len(data, len);
    if (record <= len && !gw_handshake_show(c->tickets, data, record))
        gw_resume_end(c);
}

/* A server sends its tickets together, so the first pause is their end. */
void gw_resume_look(struct gw_conn *c)
{
    if (gw_handshake_sessions(c->tickets) > 0)
        gw_resume_end(c);
}

int64_t gw_resume_before(const struct gw_conn *c, int64_t after_ns)
{
    if (!c->tickets)
        return after_ns;
    int64_t left = GW_MAX(c->tickets_until_ns - c->env->now_ns, 0);
    return after_ns > 0 ? GW_MIN(after_ns, left) : left;
}
