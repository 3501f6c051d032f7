/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections against the double of the ring: real TLS clients in memory, backends that check every
 * byte, and a plan for each connection of how it goes wrong. Over many events, whatever the order
 * of completions: each connection ends once, for a reason its plan allows; bytes keep their order,
 * and all arrive where the streams ended properly; nothing stays in flight; no buffer and no
 * descriptor is lost.
 *
 * GW_MODEL_EVENTS and GW_MODEL_SEED choose length and run; the seed is printed.
 */
#include "tests/model/ring_fake.h"

#include "gateway/base/clock.h"
#include "gateway/conn/conn_private.h"
#include "gateway/pki/issue.h"
#include "gateway/record/aead.h"

#include "ktlsinstall.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CONNS = 64,          /* at a time */
    STREAM_MAX = 200000, /* bytes of one direction */
    NO_FD = -1,
};

/* How a connection goes. One row a plan: what the peers do, and which reasons may come of it. */
enum plan {
    PLAN_FINISH,
    PLAN_CLIENT_FIRST,
    PLAN_BACKEND_FIRST,
    PLAN_TRUNCATE,
    PLAN_CLIENT_RESET,
    PLAN_BACKEND_RESET,
    PLAN_REFUSED,
    PLAN_BACKEND_SILENT,
    PLAN_STALL,
    PLAN_HANDSHAKE_CLOSE,
    PLAN_IDLE,
    PLAN_GARBAGE,
    PLAN_NOT_TLS,
    PLAN_COUNT
};

#define R(id) (UINT64_C(1) << GW_REASON_##id)

static const struct {
    const char *word;
    uint64_t reasons;
    bool complete; /* both streams must have arrived whole */
} plans[PLAN_COUNT] = {
    [PLAN_FINISH] = {"finish", R(FINISHED), true},
    [PLAN_CLIENT_FIRST] = {"client-first", R(FINISHED), false},
    [PLAN_BACKEND_FIRST] = {"backend-first", R(FINISHED), true},
    [PLAN_TRUNCATE] = {"truncate", R(CLIENT_TRUNCATED) | R(FINISHED), false},
    [PLAN_CLIENT_RESET] = {"client-reset", R(CLIENT_RESET) | R(HANDSHAKE_RESET) | R(FINISHED),
                           false},
    [PLAN_BACKEND_RESET] = {"backend-reset", R(BACKEND_RESET) | R(FINISHED), false},
    [PLAN_REFUSED] = {"refused", R(BACKEND_REFUSED), false},
    [PLAN_BACKEND_SILENT] = {"backend-silent", R(BACKEND_TIMEOUT), false},
    [PLAN_STALL] = {"stall", R(HANDSHAKE_TIMEOUT), false},
    [PLAN_HANDSHAKE_CLOSE] = {"handshake-close", R(HANDSHAKE_CLOSED), false},
    [PLAN_IDLE] = {"idle", R(IDLE_TIMEOUT), false},
    [PLAN_GARBAGE] = {"garbage", R(RECORD_BAD_MAC), false},
    [PLAN_NOT_TLS] = {"not-tls", R(HANDSHAKE_NOT_TLS) | R(HANDSHAKE_PROTOCOL), false},
};

struct peer {
    bool used;
    bool ended; /* the gateway told its end */
    enum plan plan;
    enum gw_reason reason;
    uint64_t seed;
    uint64_t id;
    SSL *ssl;
    int client_fd;
    int backend_fd;
    bool client_closed; /* the gateway closed its socket to the client */
    bool backend_closed;
    bool backend_reset; /* … with RST */
    bool backend_fin_sent;
    bool close_sent; /* the client's close_notify */
    bool close_seen; /* the gateway's */
    bool alert_seen; /* a fatal one of the gateway's */
    bool broken;     /* the plan's mishap has happened */
    size_t up_total, up_sent, up_got;
    size_t down_total, down_sent, down_got;
};

struct model {
    struct gw_ring *ring;
    struct gw_conn_env env;
    struct gw_config config;
    struct gw_service service;
    struct gw_tls_context *tls[1];
    struct ktls_probe ktls;
    struct gw_stats stats;
    SSL_CTX *client_ctx;
    struct peer peers[CONNS];
    uint64_t begun;
    uint64_t ended[PLAN_COUNT];
    char dir[64];
};

/* ---- streams: byte i of a seed ---- */

static uint8_t stream_byte(uint64_t seed, size_t i)
{
    return (uint8_t)((seed + i / 251) * 167 + i * 13);
}

static void stream_fill(uint64_t seed, size_t at, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = stream_byte(seed, at + i);
}

static void stream_check(uint64_t seed, size_t at, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != stream_byte(seed, at + i))
            fail_msg("byte %zu of a stream is wrong", at + i);
}

static uint64_t up_seed(const struct peer *p)
{
    return p->seed;
}

static uint64_t down_seed(const struct peer *p)
{
    return p->seed ^ 0x5555;
}

static uint64_t below(struct model *m, uint64_t n)
{
    return gw_fake_random(m->ring) % n;
}

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

/* Whose backend socket it is only the connection itself can tell. */
static int on_connect(void *arg, int fd)
{
    struct model *m = arg;
    for (uint32_t slot = 0; slot < m->env.pool.limit; slot++) {
        const struct gw_conn *c =
            gw_pool_find(&m->env.pool, slot, gw_pool_generation(&m->env.pool, slot));
        if (!c || c->backend_fd != fd)
            continue;
        bool is_client = false;
        struct peer *p = of_fd(m, c->client_fd, &is_client);
        assert_non_null(p);
        p->backend_fd = fd;
        if (p->plan == PLAN_REFUSED)
            return -ECONNREFUSED;
        return p->plan == PLAN_BACKEND_SILENT ? 1 : 0;
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

static void on_ended(void *arg, const struct gw_conn_report *report)
{
    struct model *m = arg;
    for (int i = 0; i < CONNS; i++) {
        struct peer *p = &m->peers[i];
        if (!p->used || p->id != report->id)
            continue;
        assert_false(p->ended); /* once */
        p->ended = true;
        p->reason = (enum gw_reason)report->reason;
        return;
    }
    fail_msg("the end of an unknown connection");
}

/* ---- the client ---- */

static void client_to_wire(struct model *m, struct peer *p)
{
    uint8_t data[4096];
    int n;
    while ((n = BIO_read(SSL_get_wbio(p->ssl), data, sizeof(data))) > 0)
        if (!p->client_closed)
            gw_fake_peer_send(m->ring, p->client_fd, data, (size_t)n);
}

static void wire_to_client(struct model *m, struct peer *p)
{
    uint8_t data[8192];
    size_t n = gw_fake_peer_receive(m->ring, p->client_fd, data, 1 + below(m, sizeof(data)));
    if (n)
        (void)BIO_write(SSL_get_rbio(p->ssl), data, (int)n);
}

static void client_reads(struct peer *p)
{
    uint8_t data[20000];
    int n;
    ERR_clear_error(); /* what another connection left would be taken for ours */
    while ((n = SSL_read(p->ssl, data, sizeof(data))) > 0) {
        stream_check(down_seed(p), p->down_got, data, (size_t)n);
        p->down_got += (size_t)n;
    }
    int error = SSL_get_error(p->ssl, n);
    p->close_seen |= error == SSL_ERROR_ZERO_RETURN;
    p->alert_seen |=
        error == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) > SSL_AD_REASON_OFFSET;
}

static void client_writes(struct model *m, struct peer *p)
{
    uint8_t data[20000];
    size_t left = p->up_total - p->up_sent;
    if (left == 0 || p->close_sent)
        return;
    size_t len = 1 + below(m, GW_MIN(left, sizeof(data)));
    stream_fill(up_seed(p), p->up_sent, data, len);
    if (SSL_write(p->ssl, data, (int)len) == (int)len)
        p->up_sent += len;
    if (below(m, 40) == 0 && SSL_version(p->ssl) == TLS1_3_VERSION)
        (void)SSL_key_update(p->ssl,
                             below(m, 2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
}

static void client_closes(struct peer *p)
{
    if (!p->close_sent)
        p->close_sent = SSL_shutdown(p->ssl) >= 0;
}

/* ---- the backend ---- */

static bool backend_up(const struct peer *p)
{
    return p->backend_fd != NO_FD && !p->backend_closed && p->plan != PLAN_REFUSED &&
           p->plan != PLAN_BACKEND_SILENT;
}

static void backend_reads(struct model *m, struct peer *p)
{
    uint8_t data[20000];
    if (p->backend_fd == NO_FD)
        return;
    size_t n = gw_fake_peer_receive(m->ring, p->backend_fd, data, 1 + below(m, sizeof(data)));
    stream_check(up_seed(p), p->up_got, data, n);
    p->up_got += n;
}

static void backend_writes(struct model *m, struct peer *p)
{
    uint8_t data[40000];
    size_t left = p->down_total - p->down_sent;
    if (left == 0 || p->backend_fin_sent)
        return;
    size_t len = 1 + below(m, GW_MIN(left, sizeof(data)));
    stream_fill(down_seed(p), p->down_sent, data, len);
    gw_fake_peer_send(m->ring, p->backend_fd, data, len);
    p->down_sent += len;
}

static void backend_fin(struct model *m, struct peer *p)
{
    if (!p->backend_fin_sent)
        gw_fake_peer_fin(m->ring, p->backend_fd);
    p->backend_fin_sent = true;
}

/* ---- plans ---- */

/* The orderly plans: who ends first, and when. In TLS 1.2 a client that ends first ends both. */
static void end_orderly(struct model *m, struct peer *p)
{
    bool up_done = p->up_got == p->up_total;
    bool down_done = p->down_sent == p->down_total;
    if (p->plan == PLAN_CLIENT_FIRST) {
        if (p->up_sent == p->up_total)
            client_closes(p);
        if (backend_up(p) && gw_fake_peer_saw_fin(m->ring, p->backend_fd) && down_done)
            backend_fin(m, p);
        return;
    }
    if (backend_up(p) && down_done && (p->plan == PLAN_BACKEND_FIRST || up_done))
        backend_fin(m, p);
    if (p->close_seen && p->up_sent == p->up_total)
        client_closes(p);
}

static void mishap(struct model *m, struct peer *p)
{
    static const uint8_t garbage[] = {23, 3, 3, 0, 32, [36] = 1};
    p->broken = true;
    switch (p->plan) {
    case PLAN_TRUNCATE:
        gw_fake_peer_fin(m->ring, p->client_fd);
        break;
    case PLAN_CLIENT_RESET:
        gw_fake_peer_reset(m->ring, p->client_fd);
        break;
    case PLAN_BACKEND_RESET:
        if (backend_up(p))
            gw_fake_peer_reset(m->ring, p->backend_fd);
        else
            p->broken = false;
        break;
    case PLAN_GARBAGE:
        gw_fake_peer_send(m->ring, p->client_fd, garbage, sizeof(garbage));
        break;
    default:
        p->broken = false;
    }
}

static void step_connected(struct model *m, struct peer *p)
{
    bool orderly =
        p->plan == PLAN_FINISH || p->plan == PLAN_CLIENT_FIRST || p->plan == PLAN_BACKEND_FIRST;
    client_reads(p);
    if (p->plan == PLAN_IDLE)
        return;
    if (p->broken)
        return;
    if (below(m, 3) == 0)
        client_writes(m, p);
    if (orderly)
        end_orderly(m, p);
    else if (below(m, 12) == 0)
        mishap(m, p);
}

static void step_client(struct model *m, struct peer *p)
{
    static const char http[] = "GET / HTTP/1.0\r\n\r\n";
    if (p->client_closed && p->plan != PLAN_FINISH && p->plan != PLAN_BACKEND_FIRST &&
        p->plan != PLAN_CLIENT_FIRST)
        return;
    if (p->plan == PLAN_STALL)
        return;
    if (p->plan == PLAN_NOT_TLS || p->plan == PLAN_HANDSHAKE_CLOSE) {
        if (p->plan == PLAN_NOT_TLS && !p->broken)
            gw_fake_peer_send(m->ring, p->client_fd, http, sizeof(http) - 1);
        else if (!p->broken)
            gw_fake_peer_fin(m->ring, p->client_fd);
        p->broken = true;
        return;
    }
    wire_to_client(m, p);
    if (SSL_is_init_finished(p->ssl))
        step_connected(m, p);
    else
        (void)SSL_do_handshake(p->ssl);
    if (!p->broken)
        client_to_wire(m, p);
}

static void step_backend(struct model *m, struct peer *p)
{
    backend_reads(m, p);
    if (backend_up(p) && p->plan != PLAN_IDLE && below(m, 3) == 0 && !p->broken)
        backend_writes(m, p);
}

/* ---- begin and end of a connection ---- */

static void begin(struct model *m, struct peer *p)
{
    *p = (struct peer){
        .used = true,
        .plan = (enum plan)below(m, PLAN_COUNT),
        .seed = gw_fake_random(m->ring),
        .id = m->env.next_id,
        .backend_fd = NO_FD,
        .up_total = below(m, 8) ? below(m, 3000) : below(m, STREAM_MAX),
        .down_total = below(m, 8) ? below(m, 3000) : below(m, STREAM_MAX),
    };
    p->ssl = SSL_new(m->client_ctx);
    assert_non_null(p->ssl);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(p->ssl);
    if (below(m, 3) == 0)
        SSL_set_max_proto_version(p->ssl, TLS1_2_VERSION);
    p->client_fd = gw_fake_accept(m->ring);
    gw_conn_accepted(&m->env, p->client_fd, 0);
    m->begun++;
}

static void check_end(struct model *m, struct peer *p)
{
    if (!(plans[p->plan].reasons >> p->reason & 1))
        fail_msg("plan %s ended with %s", plans[p->plan].word, gw_reason_info(p->reason)->word);
    assert_true(p->client_closed);
    if (plans[p->plan].complete ||
        (p->reason == GW_REASON_FINISHED && p->plan == PLAN_CLIENT_FIRST))
        assert_int_equal(p->up_got, p->up_total);
    if (plans[p->plan].complete) {
        assert_int_equal(p->down_got, p->down_total);
        assert_true(p->close_seen);
    }
    /* A stream that was cut must not look complete to the backend. */
    if (p->backend_fd != NO_FD && p->reason == GW_REASON_CLIENT_TRUNCATED)
        assert_true(p->backend_reset);
    /* The client is told why, however scarce buffers are. */
    if (p->reason == GW_REASON_IDLE_TIMEOUT)
        assert_true(p->close_seen);
    if (p->reason == GW_REASON_BACKEND_RESET || p->reason == GW_REASON_RECORD_BAD_MAC)
        assert_true(p->alert_seen);
    m->ended[p->plan]++;
    gw_fake_peer_release(m->ring, p->client_fd);
    if (p->backend_fd != NO_FD)
        gw_fake_peer_release(m->ring, p->backend_fd);
    SSL_free(p->ssl);
    p->used = false;
}

/* The gateway is done with it, and the peers have read what was on its way. */
static void try_end(struct model *m, struct peer *p)
{
    uint8_t byte[1 << 16];
    if (!p->ended)
        return;
    for (int i = 0; i < 64; i++)
        wire_to_client(m, p);
    if (SSL_is_init_finished(p->ssl))
        client_reads(p);
    size_t n;
    while (p->backend_fd != NO_FD &&
           (n = gw_fake_peer_receive(m->ring, p->backend_fd, byte, sizeof(byte)))) {
        stream_check(up_seed(p), p->up_got, byte, n);
        p->up_got += n;
    }
    check_end(m, p);
}

/* ---- the run ---- */

static void on_completion(void *arg, const struct gw_completion *c)
{
    struct model *m = arg;
    gw_conn_complete(&m->env, c);
}

static void turn(struct model *m, bool begin_more)
{
    m->env.now_ns += (int64_t)below(m, 3) * GW_NS_PER_MS;
    uint64_t before = gw_fake_events(m->ring);
    assert_int_equal(gw_ring_wait(m->ring, 0, on_completion, m), 0);
    gw_conn_turn(&m->env);
    for (int i = 0; i < CONNS; i++) {
        struct peer *p = &m->peers[i];
        if (!p->used && begin_more && below(m, 20) == 0)
            begin(m, p);
        if (!p->used || below(m, 2))
            continue;
        step_client(m, p);
        step_backend(m, p);
        try_end(m, p);
    }
    if (gw_fake_events(m->ring) == before) /* only time can help */
        m->env.now_ns += 50 * GW_NS_PER_MS;
}

static void set_up_tls(struct model *m)
{
    static const struct gw_pki_request ca = {GW_PKI_CA, "model CA", NULL, NULL, -60, 3600};
    static const struct gw_pki_request server = {GW_PKI_SERVER,   "localhost", NULL,
                                                 "DNS:localhost", -60,         3600};
    struct gw_pki_cert *root;
    struct gw_pki_cert *cert;
    struct gw_error err;
    static char files[2][128];
    (void)snprintf(m->dir, sizeof(m->dir), "/tmp/ktlsgate-model-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    assert_int_equal(gw_pki_issue(&root, &ca, NULL, &err), 0);
    assert_int_equal(gw_pki_issue(&cert, &server, root, &err), 0);
    assert_int_equal(gw_pki_write(cert, m->dir, "server", &err), 0);
    gw_pki_free(cert);
    gw_pki_free(root);
    (void)snprintf(files[0], sizeof(files[0]), "%s/server.pem", m->dir);
    (void)snprintf(files[1], sizeof(files[1]), "%s/server.key", m->dir);
    m->service.certs[0] = (struct gw_cert_pair){files[0], files[1]};
    m->service.cert_count = 1;
    if (gw_tls_context_new(&m->tls[0], &m->service, NULL, &err))
        fail_msg("%s", err.text);
    (void)unlink(files[0]);
    (void)unlink(files[1]);
    (void)rmdir(m->dir);
    m->client_ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(m->client_ctx);
}

static void set_up(struct model *m, uint64_t seed)
{
    m->service.name = "default";
    m->service.tls_min = 0x0303;
    m->service.tls_max = 0x0304;
    m->service.verify = GW_VERIFY_NONE;
    m->service.target.addr_count = 1;
    m->service.target.addrs[0].addr.ss_family = AF_INET;
    m->service.target.addrs[0].len = sizeof(struct sockaddr_storage);
    m->config.services[0] = &m->service;
    m->config.service_count = 1;
    m->config.max_conns = CONNS * 2;
    m->config.handshake_timeout_ns = 5 * GW_NS_PER_SEC;
    m->config.connect_timeout_ns = GW_NS_PER_SEC;
    m->config.idle_timeout_ns = 60 * GW_NS_PER_SEC;
    m->config.close_timeout_ns = 30 * GW_NS_PER_SEC;
    set_up_tls(m);
    struct gw_fake_config fake = {
        .seed = seed,
        .max_buffers = CONNS / 2, /* scarce, so that connections must wait for one */
        .no_buffer_percent = 3,
        .on_connect = on_connect,
        .on_close = on_close,
        .arg = m,
    };
    m->ring = gw_fake_new(&fake);
    m->env = (struct gw_conn_env){
        .ring = m->ring,
        .config = &m->config,
        .tls = m->tls,
        .ktls = &m->ktls,
        .stats = &m->stats,
        .all_stats = &m->stats,
        .worker_count = 1,
        .ended = on_ended,
        .arg = m,
    };
    assert_int_equal(gw_aead_init(), 0);
    assert_int_equal(gw_conn_env_init(&m->env, GW_NS_PER_SEC), 0);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void check_totals(struct model *m)
{
    uint64_t ended = 0;
    for (int i = 0; i < GW_REASON_COUNT; i++)
        ended += m->stats.ended[i];
    assert_int_equal(ended, m->begun);
    assert_int_equal(gw_stats_get(&m->stats, GW_COUNTER_OPEN), 0);
    assert_int_equal(gw_stats_get(&m->stats, GW_COUNTER_HANDSHAKING), 0);
    for (int i = 0; i < PLAN_COUNT; i++)
        printf("%8llu connections of plan %s\n", (unsigned long long)m->ended[i], plans[i].word);
}

static void every_connection_ends_well(void **state)
{
    static struct model model; /* too large for a stack */
    struct model *m = &model;
    uint64_t seed = number_of("GW_MODEL_SEED", 20261121);
    uint64_t events = number_of("GW_MODEL_EVENTS", 100000);
    (void)state;
    printf("seed %llu, %llu events\n", (unsigned long long)seed, (unsigned long long)events);
    set_up(m, seed);
    while (gw_fake_events(m->ring) < events)
        turn(m, true);
    for (int i = 0; i < 100000 && gw_conn_count(&m->env) > 0; i++)
        turn(m, false);
    for (int i = 0; i < CONNS; i++)
        if (m->peers[i].used)
            try_end(m, &m->peers[i]);
    assert_int_equal(gw_conn_count(&m->env), 0);
    gw_conn_env_done(&m->env);
    gw_fake_free(m->ring);
    check_totals(m);
    gw_tls_context_free(m->tls[0]);
    SSL_CTX_free(m->client_ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_connection_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
