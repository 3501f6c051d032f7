/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Either flow by splice(2): bytes of one socket are linked into a pipe and from there to the other
 * socket, without a copy. For directions whose records the kernel runs. splice(2) is called
 * directly and never waits, since io_uring always passes it to a kernel thread. Polls report when a
 * socket has data or room.
 *
 * A step fills a pipe once and empties it once. A flow that could continue is called again in the
 * next turn, behind all others (`eager`). Anything but plain data (the end of the stream, a control
 * record, an error) is left to one receive of rx.c or tx.c, which decides
 * (kernel-notes/splice-empty-record.md); then splicing resumes. While the pipe cannot be emptied,
 * the flow holds it and does not read: that is the back-pressure. If no pipe is free, the read is
 * copied.
 */
#include "gateway/conn/conn_private.h"

#include <errno.h>
#include <poll.h>

enum {
    RECORDS_PER_STEP = 32,
    /* --relay auto: this many consecutive reads of at least BIG bytes begin splicing, and this many
     * smaller ones end it. For small reads one call that copies is cheaper than two that do not. */
    BIG = GW_RECORD_PLAINTEXT_MAX,
    BIG_IN_A_ROW = 4,
    SMALL_IN_A_ROW = 4,
    /* A pipe's content may become more records than its size implies: the kernel ends a record when
     * its list of pieces (16 or more) is full. */
    RECORDS_MORE = GW_PIPE_SLOTS / 16 + 1,
};

_Static_assert(GW_PIPE_BYTES / GW_RECORD_PLAINTEXT_MAX + RECORDS_MORE <= GW_BATCH_RECORDS_MAX,
               "a pipe's content may be sealed under one key");

void gw_splice_note(struct gw_pace *p, size_t bytes)
{
    bool big = bytes >= BIG;
    p->in_a_row = big == p->big ? (uint8_t)GW_MIN(p->in_a_row + 1, UINT8_MAX) : 1;
    p->big = big;
    if (p->in_a_row >= (big ? BIG_IN_A_ROW : SMALL_IN_A_ROW))
        p->bulk = big;
}

static bool wanted(const struct gw_conn *c, enum gw_flow flow, const struct gw_pace *pace)
{
    if (c->service->relay == GW_RELAY_AUTO)
        return pace->bulk && c->env->choice.splice[gw_record_is_tls13(&c->rec)][flow];
    return c->service->relay == GW_RELAY_SPLICE;
}

/* A kernel that loses what does not fit is used for splicing only if --relay splice demands it,
 * whatever was measured (fill_rx handles that). */
static bool rx_wanted(const struct gw_conn *c)
{
    const struct ktls_probe *ktls = c->env->ktls;
    return ktls->splice.works && (ktls->splice_full.works || c->service->relay != GW_RELAY_AUTO) &&
           wanted(c, GW_FLOW_RX, &c->rx.pace);
}

static bool tx_wanted(const struct gw_conn *c)
{
    const struct gw_conn_env *env = c->env;
    return c->rec.tx.engine == GW_ENGINE_KERNEL && env->ktls->splice_tx.works &&
           c->rec.tx_payload_max == GW_RECORD_PLAINTEXT_MAX && /* the kernel fills records */
           wanted(c, GW_FLOW_TX, &c->tx.pace);
}

/* Takes a pipe for a read that replaces the leg's receive, and ends its wait for a buffer. */
static struct gw_pipe *take_pipe(struct gw_conn *c, struct gw_leg *leg)
{
    struct gw_pipe *pipe = gw_ring_pipe_take(c->env->ring);
    if (!pipe)
        gw_stats_add(c->env->stats, GW_COUNTER_PIPES_REFUSED, 1);
    else if (leg->starved)
        gw_conn_fed(c, leg);
    return pipe;
}

static void give_pipe(struct gw_conn *c, struct gw_pipe **pipe)
{
    if (*pipe)
        gw_ring_pipe_give(c->env->ring, *pipe);
    *pipe = NULL;
}

/* Empties the pipe until nothing is left or the socket has no room. Returns the last call's result.
 * A call that took only a part may have cut a record in two: *cuts counts these. */
static int empty_pipe(struct gw_conn *c, struct gw_pipe *pipe, int fd, uint64_t *cuts)
{
    for (;;) {
        int res = gw_ring_pipe_empty(c->env->ring, pipe, fd);
        if (res <= 0 || pipe->bytes == 0)
            return res;
        (*cuts)++;
    }
}

static void moved(struct gw_conn *c, struct gw_pace *pace, size_t bytes)
{
    enum gw_flow flow = pace == &c->rx.pace ? GW_FLOW_RX : GW_FLOW_TX;
    bool up = gw_conn_is_up(c, flow);
    gw_splice_note(pace, bytes);
    pace->spliced = true;
    gw_conn_moved(c, flow, bytes);
    gw_stats_add(c->env->stats, up ? GW_COUNTER_SPLICED_UP : GW_COUNTER_SPLICED_DOWN,
                 (int64_t)bytes);
}

/* ---- turns ---- */

static void go_on_later(struct gw_conn *c, uint8_t flow)
{
    c->eager |= flow;
    if (gw_list_empty(&c->eager_node))
        gw_list_append(&c->env->eager, &c->eager_node);
}

void gw_splice_go_on(struct gw_conn *c)
{
    uint8_t flows = c->eager;
    c->eager = 0;
    gw_list_remove(&c->eager_node);
    if (flows & GW_EAGER_RX && c->step == GW_STEP_RELAY && c->rx.state == GW_RX_READ)
        gw_rx_read(c);
    if (flows & GW_EAGER_TX && c->step == GW_STEP_RELAY && c->tx.state == GW_TX_READ)
        gw_tx_read(c);
}

void gw_splice_drop_rx(struct gw_conn *c)
{
    give_pipe(c, &c->rx.pipe);
}

void gw_splice_drop_tx(struct gw_conn *c)
{
    give_pipe(c, &c->tx.pipe);
}

/* ---- TLS side to plain side ---- */

/* The whole pipe was sent, or the part that a slow reader had room for. */
static void rx_went(struct gw_conn *c)
{
    if (c->reason == GW_REASON_NONE)
        c->moved_ns = c->env->now_ns;
    else
        gw_delivery_moved(c);
}

void gw_splice_rx_send(struct gw_conn *c)
{
    uint64_t cuts = 0; /* there are no records on this side */
    uint32_t before = c->rx.pipe->bytes;
    int res = empty_pipe(c, c->rx.pipe, c->plain->fd, &cuts);
    if (c->rx.pipe->bytes < before)
        rx_went(c);
    if (res == -EAGAIN) {
        gw_ring_poll(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_ROOM), c->plain->fd, POLLOUT,
                     false);
        return;
    }
    give_pipe(c, &c->rx.pipe);
    if (c->reason != GW_REASON_NONE) {
        gw_delivery_spliced(c, GW_MIN(res, 0));
        return;
    }
    if (res < 0) {
        gw_rx_broken(c);
        return;
    }
    c->rx.state = GW_RX_READ;
    go_on_later(c, GW_EAGER_RX);
}

/* Reads one record per call. A kernel that loses what does not fit gets an empty pipe for each
 * record, larger than any record (kernel-notes/splice-short-pipe.md). */
static int fill_rx(struct gw_conn *c, struct gw_pipe *pipe)
{
    unsigned records = c->env->ktls->splice_full.works ? RECORDS_PER_STEP : 1;
    int res;
    do
        res = gw_ring_pipe_fill(c->env->ring, pipe, c->tls->fd, GW_PIPE_BYTES);
    while (res > 0 && --records > 0 && pipe->bytes < GW_PIPE_BYTES);
    return res;
}

static void take_rx(struct gw_conn *c, struct gw_pipe *pipe)
{
    if (!gw_rx_saw_data(c)) {
        give_pipe(c, &pipe);
        return;
    }
    c->rx.pipe = pipe;
    c->rx.state = GW_RX_WRITE;
    moved(c, &c->rx.pace, pipe->bytes);
    gw_record_count_received(&c->rec, pipe->bytes);
    gw_splice_rx_send(c);
    gw_rekey_look_at_rx(c);
}

bool gw_splice_rx(struct gw_conn *c)
{
    if (!rx_wanted(c))
        return false;
    struct gw_pipe *pipe = c->rx.receive ? NULL : take_pipe(c, c->tls);
    if (!pipe)
        return false;
    int res = fill_rx(c, pipe);
    c->rx.receive = res <= 0 && res != -EAGAIN;
    c->rx.told = res;
    if (pipe->bytes > 0) {
        take_rx(c, pipe);
        return true;
    }
    give_pipe(c, &pipe);
    if (c->rx.receive)
        return false;
    c->rx.ready = false; /* poll reports when more arrives */
    return true;
}

bool gw_splice_rx_received(struct gw_conn *c, int *res)
{
    if (!c->rx.receive || *res == -ENOBUFS)
        return false;
    c->rx.receive = false;
    /* The receive after an error may find nothing (kernel-notes/splice-tells-once.md). */
    if (c->rx.told < 0 && (*res == 0 || *res == -EAGAIN))
        *res = c->rx.told;
    return *res == -EAGAIN;
}

void gw_splice_plain_room(struct gw_conn *c, const struct gw_completion *done)
{
    (void)done; /* the next call returns any error */
    if (c->rx.pipe)
        gw_splice_rx_send(c);
}

/* ---- plain side to TLS side ---- */

bool gw_splice_tx(struct gw_conn *c)
{
    bool promised = c->tx.promised;
    c->tx.promised = false;
    if (!tx_wanted(c))
        return false;
    if (gw_leg_busy(c->plain, GW_OP_POLL))
        return true;
    struct gw_pipe *pipe = take_pipe(c, c->plain);
    if (!pipe)
        return false;
    int res = gw_ring_pipe_fill(c->env->ring, pipe, c->plain->fd, GW_PIPE_BYTES);
    if (res > 0) {
        c->tx.pipe = pipe;
        c->tx.len = pipe->bytes;
        c->tx.state = GW_TX_READY;
        moved(c, &c->tx.pace, pipe->bytes);
        gw_conn_drive_tx(c);
        return true;
    }
    give_pipe(c, &pipe);
    if (res == 0 || res == -EINVAL)
        return false;
    /* polling would never change that (kernel-notes/splice-urgent.md) */
    if (res == -EAGAIN && promised)
        return false;
    if (res != -EAGAIN) { /* reported only once: a receive would not see it again */
        gw_tx_received(c, &(struct gw_completion){.res = res});
        return true;
    }
    gw_ring_poll(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_POLL), c->plain->fd, POLLIN, false);
    return true;
}

void gw_splice_plain_data(struct gw_conn *c, const struct gw_completion *done)
{
    c->tx.promised = done->res > 0;
    if (c->tx.state == GW_TX_READ)
        gw_tx_read(c);
}

uint32_t gw_splice_records_more(void)
{
    return RECORDS_MORE;
}

static void await_tls_room(struct gw_conn *c)
{
    gw_ring_poll(c->env->ring, gw_conn_begin(c, c->tls, GW_OP_ROOM), c->tls->fd, POLLOUT, false);
}

/* Until the pipe is empty, the sending side belongs to it, so that no control record comes between
 * two parts of a batch and no record stays open. */
void gw_splice_tx_send(struct gw_conn *c)
{
    c->tx.state = GW_TX_WRITE;
    c->send_owner = GW_SEND_DATA;
    uint32_t before = c->tx.pipe->bytes;
    int res = empty_pipe(c, c->tx.pipe, c->tls->fd, &c->rec.tx.records);
    if (c->step == GW_STEP_RELAY && c->tx.pipe->bytes < before)
        c->moved_ns = c->env->now_ns;
    if (res == -EAGAIN)
        await_tls_room(c);
    else
        gw_conn_tls_sent(c, res);
}

void gw_splice_tls_room(struct gw_conn *c, const struct gw_completion *done)
{
    (void)done;
    if (c->tx.pipe)
        gw_splice_tx_send(c);
}

void gw_splice_tx_sent(struct gw_conn *c)
{
    if (c->tx.pipe->bytes >
        0) { /* RX failed and the send got the error; the rest goes before the alert */
        c->send_owner = GW_SEND_DATA;
        await_tls_room(c);
        return;
    }
    give_pipe(c, &c->tx.pipe);
    if (c->alert >= 0) { /* the direction was ended meanwhile; the alert is next */
        c->tx.state = GW_TX_CLOSE;
        return;
    }
    c->tx.state = GW_TX_READ;
    go_on_later(c, GW_EAGER_TX);
}
