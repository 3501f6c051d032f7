/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections against doubles of the ring and of the kernel's TLS: TLS clients in memory, backends
 * that check every byte, and for each connection a plan of how it goes wrong. Over many events, in
 * any order of completions: each connection ends once, with a reason that its plan allows, and its
 * client gets the right alert; bytes keep their order, and all arrive where the streams ended
 * properly; nothing stays in flight; no buffer and no descriptor is lost.
 *
 * Most handshakes follow a script (script.h), a few are libssl's at both ends. GW_MODEL_EVENTS and
 * GW_MODEL_SEED choose length and run, an argument the variant; the same values give the same run.
 */
#include "tests/model/model.h"

#include "gateway/record/aead.h"
#include "gateway/tls/context.h"
#include "tests/model/handshake_fake.h"
#include "tests/model/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REAL_ONE_IN = 24, /* connections whose handshake is libssl's */
    QUIET_TURNS = 8,  /* without a completion, before the clock is put forward */
};

#define R(id) (UINT64_C(1) << GW_REASON_##id)

/* One row a plan: which reasons may come of it, and what must be so at its end. */
static const struct {
    const char *word;
    uint64_t reasons;
    bool complete; /* with reason FINISHED both streams must have arrived whole */
    int alert;     /* what the client must have received */
} plans[PLAN_COUNT] = {
    [PLAN_FINISH] = {"finish", R(FINISHED), true, GW_ALERT_CLOSE_NOTIFY},
    [PLAN_CLIENT_FIRST] = {"client-first", R(FINISHED), true, GW_ALERT_CLOSE_NOTIFY},
    [PLAN_BACKEND_FIRST] = {"backend-first", R(FINISHED), true, GW_ALERT_CLOSE_NOTIFY},
    [PLAN_JUST_CLOSES] = {"just-closes", R(FINISHED), true, GW_ALERT_CLOSE_NOTIFY},
    [PLAN_ODD_RECORDS] = {"odd-records", R(FINISHED), true, GW_ALERT_CLOSE_NOTIFY},
    [PLAN_UPDATES] = {"updates", R(FINISHED), true, GW_ALERT_CLOSE_NOTIFY},
    [PLAN_TRUNCATE] = {"truncate", R(CLIENT_TRUNCATED) | R(HANDSHAKE_CLOSED) | R(FINISHED), false,
                       NO_ALERT},
    [PLAN_CLIENT_RESET] = {"client-reset", R(CLIENT_RESET) | R(HANDSHAKE_RESET) | R(FINISHED),
                           false, NO_ALERT},
    [PLAN_BACKEND_RESET] = {"backend-reset", R(BACKEND_RESET) | R(FINISHED), false,
                            GW_ALERT_INTERNAL_ERROR},
    [PLAN_REFUSED] = {"refused", R(BACKEND_REFUSED), false, GW_ALERT_INTERNAL_ERROR},
    [PLAN_BACKEND_SILENT] = {"backend-silent", R(BACKEND_TIMEOUT), false, GW_ALERT_INTERNAL_ERROR},
    [PLAN_STALL] = {"stall", R(HANDSHAKE_TIMEOUT), false, NO_ALERT},
    [PLAN_HANDSHAKE_CLOSE] = {"handshake-close", R(HANDSHAKE_CLOSED), false, NO_ALERT},
    [PLAN_IDLE] = {"idle", R(IDLE_TIMEOUT), false, GW_ALERT_CLOSE_NOTIFY},
    [PLAN_GARBAGE] = {"garbage", R(RECORD_BAD_MAC), false, GW_ALERT_BAD_RECORD_MAC},
    [PLAN_NOT_TLS] = {"not-tls",
                      R(HANDSHAKE_NOT_TLS) | R(HANDSHAKE_HTTP) | R(HANDSHAKE_PROTOCOL) |
                          R(PROXY_HEADER),
                      false, NO_ALERT},
    [PLAN_NOT_ALLOWED] = {"not-allowed", R(NOT_ALLOWED), false, GW_ALERT_ACCESS_DENIED},
    /* In the client role the target requires one, and sends an alert. */
    [PLAN_NO_CERT] = {"no-cert", R(CERT_MISSING) | R(HANDSHAKE_ALERT) | R(CLIENT_ALERT), false,
                      NO_ALERT},
};

/* ---- what the gateway does ---- */

static struct peer *of_fd(struct model *m, int fd, bool *ret_client)
{
    for (int i = 0; i < CONNS; i++) {
        struct peer *p = &m->peers[i];
        bool client = p->used && !p->client_closed && p->client_fd == fd;
        bool backend = p->used && !p->backend_closed && p->backend_fd == fd;
        if (!client && !backend)
            continue;
        *ret_client = client;
        return p;
    }
    return NULL;
}

/* What comes of a connect; of the first of two addresses often nothing. */
static int connect_result(const struct model *m, const struct peer *p)
{
    static const int first[] = {0, -ECONNREFUSED, -EHOSTUNREACH, 1};
    if (p->plan == PLAN_REFUSED)
        return -ECONNREFUSED;
    if (p->plan == PLAN_BACKEND_SILENT)
        return 1;
    bool last = p->attempts == m->services[p->service].target.addr_count;
    return last ? 0 : first[p->seed % GW_ARRAY_SIZE(first)];
}

/* The gateway's socket to the target, perhaps instead of one that led nowhere. */
static void take_target(struct model *m, struct peer *p, int fd)
{
    bool out = role_of(p) == GW_ROLE_CLIENT;
    int *mine = out ? &p->client_fd : &p->backend_fd;
    if (*mine != NO_FD) {
        assert_true(out ? p->client_closed : p->backend_closed);
        gw_fake_peer_release(m->ring, *mine);
    }
    *mine = fd;
    if (out)
        p->client_closed = false;
    else
        p->backend_closed = p->backend_reset = false;
}

/* Only the connection itself knows which socket it is. */
static int on_connect(void *arg, int fd)
{
    struct model *m = arg;
    for (uint32_t slot = 0; slot < m->env.pool.limit; slot++) {
        const struct gw_conn *c =
            gw_pool_find(&m->env.pool, slot, gw_pool_generation(&m->env.pool, slot));
        bool out = c && c->service->role == GW_ROLE_CLIENT;
        if (!c || (out ? c->tls->fd : c->plain->fd) != fd)
            continue;
        bool is_client = false;
        struct peer *p = of_fd(m, out ? c->plain->fd : c->tls->fd, &is_client);
        assert_non_null(p);
        assert_true(out || (p->plan != PLAN_NOT_ALLOWED && p->plan != PLAN_NO_CERT));
        take_target(m, p, fd);
        p->attempts++;
        int result = connect_result(m, p);
        p->target_up = result == 0;
        return result;
    }
    fail_msg("a socket of no connection connects");
    return 0;
}

static void on_close(void *arg, int fd, bool reset)
{
    bool is_client = false;
    struct peer *p = of_fd(arg, fd, &is_client);
    assert_non_null(p);
    if (is_client) {
        assert_false(p->client_closed);
        p->client_closed = true;
    } else {
        assert_false(p->backend_closed);
        p->backend_closed = true;
        p->backend_reset = reset;
    }
}

static const struct gw_conn *conn_of_fd(const struct model *m, int fd)
{
    for (uint32_t slot = 0; slot < m->env.pool.limit; slot++) {
        const struct gw_conn *c =
            gw_pool_find(&m->env.pool, slot, gw_pool_generation(&m->env.pool, slot));
        if (c && c->tls->fd == fd)
            return c;
    }
    fail_msg("a socket of no connection");
    return NULL;
}

static void on_refused(void *arg, int fd, int direction)
{
    struct model *m = arg;
    bool is_client = false;
    struct peer *p = of_fd(m, fd, &is_client);
    const struct gw_conn *c = conn_of_fd(m, fd);
    assert_non_null(p);
    bool *refused = direction == KTLS_TX ? &p->tx_refused : &p->rx_refused;
    assert_false(*refused);
    *refused = true;
    /* Such a connection has no further key, but that of a KeyUpdate which was on its way. */
    if (p->tx_refused && p->rx_refused) {
        assert_true(direction == KTLS_TX && c->reason != GW_REASON_NONE);
        return;
    }
    p->refused_late = c->reason != GW_REASON_NONE;
    m->refused[direction == KTLS_TX] += !p->refused_late;
}

static void on_turned_away(void *arg, enum gw_reason reason)
{
    (void)arg;
    (void)reason;
}

static void on_ended(void *arg, const struct gw_conn_report *report,
                     const struct gw_note *note gw_unused)
{
    struct model *m = arg;
    for (int i = 0; i < CONNS; i++) {
        struct peer *p = &m->peers[i];
        if (!p->used || p->id != report->id)
            continue;
        assert_false(p->ended); /* once */
        p->ended = true;
        p->report = *report;
        m->bytes_up += report->bytes_up;
        m->bytes_down += report->bytes_down;
        return;
    }
    fail_msg("the end of an unknown connection");
}

/* ---- begin and end of a connection ---- */

/* Those that wait for the clock hold their place long: fewer of them. */
static enum plan pick_plan(struct model *m)
{
    enum plan plan = (enum plan)below(m, PLAN_COUNT);
    bool waits = plan == PLAN_STALL || plan == PLAN_IDLE || plan == PLAN_BACKEND_SILENT;
    return waits && below(m, 3) ? PLAN_FINISH : plan;
}

static enum service service_for(struct model *m, enum plan plan)
{
    if (plan == PLAN_NO_CERT && below(m, 2))
        return SERVICE_OUT; /* the target wants one */
    if (plan == PLAN_NOT_ALLOWED || plan == PLAN_NO_CERT)
        return SERVICE_MUTUAL;
    return (enum service)below(m, SERVICE_COUNT);
}

static void begin(struct model *m, struct peer *p)
{
    *p = (struct peer){
        .used = true,
        .plan = pick_plan(m),
        .seed = gw_fake_random(m->ring),
        .id = m->env.next_id,
        .client_fd = NO_FD,
        .backend_fd = NO_FD,
        .alert = NO_ALERT,
        .up_total = below(m, 8) ? below(m, 3000) : below(m, STREAM_MAX),
        .down_total = below(m, 8) ? below(m, 3000) : below(m, STREAM_MAX),
    };
    p->service = service_for(m, p->plan);
    p->slow = orderly(p) && below(m, 4) == 0;
    p->real = p->plan != PLAN_ODD_RECORDS && below(m, REAL_ONE_IN) == 0;
    if (p->plan == PLAN_NO_CERT && role_of(p) == GW_ROLE_CLIENT)
        p->real = false;
    p->rekeys = changes_keys(p->service) && (!m->kernel || m->rekeys);
    peer_begin(m, p);
    int fd = gw_fake_accept(m->ring);
    *(role_of(p) == GW_ROLE_SERVER ? &p->client_fd : &p->backend_fd) = fd;
    gw_conn_accepted(&m->env, fd, p->service + (p->real ? SERVICE_COUNT : 0));
    m->begun++;
}

/* Reasons that the run, not the plan, brings about. */
static uint64_t other_reasons(const struct model *m, const struct peer *p)
{
    uint64_t reasons = p->target_up ? 0 : R(NO_MEMORY); /* there was no socket */
    if (p->shutdown)
        reasons |= R(SHUTDOWN);
    bool tls13 = p->side->version(p) == KTLS_TLS_1_3;
    if (m->kernel && !m->rekeys && p->plan == PLAN_UPDATES && tls13)
        reasons |= R(REKEY_UNSUPPORTED);
    if (m->kernel && p->cut_update)
        reasons |= R(REKEY_UNSUPPORTED);
    if (changes_keys(p->service) && (!tls13 || (m->kernel && !m->rekeys)))
        reasons |= R(KEY_LIMIT);
    if (m->kernel && (p->service == SERVICE_KERNEL || p->service == SERVICE_OUT_KERNEL))
        reasons |= R(KERNEL_KEYS);
    if (p->tx_refused || p->rx_refused)
        reasons |= R(INTERNAL);
    return reasons;
}

/* A plan's reasons are those of the server role. */
static bool may_end_with(const struct model *m, const struct peer *p, enum gw_reason reason)
{
    uint64_t reasons = plans[p->plan].reasons | other_reasons(m, p);
    for (unsigned i = 0; i < GW_REASON_COUNT; i++)
        if (reasons >> i & 1 && gw_reason_in(role_of(p), (enum gw_reason)i) == reason)
            return true;
    return false;
}

static void check_complete(const struct peer *p)
{
    bool out = role_of(p) == GW_ROLE_CLIENT;
    assert_int_equal(p->up_got, p->up_total);
    assert_int_equal(out ? p->report.bytes_down : p->report.bytes_up, p->up_total);
    assert_false(p->backend_reset && p->plan != PLAN_JUST_CLOSES);
    assert_int_equal(p->down_got, p->down_total);
    assert_int_equal(out ? p->report.bytes_up : p->report.bytes_down, p->down_total);
    assert_true(p->close_seen);
}

static void check_alert(const struct peer *p, enum gw_reason reason)
{
    int expected = plans[p->plan].alert;
    bool early = role_of(p) == GW_ROLE_CLIENT && !p->target_up; /* no TLS yet */
    if (expected == NO_ALERT || early || reason == GW_REASON_SHUTDOWN || p->slow ||
        (reason == GW_REASON_FINISHED && !plans[p->plan].complete))
        return;
    /* RX may be refused after the end of the backend's stream was reported. */
    bool told = p->close_seen && p->backend_fin_sent;
    bool rx_refused = reason == GW_REASON_INTERNAL && p->rx_refused;
    if ((reason == GW_REASON_KERNEL_KEYS || rx_refused) && !told)
        expected = GW_ALERT_INTERNAL_ERROR;
    if (reason == GW_REASON_NO_MEMORY)
        expected = GW_ALERT_INTERNAL_ERROR;
    if (reason == GW_REASON_KEY_LIMIT)
        expected = GW_ALERT_CLOSE_NOTIFY;
    if (p->tx_refused) /* there is no key to seal one under */
        expected = NO_ALERT;
    if (p->alert != expected)
        fail_msg("plan %s, reason %s, service %d: alert %d", plans[p->plan].word,
                 gw_reason_info(reason)->word, p->service, p->alert);
}

/* A connection does not outlive a refused key, and reports why, unless it was about to end for
 * another reason, which it then reports. */
static void check_refused(const struct peer *p, enum gw_reason reason)
{
    bool refused = p->tx_refused || p->rx_refused;
    bool tells = strcmp(p->report.detail, strerror(GW_FAKE_REFUSES_REKEY)) == 0;
    if (refused)
        assert_int_not_equal(reason, GW_REASON_FINISHED);
    assert_int_equal(reason == GW_REASON_INTERNAL, refused && !p->refused_late);
    assert_int_equal(tells, refused && !p->refused_late);
}

/* What was opened, and so counted, has arrived before the backend saw an end of any kind; unless
 * it was the backend that went, or the gateway was stopped meanwhile. */
static void check_delivered(const struct peer *p, enum gw_reason reason)
{
    bool out = role_of(p) == GW_ROLE_CLIENT;
    bool gone = p->plan == PLAN_BACKEND_RESET;
    if (gone || p->shutdown || p->backend_fd == NO_FD)
        return;
    uint64_t counted = out ? p->report.bytes_down : p->report.bytes_up;
    if (p->up_got != counted)
        fail_msg("plan %s, reason %s, service %d: %zu bytes of %llu arrived", plans[p->plan].word,
                 gw_reason_info(reason)->word, p->service, p->up_got, (unsigned long long)counted);
}

static void check_end(struct model *m, struct peer *p)
{
    enum gw_reason reason = (enum gw_reason)p->report.reason;
    if (!may_end_with(m, p, reason))
        fail_msg("plan %s ended with %s (TLS %#x, service %d, real %d, client ready %d, %zu bytes "
                 "unsent; after %llu us)",
                 plans[p->plan].word, gw_reason_info(reason)->word, p->side->version(p), p->service,
                 p->real, p->ready, p->side->waiting(p), (unsigned long long)p->report.duration_us);
    assert_true(p->client_closed || p->client_fd == NO_FD);
    if (p->backend_fd != NO_FD)
        assert_true(p->backend_closed);
    if (plans[p->plan].complete && reason == GW_REASON_FINISHED)
        check_complete(p);
    check_alert(p, reason);
    check_refused(p, reason);
    check_delivered(p, reason);
    /* A stream that was cut must not look complete to the backend. */
    bool truncated = reason == gw_reason_in(role_of(p), GW_REASON_CLIENT_TRUNCATED);
    if (p->backend_fd != NO_FD && truncated)
        assert_true(p->backend_reset);
    if (reason == GW_REASON_FINISHED && p->renegotiations > 0 && !p->slow)
        assert_true(p->refusals > 0); /* one answers all that came before it */
    m->refusals += p->refusals;
    m->ended[p->plan]++;
    if (p->client_fd != NO_FD)
        gw_fake_peer_release(m->ring, p->client_fd);
    if (p->backend_fd != NO_FD)
        gw_fake_peer_release(m->ring, p->backend_fd);
    m->asked += p->own.asked;
    m->answered += p->own.answered;
    m->given += p->own.talk.server && p->ready ? p->own.tickets : 0;
    p->side->done(p);
    p->used = false;
}

/* The gateway is done with it, and the peers have read what was on its way. */
static void try_end(struct model *m, struct peer *p)
{
    if (!p->ended)
        return;
    peer_read_rest(m, p);
    check_end(m, p);
}

/* ---- the run ---- */

static void on_completion(void *arg, const struct gw_completion *c)
{
    struct model *m = arg;
    gw_conn_complete(&m->env, c);
}

static void stop_gateway(struct model *m)
{
    for (int i = 0; i < CONNS; i++)
        m->peers[i].shutdown = m->peers[i].used;
    gw_conn_end_all(&m->env);
}

/* The rest of a slow reader is short: were the clock put forward meanwhile, connections that wait
 * for the buffers which it holds would time out. */
static bool somebody_rests(const struct model *m)
{
    for (int i = 0; i < CONNS; i++) {
        const struct peer *p = &m->peers[i];
        if (p->used && !p->ended && (p->client_sleeps || p->backend_sleeps))
            return true;
    }
    return false;
}

/* What the gateway believes that the kernel sealed under the key in use is enough, but for one
 * control record before it knows that it is done. (One that closes may have been refused a key.) */
static void check_counts(struct model *m)
{
    for (uint32_t slot = 0; slot < m->env.pool.limit; slot++) {
        const struct gw_conn *c =
            gw_pool_find(&m->env.pool, slot, gw_pool_generation(&m->env.pool, slot));
        if (c && c->tls->fd >= 0 && c->has_record && !gw_end_left_tls(c))
            assert_true(gw_fake_sealed(m->ring, c->tls->fd) <= c->rec.tx.records + 1);
    }
}

static void turn(struct model *m, bool begin_more)
{
    m->env.now_ns += (int64_t)below(m, 10) * GW_NS_PER_MS;
    uint64_t before = gw_fake_events(m->ring);
    assert_int_equal(gw_ring_wait(m->ring, 0, on_completion, m), 0);
    gw_conn_turn(&m->env);
    check_counts(m);
    for (int i = 0; i < CONNS; i++) {
        struct peer *p = &m->peers[i];
        if (!p->used && begin_more && below(m, 20) == 0)
            begin(m, p);
        if (!p->used || below(m, 2))
            continue;
        peer_step(m, p);
        try_end(m, p);
    }
    if (below(m, 20000) == 0)
        stop_gateway(m);
    m->quiet = gw_fake_events(m->ring) == before ? m->quiet + 1 : 0;
    if (m->quiet > QUIET_TURNS && !somebody_rests(m)) /* only time can help */
        m->env.now_ns += 100 * GW_NS_PER_MS;
}

/* ---- set-up ---- */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct model *m = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct peer *p = SSL_get_app_data(ssl);
    if (p->plan == PLAN_NOT_ALLOWED)
        fail_msg("a refused client got a ticket");
    SSL_SESSION_free(m->sessions[p->service]);
    m->sessions[p->service] = session;
    return 1;
}

static void set_up_certificates(struct model *m)
{
    m->dir = test_dir_new();
    m->ca = test_cert_new(&(struct test_cert_spec){.cn = "model CA", .ca = true});
    m->server = test_cert_new(&(struct test_cert_spec){
        .cn = "server", .san = "DNS:localhost", .eku = "serverAuth", .issuer = m->ca});
    m->allowed = test_cert_new(
        &(struct test_cert_spec){.cn = "allowed", .eku = "clientAuth", .issuer = m->ca});
    m->stranger = test_cert_new(
        &(struct test_cert_spec){.cn = "stranger", .eku = "clientAuth", .issuer = m->ca});
}

static void set_up_services(struct model *m)
{
    static const enum gw_relay relays[SERVICE_COUNT] = {
        [SERVICE_PLAIN] = GW_RELAY_AUTO,
        [SERVICE_MUTUAL] = GW_RELAY_SPLICE,
        [SERVICE_TWO] = GW_RELAY_COPY,
        [SERVICE_KERNEL] = GW_RELAY_SPLICE,
    };
    struct gw_error err;
    const char *cert = test_dir_cert(m->dir, "server.pem", m->server, NULL);
    const char *key = test_dir_key(m->dir, "server.key", m->server);
    const char *ca = test_dir_cert(m->dir, "ca.pem", m->ca, NULL);
    m->pair = (struct gw_cert_pair){cert, key};
    assert_int_equal(gw_tickets_init(&m->tickets), 0);
    for (int i = 0; i < 2 * SERVICE_COUNT; i++) {
        enum service kind = i % SERVICE_COUNT;
        bool mutual = kind == SERVICE_MUTUAL;
        bool out = kind >= SERVICE_OUT;
        bool two = mutual || kind == SERVICE_TWO || out;
        bool only_kernel = kind == SERVICE_KERNEL || kind == SERVICE_OUT_KERNEL;
        static struct gw_rule allowed = {GW_RULE_CN, "allowed", false};
        static struct gw_rule all = {GW_RULE_ALL, NULL, false};
        struct gw_service *s = &m->services[i];
        *s = (struct gw_service){
            .name = "model",
            .role = out ? GW_ROLE_CLIENT : GW_ROLE_SERVER,
            .tls =
                {
                    .role = out ? GW_ROLE_CLIENT : GW_ROLE_SERVER,
                    .session_scope = "model",
                    .peer_name = out ? "localhost" : NULL,
                    .certs = &m->pair,
                    .cert_count = out ? 0 : 1,
                    .tls_min = 0x0303,
                    .tls_max = 0x0304,
                    .session_tickets = true,
                    .session_age_ns = INT64_C(86400) * 1000000000,
                    .max_cert_chain = 24 << 10,
                    .cacerts[0] = mutual || out ? ca : NULL,
                    .verify = mutual || out ? GW_VERIFY_REQUIRED : GW_VERIFY_NONE,
                },
            .rules = out ? &all : &allowed,
            .rule_count = mutual || out ? 1 : 0,
            .target.addr_count = two ? 2 : 1,
            .proxy_protocol = mutual                ? GW_PROXY_V2_TLS_FULL
                              : kind == SERVICE_TWO ? GW_PROXY_V1
                                                    : GW_PROXY_OFF,
            .accept_proxy = kind == SERVICE_TWO,
            .accept_proxy_unix = kind == SERVICE_TWO,
            .relay = relays[kind],
            /* So short, against how seldom the gateway is stopped, that what is stuck does not stay
             * unseen; so long, against the rests of slow readers, that nothing else ends by them.
             */
            .handshake_timeout_ns = 10 * GW_NS_PER_SEC,
            .connect_timeout_ns = GW_NS_PER_SEC,
            .idle_timeout_ns = 15 * GW_NS_PER_SEC,
            .close_timeout_ns = 15 * GW_NS_PER_SEC,
            .rekey_after = changes_keys(kind) ? REKEY_AFTER : GW_REKEY_AFTER_MAX,
            .records = m->kernel && only_kernel ? GW_RECORDS_KERNEL
                       : kind == SERVICE_TWO    ? GW_RECORDS_MEASURED
                                                : GW_RECORDS_AUTO,
        };
        for (unsigned a = 0; a < s->target.addr_count; a++) {
            s->target.addrs[a].addr.ss_family = AF_INET;
            s->target.addrs[a].len = sizeof(struct sockaddr_storage);
        }
        m->config.services[i] = s;
        if (gw_terms_new(&m->terms[i], s, &m->tickets, NULL, &err))
            fail_msg("%s", err.text);
        if (i < SERVICE_COUNT)
            gw_handshake_fake_add(m->terms[i]->tls, s->role, mutual);
    }
    m->config.service_count = 2 * SERVICE_COUNT;
}

static void set_up_client(struct model *m)
{
    m->client_ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(m->client_ctx);
    SSL_CTX_set_app_data(m->client_ctx, m);
    SSL_CTX_set_session_cache_mode(m->client_ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(m->client_ctx, keep_session);
    m->server_ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(m->server_ctx);
    assert_int_equal(SSL_CTX_use_certificate(m->server_ctx, m->server->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(m->server_ctx, m->server->key), 1);
}

static void set_up_kernel(struct model *m)
{
    m->ktls.attach.works = m->ktls.splice.works = m->ktls.splice_tx.works = m->kernel;
    m->ktls.splice_full.works = m->kernel && !m->splice_loses;
    m->ktls.no_pad.works = m->kernel;
    m->ktls.rekey.works = m->rekeys;
    for (int version = 0; version < 2; version++)
        for (int cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++)
            m->ktls.tx[version][cipher].works = m->ktls.rx[version][cipher].works = m->kernel;
}

/* One row a run; its word chooses it on the command line. */
static const struct variant {
    const char *word;
    bool kernel;
    bool rekeys;       /* one that can change keys */
    bool splice_loses; /* the kernel's splice loses bytes that do not fit into a pipe */
    bool refuses;      /* the kernel sometimes refuses to change keys */
} variants[] = {
    {"user", false, false, false, false},        {"kernel", true, false, false, false},
    {"kernel-loses", true, false, true, false},  {"kernel-rekeys", true, true, false, false},
    {"kernel-refuses", true, true, false, true},
};

static void set_up(struct model *m, uint64_t seed, const struct variant *v)
{
    *m = (struct model){.kernel = v->kernel, .rekeys = v->rekeys, .splice_loses = v->splice_loses};
    gw_watch_begin(seed);
    m->config.max_conns = CONNS * 2;
    set_up_certificates(m);
    set_up_services(m);
    set_up_client(m);
    set_up_kernel(m);
    struct gw_fake_config fake = {
        .seed = seed,
        .max_buffers = CONNS / 2, /* scarce, so that connections must wait for one */
        .no_buffer_percent = 3,
        .no_socket_percent = 1,
        .kernel = v->kernel,
        .rekeys = v->rekeys,
        .refuse_percent = 4,
        .refuse_rekey_percent = v->refuses ? 5 : 0,
        .splice_loses = m->splice_loses,
        .on_refused = on_refused,
        .on_connect = on_connect,
        .on_close = on_close,
        .arg = m,
    };
    m->ring = gw_fake_new(&fake);
    m->env = (struct gw_conn_env){
        .ring = m->ring,
        .config = &m->config,
        .terms = m->terms,
        .ktls = &m->ktls,
        .stats = &m->stats,
        .all_stats = &m->stats,
        .worker_count = 1,
        .choice =
            {
                .splice = {{true, true}, {true, true}},
                /* Of SERVICE_TWO: one direction each way, so that its connections are mixed. */
                .kernel[GW_RELAY_COPY] = {[0][GW_FLOW_RX] = true, [1][GW_FLOW_TX] = true},
            },
        .ended = on_ended,
        .refused = on_turned_away,
        .arg = m,
        .run = MODEL_RUN,
    };
    assert_int_equal(gw_aead_init(), 0);
    assert_int_equal(gw_conn_env_init(&m->env, GW_NS_PER_SEC), 0);
}

static void tear_down(struct model *m)
{
    gw_conn_env_done(&m->env);
    gw_fake_free(m->ring);
    gw_handshake_fake_add(NULL, GW_ROLE_SERVER, false);
    for (int i = 0; i < 2 * SERVICE_COUNT; i++)
        gw_terms_put(m->terms[i]);
    for (int i = 0; i < SERVICE_COUNT; i++)
        SSL_SESSION_free(m->sessions[i]);
    SSL_CTX_free(m->client_ctx);
    SSL_CTX_free(m->server_ctx);
    test_cert_free(m->stranger);
    test_cert_free(m->allowed);
    test_cert_free(m->server);
    test_cert_free(m->ca);
    test_dir_free(m->dir);
}

static uint64_t counted(const struct model *m, enum gw_counter counter)
{
    return gw_stats_get(&m->stats, counter);
}

static void check_totals(const struct model *m)
{
    uint64_t ended = 0;
    for (int i = 0; i < GW_REASON_COUNT; i++)
        ended += m->stats.ended[i];
    assert_int_equal(ended, m->begun);
    assert_int_equal(counted(m, GW_COUNTER_ACCEPTED), m->begun);
    assert_int_equal(counted(m, GW_COUNTER_OPEN), 0);
    assert_int_equal(counted(m, GW_COUNTER_HANDSHAKING), 0);
    assert_int_equal(counted(m, GW_COUNTER_BYTES_UP), m->bytes_up);
    assert_int_equal(counted(m, GW_COUNTER_BYTES_DOWN), m->bytes_down);
    uint64_t handshakes =
        counted(m, GW_COUNTER_HANDSHAKES_FULL) + counted(m, GW_COUNTER_HANDSHAKES_RESUMED);
    assert_int_equal(counted(m, GW_COUNTER_TX_KERNEL) + counted(m, GW_COUNTER_TX_USER), handshakes);
    assert_int_equal(counted(m, GW_COUNTER_RX_KERNEL) + counted(m, GW_COUNTER_RX_USER), handshakes);
    assert_int_equal(m->env.ticket_waiters, 0);
    printf("%12llu tickets given to the client role, %llu taken\n", (unsigned long long)m->given,
           (unsigned long long)gw_handshake_fake_tickets());
    assert_true(gw_handshake_fake_tickets() * 2 >= m->given);
    printf("%12llu renegotiations refused\n", (unsigned long long)m->refusals);
    assert_true(m->refusals > 0);
    /* Not all: what ends meanwhile is not answered any more. */
    assert_true((m->kernel && !m->rekeys) || m->answered * 2 >= m->asked);
    printf("%12llu next keys refused for RX, %llu for TX\n", (unsigned long long)m->refused[0],
           (unsigned long long)m->refused[1]);
    printf("%12llu messages by standing receives, which missed %llu ends\n",
           (unsigned long long)gw_fake_stood(m->ring), (unsigned long long)gw_fake_hidden(m->ring));
    assert_true(gw_fake_stood(m->ring) > 0 && gw_fake_hidden(m->ring) > 0);
    assert_int_equal(m->stats.ended[GW_REASON_INTERNAL], m->refused[0] + m->refused[1]);
    for (int i = 0; i < PLAN_COUNT; i++)
        printf("%8llu connections of plan %s\n", (unsigned long long)m->ended[i], plans[i].word);
    for (int i = 0; i < GW_COUNTER_COUNT; i++)
        printf("%12llu %s\n", (unsigned long long)counted(m, i), gw_counter_info(i)->word);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void run(void **state)
{
    static struct model model; /* too large for a stack */
    struct model *m = &model;
    const struct variant *v = *state;
    uint64_t seed = number_of("GW_MODEL_SEED", 20261121);
    uint64_t events = number_of("GW_MODEL_EVENTS", 100000);
    printf("again: GW_MODEL_SEED=%llu GW_MODEL_EVENTS=%llu %s %s\n", (unsigned long long)seed,
           (unsigned long long)events, program_invocation_name, v->word);
    set_up(m, seed, v);
    while (gw_fake_events(m->ring) < events)
        turn(m, true);
    for (int i = 0; i < 100000 && gw_conn_count(&m->env) > 0; i++)
        turn(m, false);
    for (int i = 0; i < CONNS; i++)
        if (m->peers[i].used)
            try_end(m, &m->peers[i]);
    assert_int_equal(gw_conn_count(&m->env), 0);
    check_totals(m);
    tear_down(m);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[GW_ARRAY_SIZE(variants)];
    for (size_t i = 0; i < GW_ARRAY_SIZE(variants); i++)
        tests[i] = (struct CMUnitTest){
            .name = variants[i].word,
            .test_func = run,
            .initial_state = (void *)(uintptr_t)&variants[i],
        };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
