/* SPDX-License-Identifier: Apache-2.0 */
/* One leg of a connection with a standing receive, step by step. */
#include "gateway/conn/conn_private.h"

#include "gateway/ring/token.h"
#include "tests/model/ring_fake.h"
#include "tests/model/ring_fake_private.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    SEEDS = 40,
    MANY = 64,
};

struct fixture {
    struct gw_conn_env env;
    struct gw_conn conn;
    struct gw_service service;
};

static int no_connect(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    return 1;
}

static void no_close(void *arg, int fd, bool reset)
{
    (void)arg;
    (void)fd;
    (void)reset;
}

static void note(struct gw_leg *leg, size_t bytes, bool emptied)
{
    leg->emptied = emptied;
    gw_standing_note(leg, bytes);
}

/* A connection amid its relay that sends in both directions. */
static struct fixture *begin(uint64_t seed)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gw_fake_config config = {
        .seed = seed,
        .max_buffers = 4,
        .prompt = true,
        .on_connect = no_connect,
        .on_close = no_close,
    };
    assert_non_null(f);
    f->env.ring = gw_fake_new(&config);
    f->conn = (struct gw_conn){
        .env = &f->env,
        .service = &f->service,
        .step = GW_STEP_RELAY,
        .leg = {{.fd = gw_fake_accept(f->env.ring)},
                {.fd = gw_fake_accept(f->env.ring), .side = GW_BACK}},
        .tls = &f->conn.leg[GW_FRONT],
        .plain = &f->conn.leg[GW_BACK],
        .alert = -1,
        .rx.state = GW_RX_WRITE,
        .tx.state = GW_TX_WRITE,
    };
    gw_list_init(&f->conn.starved_node);
    gw_list_init(&f->conn.eager_node);
    for (enum gw_side side = 0; side < GW_SIDES; side++)
        for (int i = 0; i < 3; i++)
            note(&f->conn.leg[side], 1, true);
    return f;
}

static void deliver(void *arg, const struct gw_completion *done)
{
    struct gw_conn *c = arg;
    if (!done->more)
        c->leg[done->token.leg].in_flight &= (uint16_t) ~(1U << done->token.op);
    bool of_tls = done->token.leg == c->tls->side;
    if (of_tls && (done->token.op == GW_OP_RECV || c->step == GW_STEP_LINGER))
        gw_end_discarded(c, done);
    else if (of_tls)
        gw_rx_standing_received(c, done);
    else
        gw_tx_standing_received(c, done);
}

static void turn(struct fixture *f)
{
    assert_int_equal(gw_ring_wait(f->env.ring, 0, deliver, &f->conn), 0);
}

static void end(struct fixture *f)
{
    struct gw_conn *c = &f->conn;
    for (enum gw_side side = 0; side < GW_SIDES; side++)
        gw_standing_drop(c, &c->leg[side]);
    c->step = GW_STEP_CLOSING;
    gw_conn_cancel(c, c->tls, ~0U);
    gw_conn_cancel(c, c->plain, ~0U);
    for (int turns = 0; c->tls->in_flight | c->plain->in_flight && turns < MANY; turns++)
        turn(f);
    int fds[] = {c->tls->fd, c->plain->fd};
    for (int i = 0; i < 2; i++) {
        gw_fake_peer_release(f->env.ring, fds[i]);
        gw_ring_close(f->env.ring, &fds[i]);
    }
    gw_fake_free(f->env.ring); /* every snippet came back */
    free(f);
}

/* Messages of one byte until the receive is over; their number. */
static uint8_t talk(struct fixture *f, struct gw_leg *leg)
{
    uint8_t sent = 0;
    assert_true(gw_standing_begin(&f->conn, leg));
    while (gw_leg_busy(leg, GW_OP_STANDING) && sent < MANY) {
        gw_fake_peer_send(f->env.ring, leg->fd, &sent, 1);
        sent++;
        turn(f);
    }
    return sent;
}

/* One small read may be the head of something large. */
static void few_small_reads_do_not_begin_it(void **state)
{
    (void)state;
    struct fixture *f = begin(1);
    struct gw_conn *c = &f->conn;
    note(c->tls, GW_SNIPPET_BYTES, true);
    assert_false(gw_standing_begin(c, c->tls));
    for (int i = 0; i < 2; i++)
        note(c->tls, 1, true);
    assert_false(gw_standing_begin(c, c->tls));
    note(c->tls, 1, false);
    for (int i = 0; i < 2; i++)
        note(c->tls, 1, true);
    assert_false(gw_standing_begin(c, c->tls));
    note(c->tls, 1, true);
    assert_true(gw_standing_begin(c, c->tls));
    end(f);
}

/* Without snippets the next receive is another one. */
static void without_snippets_it_does_not_begin_again(void **state)
{
    (void)state;
    struct fixture *f = begin(1);
    struct gw_conn *c = &f->conn;
    assert_true(gw_standing_begin(c, c->tls));
    c->tls->in_flight = 0;
    const struct gw_completion refused = {
        .token = gw_conn_token(c, c->tls, GW_OP_STANDING),
        .res = -ENOBUFS,
    };
    gw_standing_received(c, c->tls, &refused, true);
    assert_false(gw_standing_begin(c, c->tls));
    c->tls->in_flight = 1U << GW_OP_STANDING; /* the double's is still there */
    end(f);
}

/* A flow that cannot go on takes a few messages and leaves the rest to TCP. */
static void held_messages_stop_it(void **state)
{
    (void)state;
    size_t most[GW_SIDES] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (enum gw_side side = 0; side < GW_SIDES; side++) {
            struct fixture *f = begin(seed);
            uint8_t bytes[MANY];
            uint8_t sent = talk(f, &f->conn.leg[side]);
            size_t len = gw_standing_take(&f->conn, &f->conn.leg[side], bytes, sizeof(bytes));
            assert_in_range(len, 1, sent);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(bytes[i], i);
            assert_int_equal(gw_standing_take(&f->conn, &f->conn.leg[side], bytes, sizeof(bytes)),
                             0);
            most[side] = GW_MAX(most[side], len);
            end(f);
        }
    }
    for (enum gw_side side = 0; side < GW_SIDES; side++)
        assert_in_range(most[side], 9, 12); /* eight, and what came before it was cancelled */
}

static void take_leaves_what_does_not_fit(void **state)
{
    (void)state;
    struct fixture *f = begin(1);
    uint8_t bytes[GW_SNIPPET_BYTES] = {1, 2};
    assert_true(gw_standing_begin(&f->conn, f->conn.tls));
    size_t held = 0;
    for (int i = 0; i < MANY && gw_leg_busy(f->conn.tls, GW_OP_STANDING); i++) {
        gw_fake_peer_send(f->env.ring, f->conn.tls->fd, bytes, 2);
        turn(f);
    }
    while (gw_standing_take(&f->conn, f->conn.tls, bytes, 2) > 0)
        held++;
    assert_true(held > 0);
    assert_int_equal(gw_standing_take(&f->conn, f->conn.tls, bytes, 2), 0);
    end(f);
}

/* Much at once is for other receives. */
static void a_full_snippet_stops_it(void **state)
{
    (void)state;
    static const uint8_t much[GW_SNIPPET_BYTES * 4];
    unsigned stopped = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture *f = begin(seed);
        assert_true(gw_standing_begin(&f->conn, f->conn.plain));
        gw_fake_peer_send(f->env.ring, f->conn.plain->fd, much, sizeof(much));
        for (int turns = 0; turns < MANY && gw_leg_busy(f->conn.plain, GW_OP_STANDING); turns++)
            turn(f);
        assert_false(gw_leg_busy(f->conn.plain, GW_OP_STANDING));
        stopped += f->conn.plain->standing.small == 0;
        end(f);
    }
    assert_true(stopped > SEEDS / 2);
}

/* Behind close_notify nothing is kept. */
static void what_nobody_reads_is_given_back(void **state)
{
    (void)state;
    struct fixture *f = begin(3);
    f->conn.rx.state = GW_RX_DONE;
    (void)talk(f, f->conn.tls);
    assert_false(gw_leg_busy(f->conn.tls, GW_OP_STANDING));
    assert_int_equal(f->env.ring->snippets.free_count, GW_SNIPPETS);
    end(f);
}

/* A reset stays one, also when it was met by the look for it. */
static void an_error_is_told_as_itself(void **state)
{
    (void)state;
    unsigned hidden = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture *f = begin(seed);
        gw_fake_peer_send(f->env.ring, f->conn.tls->fd, "x", 1);
        gw_fake_peer_reset(f->env.ring, f->conn.tls->fd);
        assert_true(gw_standing_begin(&f->conn, f->conn.tls));
        for (int turns = 0; turns < MANY && gw_leg_busy(f->conn.tls, GW_OP_STANDING); turns++)
            turn(f);
        bool ended_by_kernel = !f->conn.tls->standing.over;
        if (!ended_by_kernel)
            assert_int_equal(f->conn.tls->standing.told, -ECONNRESET);
        hidden += gw_fake_hidden(f->env.ring) > 0 && !ended_by_kernel;
        end(f);
    }
    assert_true(hidden > SEEDS / 2);
}

/* The alert is on its way: what the client still sends must be read, else it meets a reset. */
static void lingering_reads_on_after_the_cancel(void **state)
{
    (void)state;
    struct fixture *f = begin(5);
    struct gw_conn *c = &f->conn;
    assert_true(gw_standing_begin(c, c->tls));
    c->step = GW_STEP_LINGER;
    c->rx.state = GW_RX_DISCARD;
    gw_ring_cancel(f->env.ring, gw_conn_token(c, c->tls, GW_OP_STANDING));
    for (int turns = 0; turns < MANY && gw_leg_busy(c->tls, GW_OP_STANDING); turns++)
        turn(f);
    assert_int_equal(c->rx.state, GW_RX_DISCARD);
    assert_true(gw_leg_busy(c->tls, GW_OP_RECV));
    c->rx.state = GW_RX_DONE;
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_small_reads_do_not_begin_it),
        cmocka_unit_test(without_snippets_it_does_not_begin_again),
        cmocka_unit_test(held_messages_stop_it),
        cmocka_unit_test(take_leaves_what_does_not_fit),
        cmocka_unit_test(a_full_snippet_stops_it),
        cmocka_unit_test(what_nobody_reads_is_given_back),
        cmocka_unit_test(an_error_is_told_as_itself),
        cmocka_unit_test(lingering_reads_on_after_the_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
