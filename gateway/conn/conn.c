/* SPDX-License-Identifier: Apache-2.0 */
/* Accept, the dispatch of completions and timers, and the functions that both flows use. */
#include "gateway/conn/conn_private.h"

#include "gateway/base/clock.h"
#include "gateway/crypto/x25519_stock.h"

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

/* ---- dispatch ---- */

static void on_tls_recv(struct gw_conn *c, const struct gw_completion *done)
{
    if (c->step == GW_STEP_PREFACE)
        gw_opening_preface_received(c, done);
    else if (c->step == GW_STEP_HANDSHAKE)
        gw_opening_received(c, done);
    else if (c->step == GW_STEP_LINGER)
        gw_end_discarded(c, done);
    else
        gw_rx_received(c, done);
}

static void on_tls_send(struct gw_conn *c, const struct gw_completion *done)
{
    gw_send_sent(c, done->res);
}

static void on_tls_room(struct gw_conn *c, const struct gw_completion *done gw_unused)
{
    gw_send_room(c);
}

static void on_tls_poll(struct gw_conn *c, const struct gw_completion *done)
{
    gw_rx_polled(c, done);
    if (c->step == GW_STEP_LINGER)
        gw_end_discard(c);
}

static void on_tls_standing(struct gw_conn *c, const struct gw_completion *done)
{
    if (c->step == GW_STEP_LINGER)
        gw_end_discarded(c, done);
    else
        gw_rx_standing_received(c, done);
}

static void on_plain_send(struct gw_conn *c, const struct gw_completion *done)
{
    gw_rx_sent(c, done->res);
}

/* The next call returns any error. */
static void on_plain_room(struct gw_conn *c, const struct gw_completion *done gw_unused)
{
    gw_rx_room(c);
}

static void on_plain_poll(struct gw_conn *c, const struct gw_completion *done)
{
    gw_tx_polled(c, done->res);
}

static void on_connect(struct gw_conn *c, const struct gw_completion *done)
{
    gw_opening_connected(c, done->res);
}

typedef void completion_handler(struct gw_conn *c, const struct gw_completion *done);

static completion_handler *const tls_handlers[GW_OP_COUNT] = {
    [GW_OP_CONNECT] = on_connect, [GW_OP_RECV] = on_tls_recv, [GW_OP_SEND] = on_tls_send,
    [GW_OP_POLL] = on_tls_poll,   [GW_OP_ROOM] = on_tls_room, [GW_OP_STANDING] = on_tls_standing,
};

static completion_handler *const plain_handlers[GW_OP_COUNT] = {
    [GW_OP_CONNECT] = on_connect, [GW_OP_RECV] = gw_tx_received,
    [GW_OP_SEND] = on_plain_send, [GW_OP_POLL] = on_plain_poll,
    [GW_OP_ROOM] = on_plain_room, [GW_OP_STANDING] = gw_tx_standing_received,
};

/* A step of a handshake takes longer than everything else, so after a few of them pending sends go
 * out. The step may have consumed the last key. */
static void after_long_step(struct gw_conn_env *env)
{
    env->long_step = false;
    gw_ring_flush(env->ring);
    gw_x25519_stock_refill();
}

/* Every call into a connection ends with this one. The files below recorded what they found; here
 * it is acted on, until nothing is left to do. Only here may the connection be freed. */
static void leave(struct gw_conn *c)
{
    struct gw_conn_env *env = c->env;
    for (;;) {
        if (c->end.way)
            gw_end_perform(c);
        else if (gw_send_drive(c))
            gw_opening_flushed(c);
        else if (!c->end.way)
            break;
    }
    if (c->step == GW_STEP_HANDSHAKE)
        gw_opening_settle(c);
    else if (c->step == GW_STEP_LINGER || c->step == GW_STEP_DELIVER)
        gw_end_settle(c);
    if (c->step == GW_STEP_CLOSING)
        gw_end_try_free(c);
    else if (c->step == GW_STEP_LINGER || c->step == GW_STEP_DELIVER)
        gw_end_drop_sides(c);
    if (env->long_step)
        after_long_step(env);
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
    leave(c);
}

/* ---- timers ---- */

static void handshake_timer(struct gw_conn *c)
{
    gw_conn_end_now(c, GW_REASON_HANDSHAKE_TIMEOUT);
}

static void relay_timer(struct gw_conn *c)
{
    if (c->tickets && c->env->now_ns >= c->tickets_until_ns)
        gw_resume_end(c);
    bool half = c->rx.state == GW_RX_DONE || c->tx.state >= GW_TX_CLOSE;
    int64_t limit = gw_conn_silence_limit(c->service, half);
    int64_t left = c->moved_ns + limit - c->env->now_ns;
    if (limit > 0 && left <= 0) {
        gw_conn_end_with(c, half ? GW_REASON_CLOSE_TIMEOUT : GW_REASON_IDLE_TIMEOUT,
                         GW_ALERT_CLOSE_NOTIFY);
        return;
    }
    if (gw_tenure_over(c))
        return;
    if (c->tx.state == GW_TX_DRAIN)
        gw_tx_drain_look(c);
    if (gw_conn_is_in(c, GW_STEP_RELAY) && c->tx.state == GW_TX_DRAIN)
        gw_conn_wake_in(c, c->tx.look_ns - c->env->now_ns);
    int64_t next = gw_tenure_before(c, gw_resume_before(c, limit > 0 ? left : 0));
    if (gw_conn_is_in(c, GW_STEP_RELAY) && next > 0)
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
            gw_conn_read(c);
        else if (c->step == GW_STEP_RELAY)
            gw_rx_read(c);
        else if (c->step == GW_STEP_LINGER)
            gw_end_discard(c);
    }
    if (plain && c->step == GW_STEP_RELAY)
        gw_tx_read(c);
    leave(c);
}

/* Continues the flows that let all others go first. */
static void go_on(struct gw_conn *c)
{
    uint8_t flows = c->eager;
    c->eager = 0;
    gw_list_remove(&c->eager_node);
    if (flows & GW_EAGER_RX && c->rx.state == GW_RX_READ)
        gw_rx_read(c);
    if (flows & GW_EAGER_TX && c->tx.state == GW_TX_READ)
        gw_tx_read(c);
}

void gw_conn_turn(struct gw_conn_env *env)
{
    struct gw_timer *t;
    while ((t = gw_wheel_expire(&env->wheel, env->now_ns))) {
        struct gw_conn *c = gw_container_of(t, struct gw_conn, timer);
        timer_handlers[c->step](c);
        leave(c);
    }
    gw_recheck_some(env, leave);
    gw_rest_some(env);
    /* Connections that append themselves again wait until the next turn. */
    struct gw_list *last = env->eager.prev;
    for (struct gw_list *node = NULL; node != last && !gw_list_empty(&env->eager);) {
        node = env->eager.next;
        struct gw_conn *c = gw_container_of(node, struct gw_conn, eager_node);
        go_on(c);
        leave(c);
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
    leave(c);
}

void gw_conn_end_all(struct gw_conn_env *env)
{
    for (uint32_t slot = 0; slot < env->pool.limit; slot++) {
        struct gw_conn *c = gw_pool_find(&env->pool, slot, gw_pool_generation(&env->pool, slot));
        if (!c)
            continue;
        if (c->step == GW_STEP_HANDSHAKE)
            gw_conn_end_now(c, GW_REASON_SHUTDOWN);
        else
            gw_conn_end_with(c, GW_REASON_SHUTDOWN, GW_ALERT_CLOSE_NOTIFY);
        if (c->end.way)
            gw_end_perform(c);
        gw_end_hurry(c);
        leave(c);
    }
}
