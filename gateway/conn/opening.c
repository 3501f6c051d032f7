/* SPDX-License-Identifier: Apache-2.0 */
/* From accept to relay: handshake, authorization, connection to the target, handover of the keys;
 * in the order of the connection's role. */
#include "gateway/conn/conn_private.h"

#include "gateway/base/sockaddr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- authorization ---- */

static bool allows(void *arg, const struct gw_identity *id)
{
    return gw_terms_judge(arg, id).pass;
}

/* The kind of unusable name that a rule refuses, as a bit. 0: none does. */
static unsigned find_deciding(const struct gw_conn *c, const struct gw_identity *id)
{
    return id->unusable.count ? gw_terms_judge(c->terms, id).doubt : 0;
}

/* `deciding`: gw_note_new. False without memory. */
static bool note_peer(struct gw_conn *c, const struct gw_identity *id, unsigned deciding)
{
    struct gw_handshake_holder holder;
    if (c->note || !gw_handshake_get_holder(c->hs, &holder))
        return true;
    c->note = gw_note_new(id, &holder, deciding);
    return c->note;
}

/* NONE: the peer may pass, and the PROXY header for the backend is ready. */
static enum gw_reason judge_identity(struct gw_conn *c, const struct gw_identity *id)
{
    enum gw_reason refused = gw_authorize(c, c->terms, id);
    if (!refused)
        refused = gw_recheck_keep(c, id);
    return refused || c->service->role == GW_ROLE_CLIENT ? refused : gw_announce_make(c, id);
}

static enum gw_reason judge_peer(struct gw_conn *c)
{
    struct gw_identity id;
    enum gw_reason refused = GW_REASON_CERT_INVALID;
    bool read = gw_handshake_identity(c->hs, &id);
    if (!note_peer(c, &id, read ? find_deciding(c, &id) : 0))
        refused = GW_REASON_NO_MEMORY;
    else if (read)
        refused = judge_identity(c, &id);
    else
        gw_facts_set(&c->facts, GW_FACT_DETAIL, "its alternative names cannot be read");
    gw_identity_done(&id);
    return refused;
}

/* ---- which engine ---- */

/* NULL: the kernel can run the records; else why not. */
static const char *why_user_engine(const struct gw_conn *c)
{
    const struct ktls_suite *suite = c->rec.tx.keys.suite;
    const struct ktls_probe *probe = c->env->ktls;
    unsigned version = suite->version == KTLS_TLS_1_3;
    if (c->service->records == GW_RECORDS_USER)
        return "asked for";
    if (!probe->attach.works)
        return "no tls in the kernel";
    if (!c->attached)
        return "the kernel did not attach tls to the socket";
    if (!probe->tx[version][suite->cipher].works || !probe->rx[version][suite->cipher].works)
        return "the kernel lacks the cipher";
    if (version && !probe->rekey.works && c->service->ktls_without_rekey == GW_WITHOUT_REKEY_DENY)
        return "the kernel cannot change TLS 1.3 keys";
    return NULL;
}

/* Whether the kernel, which could run this flow, should do so. */
static bool kernel_pays(const struct gw_conn *c, enum gw_flow flow)
{
    const struct ktls_suite *suite = c->rec.tx.keys.suite;
    if (c->service->records != GW_RECORDS_MEASURED || !gw_choice_covers(suite->cipher))
        return true;
    return c->env->choice.kernel[c->service->relay][gw_record_is_tls13(&c->rec)][flow];
}

/* False when the connection ends here: --records kernel permits no other engine. */
static bool choose_engine(struct gw_conn *c)
{
    const char *why = why_user_engine(c);
    c->want_kernel_rx = !why && kernel_pays(c, GW_FLOW_RX);
    c->want_kernel_tx = !why && kernel_pays(c, GW_FLOW_TX);
    bool slower = !why && !(c->want_kernel_rx && c->want_kernel_tx);
    gw_facts_set(&c->facts, GW_FACT_ENGINE_WHY, slower ? "measured slower" : why);
    if (!why || c->service->records != GW_RECORDS_KERNEL)
        return true;
    gw_conn_end_with(c, GW_REASON_KERNEL_KEYS, GW_ALERT_INTERNAL_ERROR);
    return false;
}

/* Moves TX to the kernel, once nothing sealed in userspace is left to send. */
static void move_tx(struct gw_conn *c)
{
    if (!c->want_kernel_tx)
        return;
    c->want_kernel_tx = false;
    int error = gw_ring_ktls_install(c->env->ring, c->tls->fd, KTLS_TX, &c->rec.tx.keys);
    if (error)
        gw_conn_kernel_refused(c, "TX", error);
    else
        gw_record_moved(&c->rec.tx);
}

/* ---- connect ---- */

/* A stream that did not end properly must not look complete to the plain side. So from the start
 * its close sends RST, not FIN, even if this process is killed; rx.c reverts that. */
static void guard_plain(struct gw_conn *c, const struct gw_leg *leg)
{
    if (leg == c->plain)
        gw_ring_abort_on_close(c->env->ring, c->plain->fd, true);
}

static void connect_next(struct gw_conn *c)
{
    const struct gw_target *target = &c->service->target;
    const struct gw_address *addr = &target->addrs[c->target_at];
    int fd = gw_ring_socket(c->env->ring, addr->addr.ss_family);
    if (fd < 0) {
        gw_facts_set(&c->facts, GW_FACT_DETAIL, strerror(-fd));
        gw_conn_end_with(c, GW_REASON_NO_MEMORY, GW_ALERT_INTERNAL_ERROR);
        return;
    }
    c->leg[GW_BACK].fd = fd;
    guard_plain(c, &c->leg[GW_BACK]);
    c->connect_timed_out = false;
    gw_conn_set_timer(c, c->service->connect_timeout_ns);
    gw_ring_connect(c->env->ring, gw_conn_begin(c, &c->leg[GW_BACK], GW_OP_CONNECT), fd,
                    (const struct sockaddr *)&addr->addr, addr->len);
}

static enum gw_reason connect_reason(const struct gw_conn *c, int res)
{
    if (c->connect_timed_out || res == -ETIMEDOUT)
        return GW_REASON_BACKEND_TIMEOUT;
    return res == -ECONNREFUSED ? GW_REASON_BACKEND_REFUSED : GW_REASON_BACKEND_UNREACHABLE;
}

void gw_opening_connected(struct gw_conn *c, int res)
{
    if (c->step != GW_STEP_CONNECT)
        return;
    if (res == 0 && !c->connect_timed_out) {
        gw_opening_next(c);
        return;
    }
    gw_ring_close(c->env->ring, &c->leg[GW_BACK].fd);
    if (++c->target_at < c->service->target.addr_count) {
        connect_next(c);
        return;
    }
    if (!c->connect_timed_out)
        gw_facts_set(&c->facts, GW_FACT_DETAIL, strerror(-res));
    gw_conn_end_with(c, connect_reason(c, res), GW_ALERT_INTERNAL_ERROR);
}

void gw_opening_connect_timeout(struct gw_conn *c)
{
    c->connect_timed_out = true;
    gw_ring_cancel(c->env->ring, gw_conn_token(c, &c->leg[GW_BACK], GW_OP_CONNECT));
}

/* ---- handshake ---- */

static void take_verdict(struct gw_conn *c, enum gw_handshake_verdict verdict);

/* Nanoseconds left for the handshake. A client's time counts from accept. */
static int64_t handshake_left(const struct gw_conn *c)
{
    int64_t began = c->service->role == GW_ROLE_SERVER ? c->began_ns : c->env->now_ns;
    return began + c->service->handshake_timeout_ns - c->env->now_ns;
}

/* False when the connection ends here. */
static bool make_handshake(struct gw_conn *c)
{
    c->terms = gw_terms_hold(c->env->terms[c->service_index]);
    bool asked = c->service->role == GW_ROLE_SERVER || gw_terms_ask_names(c->terms);
    c->hs = gw_handshake_new(c->terms->tls, asked ? allows : NULL, c->terms);
    if (!c->hs)
        gw_conn_end_now(c, GW_REASON_NO_MEMORY);
    return c->hs != NULL;
}

/* A silent client costs no more than its socket. */
static void begin_handshake(struct gw_conn *c)
{
    c->handshaking = true;
    gw_stats_add(c->env->stats, GW_COUNTER_HANDSHAKING, 1);
    c->moved_ns = c->env->now_ns;
    gw_conn_attach(c);
    gw_conn_set_timer(c, handshake_left(c));
    if (c->service->role == GW_ROLE_SERVER && c->rx.start == c->rx.end)
        return; /* gw_opening_settle reads */
    if (!make_handshake(c))
        return;
    enum gw_handshake_verdict verdict = gw_handshake_begin(c->hs);
    uint32_t at = c->rx.start;
    uint32_t len = c->rx.end - at;
    c->rx.start = c->rx.end = 0;
    if (len > 0) /* bytes that followed a PROXY header */
        verdict = gw_handshake_input(c->hs, c->rx.buf->data + at, len);
    take_verdict(c, verdict);
}

static void note_failure(struct gw_conn *c)
{
    struct gw_handshake_info info;
    struct gw_identity id;
    gw_handshake_get_info(c->hs, &info);
    gw_facts_set(&c->facts, GW_FACT_SNI, info.sni);
    gw_facts_set(&c->facts, GW_FACT_DETAIL, gw_handshake_detail(c->hs));
    (void)!gw_handshake_identity(c->hs, &id);
    (void)note_peer(c, &id, 0);
    gw_identity_done(&id);
}

static void note_handshake(struct gw_conn *c)
{
    struct gw_handshake_info info;
    gw_handshake_get_info(c->hs, &info);
    gw_facts_set(&c->facts, GW_FACT_VERSION, info.version);
    gw_facts_set(&c->facts, GW_FACT_SUITE, info.suite);
    gw_facts_set(&c->facts, GW_FACT_GROUP, info.group);
    gw_facts_set(&c->facts, GW_FACT_SNI, info.sni);
    gw_facts_set(&c->facts, GW_FACT_ALPN, info.alpn);
    c->facts.resumed = info.resumed;
    int64_t us = (c->env->now_ns - c->moved_ns) / 1000;
    c->facts.handshake_us = (uint32_t)GW_MIN(GW_MAX(us, (int64_t)1), (int64_t)UINT32_MAX);
    gw_stats_add(c->env->stats,
                 info.resumed ? GW_COUNTER_HANDSHAKES_RESUMED : GW_COUNTER_HANDSHAKES_FULL, 1);
    gw_stats_add(c->env->stats, GW_COUNTER_CRL_TOLERATED, info.crl_tolerated);
}

/* Hands the keys to the record layer, and the bytes that followed the peer's Finished. NONE on
 * success. */
static enum gw_reason hand_over(struct gw_conn *c)
{
    struct gw_handover_keys keys;
    if (gw_handshake_keys(c->hs, &keys)) {
        enum gw_reason broken = gw_handshake_reason(c->hs); /* its tickets changed that */
        return broken ? broken : GW_REASON_INTERNAL;
    }
    if (gw_record_init(&c->rec, &keys)) {
        gw_record_done(&c->rec);
        return GW_REASON_NO_MEMORY;
    }
    c->has_record = true;
    c->rec.kernel_rekeys = c->env->ktls->rekey.works;
    gw_record_rekey_after(&c->rec, c->service->rekey_after);
    size_t room = GW_BUFFER_BYTES - GW_BUFFER_FRONT;
    c->rx.start = GW_BUFFER_FRONT;
    c->rx.end =
        c->rx.start + (uint32_t)gw_handshake_unread(c->hs, c->rx.buf->data + c->rx.start, room);
    if (c->rx.start == c->rx.end)
        gw_conn_give_buffer(c, &c->rx.buf);
    return GW_REASON_NONE;
}

static void handshake_done(struct gw_conn *c)
{
    gw_conn_left_handshake(c);
    note_handshake(c);
    enum gw_reason refused = judge_peer(c);
    if (!refused)
        gw_stats_add(c->env->stats, GW_COUNTER_TICKETS_SENT, gw_handshake_tickets(c->hs));
    enum gw_reason broken = hand_over(c);
    if (broken) {
        gw_conn_end_now(c, broken);
        return;
    }
    if (refused) {
        gw_conn_end_with(c, refused, gw_authorize_alert(refused));
        return;
    }
    if (!choose_engine(c))
        return;
    gw_opening_next(c);
}

static void go_on(struct gw_conn *c, enum gw_handshake_verdict verdict)
{
    if (verdict == GW_HANDSHAKE_DONE) {
        handshake_done(c);
        return;
    }
    gw_conn_give_buffer(c, &c->rx.buf);
    if (verdict == GW_HANDSHAKE_FAILED) {
        note_failure(c);
        gw_conn_end_handshake(c, gw_handshake_reason(c->hs));
    }
}

/* Handles one step of a handshake. */
static void take_verdict(struct gw_conn *c, enum gw_handshake_verdict verdict)
{
    if (verdict != GW_HANDSHAKE_MORE)
        gw_authorize_log_notes(c->terms);
    go_on(c, verdict);
    c->env->long_step = true;
}

/* Output is only valid until the next input, so input and output alternate. */
void gw_opening_settle(struct gw_conn *c)
{
    bool busy = gw_leg_busy(c->tls, GW_OP_SEND) || gw_leg_busy(c->tls, GW_OP_RECV);
    if (gw_conn_is_in(c, GW_STEP_HANDSHAKE) && !busy && !c->tls->starved)
        gw_conn_read(c);
}

void gw_opening_received(struct gw_conn *c, const struct gw_completion *done)
{
    if (done->res == -ENOBUFS) {
        gw_conn_starve(c, c->tls);
        return;
    }
    if (done->res <= 0) {
        gw_conn_end_now(c, done->res == 0 ? GW_REASON_HANDSHAKE_CLOSED : GW_REASON_HANDSHAKE_RESET);
        return;
    }
    c->rx.buf = done->buf;
    if (!c->hs && !make_handshake(c))
        return;
    const uint8_t *data = done->buf->data + GW_BUFFER_FRONT;
    take_verdict(c, gw_handshake_input(c->hs, data, (size_t)done->res));
}

/* ---- the last bytes of the handshake, then the relay ---- */

static void begin_flush(struct gw_conn *c)
{
    if (c->hs)
        gw_conn_set_timer(c, c->service->handshake_timeout_ns);
    else
        gw_opening_next(c);
}

void gw_opening_flushed(struct gw_conn *c)
{
    gw_resume_begin(c);
    if (!c->has_record) { /* a failed handshake: its alert is out */
        gw_tx_alert_sent(c);
        return;
    }
    if (c->step != GW_STEP_CONNECT && c->step != GW_STEP_FLUSH)
        return;
    move_tx(c);
    if (gw_conn_is_in(c, GW_STEP_FLUSH))
        gw_opening_next(c);
}

static void begin_relay(struct gw_conn *c)
{
    c->moved_ns = c->env->now_ns;
    gw_timer_clear(&c->env->wheel, &c->timer);
    if (gw_tenure_over(c))
        return;
    int64_t first = gw_tenure_before(c, gw_resume_before(c, c->service->idle_timeout_ns));
    if (first > 0)
        gw_conn_set_timer(c, first);
    gw_tx_read(c);
    if (gw_conn_is_in(c, GW_STEP_RELAY)) /* a splice may have failed at once */
        gw_rx_begin(c);
}

/* ---- the order of the steps ---- */

static void begin_preface(struct gw_conn *c)
{
    if (gw_preface_begin(c))
        gw_opening_next(c);
}

void gw_opening_preface_received(struct gw_conn *c, const struct gw_completion *done)
{
    if (gw_preface_received(c, done))
        gw_opening_next(c);
}

enum {
    OPENING_STEPS = 5
};

static const enum gw_step orders[GW_ROLE_COUNT][OPENING_STEPS] = {
    [GW_ROLE_SERVER] = {GW_STEP_PREFACE, GW_STEP_HANDSHAKE, GW_STEP_CONNECT, GW_STEP_FLUSH,
                        GW_STEP_RELAY},
    [GW_ROLE_CLIENT] = {GW_STEP_CONNECT, GW_STEP_HANDSHAKE, GW_STEP_FLUSH, GW_STEP_RELAY},
};

static void (*const entries[GW_STEP_COUNT])(struct gw_conn *c) = {
    [GW_STEP_PREFACE] = begin_preface, [GW_STEP_HANDSHAKE] = begin_handshake,
    [GW_STEP_CONNECT] = connect_next,  [GW_STEP_FLUSH] = begin_flush,
    [GW_STEP_RELAY] = begin_relay,
};

void gw_opening_next(struct gw_conn *c)
{
    const enum gw_step *order = orders[c->service->role];
    unsigned at = 0;
    while (order[at] != c->step)
        gw_require(++at < OPENING_STEPS - 1);
    c->step = order[at + 1];
    entries[c->step](c);
}

void gw_opening_begin(struct gw_conn *c)
{
    struct sockaddr_storage peer;
    char client[GW_CONN_CLIENT_SIZE];
    gw_ring_addresses(c->env->ring, c->leg[GW_FRONT].fd, &peer, NULL);
    gw_sockaddr_print(&peer, client, sizeof(client));
    gw_facts_set(&c->facts, GW_FACT_CLIENT, client);
    c->facts.id = c->env->next_id;
    c->env->next_id += c->env->worker_count;
    guard_plain(c, &c->leg[GW_FRONT]);
    c->step = orders[c->service->role][0];
    entries[c->step](c);
}
