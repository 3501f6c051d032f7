/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standing receives. Where small messages follow each other, most of the cost of a receive is its
 * request and the wait that begins anew. A standing receive takes all messages with one request to
 * the kernel, into snippets.
 *
 * Messages that arrive while their flow is busy with earlier ones are held. When too much is held,
 * or a message does not fit in a snippet, the receive is cancelled. Once it has ended and the held
 * bytes are read, the flow uses ordinary receives. That is the back-pressure.
 */
#include "gateway/conn/conn_private.h"

#include <errno.h>
#include <string.h>

enum {
    SMALL_IN_A_ROW = 3, /* small reads before a receive stands */
    HELD_MAX = 8,
};

void gw_standing_note(struct gw_leg *leg, size_t bytes)
{
    struct gw_standing *s = &leg->standing;
    bool small = leg->emptied && bytes < GW_SNIPPET_BYTES;
    s->small = small ? (uint8_t)GW_MIN(s->small + 1, SMALL_IN_A_ROW) : 0;
}

bool gw_standing_begin(struct gw_conn *c, struct gw_leg *leg)
{
    struct gw_standing *s = &leg->standing;
    if (s->small < SMALL_IN_A_ROW || !gw_ring_can_stand(c->env->ring))
        return false;
    *s = (struct gw_standing){.small = SMALL_IN_A_ROW};
    gw_ring_recv_standing(c->env->ring, gw_conn_begin(c, leg, GW_OP_STANDING), leg->fd);
    return true;
}

/* When the standing receive has ended, an ordinary one follows. */
static void stop(struct gw_standing *s)
{
    s->small = 0;
}

static void hold(struct gw_standing *s, struct gw_snippet *snippet)
{
    snippet->next = NULL;
    if (s->first)
        s->last->next = snippet;
    else
        s->first = snippet;
    s->last = snippet;
    s->held++;
    if (snippet->len == GW_SNIPPET_BYTES || s->held > HELD_MAX)
        stop(s);
}

static struct gw_snippet *pop(struct gw_standing *s)
{
    struct gw_snippet *snippet = s->first;
    s->first = snippet->next;
    s->held--;
    return snippet;
}

size_t gw_standing_take(struct gw_conn *c, struct gw_leg *leg, uint8_t *dst, size_t room)
{
    struct gw_standing *s = &leg->standing;
    size_t len = 0;
    while (s->first && s->first->len <= room - len) {
        struct gw_snippet *snippet = pop(s);
        memcpy(dst + len, snippet->data, snippet->len);
        len += snippet->len;
        gw_ring_snippet_give(c->env->ring, snippet);
    }
    return len;
}

void gw_standing_drop(struct gw_conn *c, struct gw_leg *leg)
{
    struct gw_standing *s = &leg->standing;
    while (s->first)
        gw_ring_snippet_give(c->env->ring, pop(s));
}

static void end_stream(struct gw_standing *s, int told)
{
    s->over = true;
    s->told = told;
}

/* Data that was there when the receive began may hide an end. */
static void look(struct gw_conn *c, struct gw_leg *leg)
{
    struct gw_standing *s = &leg->standing;
    int told = s->looked ? 1 : gw_ring_look(c->env->ring, leg->fd);
    s->looked = true;
    if (told > 0 || told == -EAGAIN)
        return;
    end_stream(s, told);
    stop(s);
}

void gw_standing_received(struct gw_conn *c, struct gw_leg *leg, const struct gw_completion *done,
                          bool wanted)
{
    struct gw_standing *s = &leg->standing;
    if (!wanted)
        gw_ring_completion_give(c->env->ring, done);
    else if (done->snippet)
        hold(s, done->snippet);
    if (done->more && wanted)
        look(c, leg);
    else if (done->res == -ENOBUFS)
        stop(s);
    else if (!done->more && done->res <= 0 && done->res != -ECANCELED && !s->over)
        end_stream(s, done->res);
}

void gw_standing_stop(struct gw_conn *c, struct gw_leg *leg, bool wanted)
{
    struct gw_standing *s = &leg->standing;
    if ((wanted && s->small > 0) || s->stopping || !gw_leg_busy(leg, GW_OP_STANDING))
        return;
    s->stopping = true;
    gw_ring_cancel(c->env->ring, gw_conn_token(c, leg, GW_OP_STANDING));
}
