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

void gw_splice_moved(struct gw_conn *c, enum gw_flow flow)
{
    struct gw_pace *pace = flow == GW_FLOW_RX ? &c->rx.pace : &c->tx.pace;
    uint32_t bytes = (flow == GW_FLOW_RX ? c->rx.pipe : c->tx.pipe)->bytes;
    bool up = gw_conn_is_up(c, flow);
    gw_splice_note(pace, bytes);
    pace->spliced = true;
    gw_conn_moved(c, flow, bytes);
    gw_stats_add(c->env->stats, up ? GW_COUNTER_SPLICED_UP : GW_COUNTER_SPLICED_DOWN,
                 (int64_t)bytes);
}

/* ---- turns ---- */

void gw_splice_go_on_later(struct gw_conn *c, enum gw_eager flow)
{
    c->eager |= (uint8_t)flow;
    if (gw_list_empty(&c->eager_node))
        gw_list_append(&c->env->eager, &c->eager_node);
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

int gw_splice_rx_send(struct gw_conn *c)
{
    uint64_t cuts = 0; /* there are no records on this side */
    uint32_t before = c->rx.pipe->bytes;
    int res = empty_pipe(c, c->rx.pipe, c->plain->fd, &cuts);
    if (c->rx.pipe->bytes < before)
        c->moved_ns = c->env->now_ns;
    if (res == -EAGAIN) {
        gw_ring_poll(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_ROOM), c->plain->fd, POLLOUT,
                     false);
        return GW_SEND_IN_FLIGHT;
    }
    give_pipe(c, &c->rx.pipe);
    return GW_MIN(res, 0);
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

int gw_splice_rx(struct gw_conn *c)
{
    if (!rx_wanted(c))
        return GW_SPLICE_NOT;
    struct gw_pipe *pipe = c->rx.receive ? NULL : take_pipe(c, c->tls);
    if (!pipe)
        return GW_SPLICE_NOT;
    int res = fill_rx(c, pipe);
    c->rx.receive = res <= 0 && res != -EAGAIN;
    c->rx.told = res;
    if (pipe->bytes > 0) {
        c->rx.pipe = pipe;
        return GW_SPLICE_FILLED;
    }
    give_pipe(c, &pipe);
    if (c->rx.receive)
        return GW_SPLICE_NOT;
    c->rx.ready = false; /* poll reports when more arrives */
    return GW_SPLICE_WAITS;
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

/* ---- plain side to TLS side ---- */

int gw_splice_tx(struct gw_conn *c)
{
    bool promised = c->tx.promised;
    c->tx.promised = false;
    if (!tx_wanted(c))
        return GW_SPLICE_NOT;
    if (gw_leg_busy(c->plain, GW_OP_POLL))
        return GW_SPLICE_WAITS;
    struct gw_pipe *pipe = take_pipe(c, c->plain);
    if (!pipe)
        return GW_SPLICE_NOT;
    int res = gw_ring_pipe_fill(c->env->ring, pipe, c->plain->fd, GW_PIPE_BYTES);
    if (res > 0) {
        c->tx.pipe = pipe;
        return GW_SPLICE_FILLED;
    }
    give_pipe(c, &pipe);
    if (res == 0 || res == -EINVAL)
        return GW_SPLICE_NOT;
    /* polling would never change that (kernel-notes/splice-urgent.md) */
    if (res == -EAGAIN && promised)
        return GW_SPLICE_NOT;
    if (res != -EAGAIN)
        return res;
    gw_ring_poll(c->env->ring, gw_conn_begin(c, c->plain, GW_OP_POLL), c->plain->fd, POLLIN, false);
    return GW_SPLICE_WAITS;
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
int gw_splice_tx_send(struct gw_conn *c)
{
    c->tx.state = GW_TX_WRITE;
    c->send_owner = GW_SEND_DATA;
    uint32_t before = c->tx.pipe->bytes;
    int res = empty_pipe(c, c->tx.pipe, c->tls->fd, &c->rec.tx.records);
    if (gw_conn_is_in(c, GW_STEP_RELAY) && c->tx.pipe->bytes < before)
        c->moved_ns = c->env->now_ns;
    if (res != -EAGAIN)
        return res;
    await_tls_room(c);
    return GW_SEND_IN_FLIGHT;
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
    gw_splice_go_on_later(c, GW_EAGER_TX);
}
