/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/conn_run.h"

#include "gateway/base/clock.h"
#include "gateway/conn/conn_private.h"
#include "gateway/record/aead.h"
#include "gateway/wire/proxy.h"
#include "tests/model/ring_fake.h"
#include "tests/support/record_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
    WIRE_MAX = 1 << 20,
    RECORD_MAX = GW_RECORD_PLAINTEXT_MAX + KTLS_SOFT_OVERHEAD,
    PIECES_MAX = 64,
    TURNS_MAX = 20000, /* without rest: it spins */
    DRAIN_MAX = 80,    /* ticks; the slowest look comes after 32 */
    FUZZ_RUN = 7,
    FUZZ_ID = 0x1b, /* of the only connection of a run */
};

/* The gateway of one engine, used again for each input. */
struct gateway {
    struct gw_ring *ring;
    struct gw_conn_env env;
    struct gw_stats stats;
};

struct run {
    struct gateway *g;
    const struct conn_setup *setup;
    struct conn_result *result;
    unsigned ended;
    int tls_fd, plain_fd;
    bool plain_open, plain_closed;
    bool plain_ended;                         /* the backend sends no more */
    struct ktls_keys send_keys, receive_keys; /* the client's */
    size_t up_sent, down_sent;
    bool close_sent;
    size_t raw_got, raw_len;    /* bytes of handshake that the client got, of so many */
    uint8_t inbox[RECORD_MAX];  /* including a record that is incomplete */
    size_t inbox_len, wire_len; /* `wire` has the bytes to send next */
    bool gone;                  /* the client sends no more */
    bool paused, plain_paused;
    unsigned sips; /* records that the client takes although it is paused */
    size_t header_len;
};

static uint8_t wire[WIRE_MAX];
static struct gateway gateways[CONN_ENGINES];
static struct run *current;

/* What differs between two inputs is set for each. */
static struct gw_service service = {
    .name = "fuzz",
    .rules = &(struct gw_rule){GW_RULE_ALL, NULL, false},
    .rule_count = 1,
    .proxy_authority = true,
    /* No limit is a whole number of seconds: a look at what is not sent yet, in the kernel engine
     * only, takes less than one (see settle), and must not change what comes of a script. */
    .handshake_timeout_ns = 10 * GW_NS_PER_SEC + 900 * GW_NS_PER_MS,
    .connect_timeout_ns = 5 * GW_NS_PER_SEC + 900 * GW_NS_PER_MS,
    .idle_timeout_ns = 60 * GW_NS_PER_SEC + 900 * GW_NS_PER_MS,
    .close_timeout_ns = 20 * GW_NS_PER_SEC + 900 * GW_NS_PER_MS,
};
static struct gw_config config = {
    .services = {&service},
    .service_count = 1,
    .max_conns = 4,
};

static const struct {
    bool kernel, rekeys, splices, loses;
    unsigned refuse_percent;
} traits[CONN_ENGINES] = {
    [CONN_KERNEL] = {.kernel = true},
    [CONN_MIXED] = {.kernel = true, .refuse_percent = 50},
    [CONN_REKEYS] = {.kernel = true, .rekeys = true},
    [CONN_SPLICE] = {.kernel = true, .rekeys = true, .splices = true},
    [CONN_LOSES] = {.kernel = true, .splices = true, .loses = true},
};

static const struct ktls_probe *probe(enum conn_engine engine)
{
    static struct ktls_probe probes[CONN_ENGINES];
    struct ktls_probe *all = &probes[engine];
    all->attach.works = true;
    all->rekey.works = traits[engine].rekeys;
    all->splice.works = all->splice_tx.works = traits[engine].splices;
    all->splice_full.works = !traits[engine].loses;
    for (int version = 0; version < 2; version++)
        for (int cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++)
            all->tx[version][cipher].works = all->rx[version][cipher].works = true;
    return all;
}

/* ---- the gateway's reports ---- */

static int on_connect(void *arg, int fd)
{
    (void)arg;
    gw_require(current->plain_fd < 0); /* there is one address to try */
    current->plain_fd = fd;
    current->plain_open = current->setup->connect_result == 0;
    return current->setup->connect_result;
}

static void on_close(void *arg, int fd, bool reset)
{
    (void)arg;
    if (fd != current->plain_fd)
        return;
    gw_require(!current->plain_closed);
    current->plain_closed = true;
    current->result->backend_reset = reset;
}

static void on_refused(void *arg, enum gw_reason reason)
{
    (void)arg;
    (void)reason;
}

static void on_ended(void *arg, const struct gw_conn_report *report,
                     const struct gw_note *note gw_unused)
{
    (void)arg;
    struct conn_result *result = current->result;
    gw_require(current->ended++ == 0);
    result->reason = (enum gw_reason)report->reason;
    memcpy(result->detail, report->detail, sizeof(result->detail));
    result->bytes_up = report->bytes_up;
    result->bytes_down = report->bytes_down;
    result->harmless = report->harmless;
    result->rx_kernel = strcmp(report->rx_engine, "kernel") == 0;
}

static void on_completion(void *arg, const struct gw_completion *c)
{
    gw_conn_complete(arg, c);
}

static struct gateway *gateway(enum conn_engine engine)
{
    static struct gw_terms none = {.service = &service,
                                   .holders = 1}; /* handshake_fake.h asks for no context */
    static struct gw_terms *const terms[] = {&none};
    struct gateway *g = &gateways[engine];
    struct gw_fake_config fake = {
        .max_buffers = 4,
        .kernel = traits[engine].kernel,
        .rekeys = traits[engine].rekeys,
        .splice_loses = traits[engine].loses,
        .refuse_percent = traits[engine].refuse_percent,
        .prompt = true,
        .sockets = 8,
        .on_connect = on_connect,
        .on_close = on_close,
    };
    if (g->ring)
        return g;
    struct gw_error err;
    gw_require(none.rules || gw_ruleset_new(&none.rules, service.rules, 1, &err) == 0);
    g->ring = gw_fake_new(&fake);
    g->env = (struct gw_conn_env){
        .ring = g->ring,
        .config = &config,
        .terms = terms,
        .ktls = probe(engine),
        .stats = &g->stats,
        .all_stats = &g->stats,
        .worker_count = 1,
        .ended = on_ended,
        .refused = on_refused,
        .run = FUZZ_RUN,
    };
    gw_require(gw_aead_init() == 0 && gw_conn_env_init(&g->env, GW_NS_PER_SEC) == 0);
    return g;
}

/* ---- streams: of each direction the same bytes in every run ---- */

enum {
    PERIOD = 65521, /* a prime, so that no two records look the same */
};

/* Two periods, so that every piece is in one piece. */
static const uint8_t *stream_at(bool down, size_t at)
{
    static uint8_t streams[2][2 * PERIOD];
    if (streams[down][1] == 0)
        for (size_t i = 0; i < sizeof(streams[down]); i++)
            streams[down][i] = (uint8_t)(i % PERIOD * 7 + i % PERIOD / 251 + (down ? 0x81 : 1));
    return streams[down] + at % PERIOD;
}

static void stream_check(bool down, size_t at, const uint8_t *data, size_t len)
{
    gw_require(len <= PERIOD && memcmp(data, stream_at(down, at), len) == 0);
}

/* ---- the client receives ---- */

static void take_key_update(struct run *run, const uint8_t *body, size_t len)
{
    static const uint8_t message[] = {24, 0, 0, 1};
    gw_require(run->setup->suite->version == KTLS_TLS_1_3);
    gw_require(len == 5 && memcmp(body, message, sizeof(message)) == 0 && body[4] <= 1);
    gw_require(ktls_update(&run->receive_keys) == 0);
}

static void take_record(struct run *run, size_t len)
{
    static uint8_t body[RECORD_MAX];
    uint8_t type = 0;
    size_t max = run->setup->handshake.keys.payload_max;
    int n = ktls_soft_open(&run->receive_keys, run->inbox, len, &type, body);
    /* Nothing follows an alert, except one that refuses a renegotiation. */
    int alert = run->result->alert;
    gw_require(n >= 0 && (alert < 0 || alert == GW_ALERT_NO_RENEGOTIATION));
    if (type == GW_CONTENT_DATA) {
        gw_require(n > 0 && (size_t)n <= (max ? max : GW_RECORD_PLAINTEXT_MAX));
        stream_check(true, run->result->down, body, (size_t)n);
        run->result->down += (size_t)n;
    } else if (type == GW_CONTENT_ALERT) {
        gw_require(n == 2 && (body[0] == 1 || body[0] == 2));
        run->result->alert = body[1];
    } else {
        gw_require(type == GW_CONTENT_HANDSHAKE);
        take_key_update(run, body, (size_t)n);
    }
}

static size_t wanted(struct run *run)
{
    if (run->raw_got < run->raw_len)
        return run->raw_len - run->raw_got;
    if (run->inbox_len < GW_RECORD_HEADER)
        return GW_RECORD_HEADER - run->inbox_len;
    size_t body = (size_t)(run->inbox[3] << 8 | run->inbox[4]);
    gw_require(body <= RECORD_MAX - GW_RECORD_HEADER);
    return GW_RECORD_HEADER + body - run->inbox_len;
}

/* Takes all that is there; true when there was something. */
static bool client_reads(struct run *run)
{
    uint8_t none[RECORD_MAX];
    bool moved = false;
    while (!run->paused || run->sips > 0) {
        bool raw = run->raw_got < run->raw_len;
        size_t want = wanted(run);
        size_t n = gw_fake_peer_receive(run->g->ring, run->tls_fd,
                                        raw ? none : run->inbox + run->inbox_len,
                                        raw ? GW_MIN(want, sizeof(none)) : want);
        if (n == 0)
            break;
        moved = true;
        *(raw ? &run->raw_got : &run->inbox_len) += n;
        if (raw || n < want || run->inbox_len == GW_RECORD_HEADER)
            continue;
        take_record(run, run->inbox_len);
        run->sips -= run->sips > 0;
        run->inbox_len = 0;
    }
    return moved;
}

/* ---- the backend receives ---- */

static const struct {
    const char *bytes;
    size_t len;
    bool told; /* of the client below, else its connection's own addresses are meant */
} prefaces[CONN_PREFACES] = {
#define ROW(text, told)                                                                            \
    {                                                                                              \
        text, sizeof(text) - 1, told                                                               \
    }
    [CONN_PREFACE_V1] = ROW("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\r\n", true),
    [CONN_PREFACE_V2] = ROW("\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x10\xc0\x00\x02\x07\xc6\x33\x64\x08"
                            "\xdc\x04\x01\xbb\x04\x00\x01\x00",
                            true),
    [CONN_PREFACE_LOCAL] = ROW("\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", false),
    [CONN_PREFACE_BROKEN] = ROW("PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\n", false),
#undef ROW
};

static uint8_t header[GW_PROXY_V2_HEADER + GW_PROXY_V2_BODY_MAX];

static struct gw_tlv_value text_value(const char *text)
{
    return (struct gw_tlv_value){text, strlen(text)};
}

/* What the backend must get before the stream: the same codec, fuzzed on its own, with what
 * handshake_fake.c says. */
static size_t make_header(const struct conn_setup *setup)
{
    static const uint8_t cert[FAKE_CERT_MAX];
    struct sockaddr_in client = {.sin_family = AF_UNIX, .sin_port = htons(56324)};
    struct sockaddr_in local = {.sin_family = AF_UNIX, .sin_port = htons(443)};
    char unique_id[GW_UNIQUE_ID_MAX];
    struct gw_proxy_tls tls = {.client = GW_PROXY_CLIENT_SSL, .verify = 1};
    struct gw_proxy_info info = {
        .version = 2, .client = (struct sockaddr *)&client, .local = (struct sockaddr *)&local};
    if (prefaces[setup->preface].told) {
        client.sin_family = local.sin_family = AF_INET;
        client.sin_addr.s_addr = htonl(0xc0000207);
        local.sin_addr.s_addr = htonl(0xc6336408);
    }
    gw_conn_unique_id(unique_id, FUZZ_RUN, FUZZ_ID);
    tls.values[GW_TLV_AUTHORITY] = text_value(FAKE_SNI);
    tls.values[GW_TLV_UNIQUE_ID] = text_value(unique_id);
    tls.values[GW_TLV_VERSION] = text_value(FAKE_VERSION);
    if (setup->proxy == GW_PROXY_V2_TLS_FULL)
        tls.values[GW_TLV_CLIENT_CERT] = (struct gw_tlv_value){cert, setup->handshake.cert_len};
    if (setup->proxy == GW_PROXY_OFF)
        return 0;
    if (setup->proxy == GW_PROXY_V1)
        info.version = 1;
    else if (setup->proxy != GW_PROXY_V2)
        info.tls = &tls;
    ssize_t len = gw_proxy_encode(header, sizeof(header), &info);
    return len > 0 ? (size_t)len : 0; /* it does not fit: no backend is asked, no ticket given */
}

/* At most `most` bytes; how many. */
static size_t backend_takes(struct run *run, size_t most)
{
    uint8_t data[20000];
    size_t header_len = run->header_len;
    size_t at = run->result->up;
    size_t max = GW_MIN(most, at < header_len ? header_len - at : sizeof(data));
    size_t n = gw_fake_peer_receive(run->g->ring, run->plain_fd, data, GW_MIN(max, sizeof(data)));
    if (at < header_len)
        gw_require(memcmp(data, header + at, n) == 0);
    else
        stream_check(false, at - header_len, data, n);
    run->result->up += n;
    return n;
}

static bool backend_reads(struct run *run)
{
    bool moved = false;
    while (run->plain_fd >= 0 && !run->plain_paused && backend_takes(run, SIZE_MAX) > 0)
        moved = true;
    return moved;
}

/* ---- the run ---- */

static bool turn(struct run *run)
{
    struct gateway *g = run->g;
    uint64_t before = gw_fake_events(g->ring);
    gw_conn_turn(&g->env); /* first: what it begins must not wait for the next step */
    gw_require(gw_ring_wait(g->ring, 0, on_completion, &g->env) == 0);
    bool moved = client_reads(run);
    moved = backend_reads(run) || moved;
    return moved || gw_fake_events(g->ring) != before || !gw_list_empty(&g->env.starved);
}

static bool draining(const struct run *run)
{
    const struct gw_pool *pool = &run->g->env.pool;
    for (uint32_t slot = 0; slot < pool->limit; slot++) {
        const struct gw_conn *c = gw_pool_find(pool, slot, gw_pool_generation(pool, slot));
        if (c && c->tx.state == GW_TX_DRAIN && !gw_end_left_tls(c) && !run->paused)
            return true;
        if (c && c->delivery.state == GW_PLAIN_DRAIN && !run->plain_paused)
            return true;
    }
    return false;
}

/* Until nothing moves any more. Looks at what TCP has not sent need time, which is given. */
static void settle(struct run *run)
{
    int ticks = 0;
    for (int turns = 0; turn(run) || draining(run); turns++) {
        gw_require(turns < TURNS_MAX);
        if (!draining(run))
            continue;
        gw_require(ticks++ < DRAIN_MAX);
        run->g->env.now_ns += GW_DRAIN_TICK_NS;
    }
}

/* What the client has for the wire leaves, in pieces. */
static void send_wire(struct run *run, uint8_t piece)
{
    size_t size = piece ? (size_t)piece * piece + 1 : WIRE_MAX;
    size_t at = run->gone ? run->wire_len : 0;
    for (size_t pieces = 1, n; at < run->wire_len; at += n, pieces++) {
        n = pieces < PIECES_MAX ? GW_MIN(size, run->wire_len - at) : run->wire_len - at;
        gw_fake_peer_send(run->g->ring, run->tls_fd, wire + at, n);
        if (piece)
            settle(run);
    }
    run->wire_len = 0;
}

static uint8_t *room(struct run *run, size_t len)
{
    return len <= WIRE_MAX - run->wire_len ? wire + run->wire_len : NULL;
}

/* Seals a record to the end of the wire; its length, 0 when the wire is full. */
static size_t seal(struct run *run, uint8_t type, const uint8_t *body, size_t len, size_t pad)
{
    uint8_t *at = room(run, RECORD_MAX);
    bool tls13 = run->setup->suite->version == KTLS_TLS_1_3;
    if (!at)
        return 0;
    int n = ktls_soft_seal(&run->send_keys, type, body, len, tls13 ? pad : 0, at);
    gw_require(n > 0);
    run->wire_len += (size_t)n;
    return (size_t)n;
}

static size_t seal_data(struct run *run, const struct conn_step *step)
{
    size_t n = seal(run, GW_CONTENT_DATA, stream_at(false, run->up_sent), step->len, step->pad);
    run->up_sent += n ? step->len : 0;
    if (!run->close_sent && !run->gone)
        run->result->up_whole = run->up_sent;
    return n;
}

static void act_data(struct run *run, const struct conn_step *step)
{
    (void)seal_data(run, step);
}

static void act_record(struct run *run, const struct conn_step *step)
{
    if (step->type == GW_CONTENT_DATA)
        (void)seal_data(run, step);
    else if (step->type == 0) /* which is padding: what stands before it would be the type */
        (void)seal(run, 0, NULL, 0, step->len);
    else
        (void)seal(run, step->type, step->bytes, step->len, step->pad);
}

static void act_tampered(struct run *run, const struct conn_step *step)
{
    size_t n = seal_data(run, step);
    if (n > 0)
        wire[run->wire_len - n + step->bit / 8 % n] ^= (uint8_t)(1 << step->bit % 8);
}

static void act_cut(struct run *run, const struct conn_step *step)
{
    size_t n = seal_data(run, step);
    run->wire_len -= n ? n - step->bit % n : 0;
}

static void act_key_update(struct run *run, const struct conn_step *step)
{
    uint8_t body[GW_CONTROL_MAX];
    size_t len = gw_control_key_update(body, step->type & 1);
    if (run->setup->suite->version == KTLS_TLS_1_3 && seal(run, GW_CONTENT_HANDSHAKE, body, len, 0))
        gw_require(ktls_update(&run->send_keys) == 0);
}

static void act_raw(struct run *run, const struct conn_step *step)
{
    uint8_t *at = room(run, step->len);
    if (!at || !step->len)
        return;
    memcpy(at, step->bytes, step->len);
    run->wire_len += step->len;
}

static void act_close_notify(struct run *run, const struct conn_step *step)
{
    static const uint8_t body[] = {1, 0};
    (void)seal(run, GW_CONTENT_ALERT, body, sizeof(body), step->pad);
    run->close_sent = true;
}

static void act_fin(struct run *run, const struct conn_step *step)
{
    (void)step;
    run->gone = true;
    gw_fake_peer_fin(run->g->ring, run->tls_fd);
}

static void act_reset(struct run *run, const struct conn_step *step)
{
    (void)step;
    run->gone = true;
    gw_fake_peer_reset(run->g->ring, run->tls_fd);
}

static void act_backend_data(struct run *run, const struct conn_step *step)
{
    size_t len = GW_MIN(step->len, PERIOD);
    if (!run->plain_open || run->plain_closed || run->plain_ended)
        return;
    gw_fake_peer_send(run->g->ring, run->plain_fd, stream_at(true, run->down_sent), len);
    run->down_sent += len;
}

static void act_backend_fin(struct run *run, const struct conn_step *step)
{
    (void)step;
    run->plain_ended = true;
    if (run->plain_open)
        gw_fake_peer_fin(run->g->ring, run->plain_fd);
}

static void act_backend_reset(struct run *run, const struct conn_step *step)
{
    (void)step;
    run->plain_ended = true;
    if (run->plain_open)
        gw_fake_peer_reset(run->g->ring, run->plain_fd);
}

static void act_time(struct run *run, const struct conn_step *step)
{
    run->g->env.now_ns += step->type * GW_NS_PER_SEC;
}

static void act_stop(struct run *run, const struct conn_step *step)
{
    (void)step;
    gw_conn_end_all(&run->g->env);
}

static void act_pause(struct run *run, const struct conn_step *step)
{
    (void)step;
    run->paused = !run->paused;
}

static void act_pause_b(struct run *run, const struct conn_step *step)
{
    (void)step;
    run->plain_paused = !run->plain_paused;
}

static void act_sip(struct run *run, const struct conn_step *step)
{
    (void)step;
    run->paused = true;
    run->sips = 1;
}

static void act_sip_b(struct run *run, const struct conn_step *step)
{
    run->plain_paused = true;
    if (run->plain_fd >= 0)
        (void)backend_takes(run, step->len);
}

static void (*const acts[CONN_ACTS])(struct run *run, const struct conn_step *step) = {
    [CONN_DATA] = act_data,
    [CONN_RECORD] = act_record,
    [CONN_TAMPERED] = act_tampered,
    [CONN_CUT] = act_cut,
    [CONN_KEY_UPDATE] = act_key_update,
    [CONN_RAW] = act_raw,
    [CONN_CLOSE_NOTIFY] = act_close_notify,
    [CONN_FIN] = act_fin,
    [CONN_RESET] = act_reset,
    [CONN_BACKEND_DATA] = act_backend_data,
    [CONN_BACKEND_FIN] = act_backend_fin,
    [CONN_BACKEND_RESET] = act_backend_reset,
    [CONN_TIME] = act_time,
    [CONN_STOP] = act_stop,
    [CONN_PAUSE] = act_pause,
    [CONN_PAUSE_B] = act_pause_b,
    [CONN_SIP] = act_sip,
    [CONN_SIP_B] = act_sip_b,
};

static void do_step(struct run *run, const struct conn_step *step, const struct conn_step *next)
{
    acts[step->act](run, step);
    bool goes_on = step->together && next && next->act <= CONN_CLOSE_NOTIFY;
    if (step->act <= CONN_CLOSE_NOTIFY && goes_on)
        return;
    send_wire(run, step->piece);
    settle(run);
}

/* Both peers go away, and then all the time there is. */
static void finish(struct run *run)
{
    static const struct conn_step last[] = {{.act = CONN_FIN},
                                            {.act = CONN_BACKEND_FIN},
                                            {.act = CONN_TIME, .type = 61},
                                            {.act = CONN_TIME, .type = 61},
                                            {.act = CONN_TIME, .type = 61}};
    run->paused = run->plain_paused = false;
    settle(run);
    for (size_t i = 0; i < GW_ARRAY_SIZE(last); i++)
        do_step(run, &last[i], NULL);
    gw_require(run->ended == 1 && gw_conn_count(&run->g->env) == 0);
    gw_require(run->plain_fd < 0 || run->plain_closed);
    gw_require(gw_stats_get(&run->g->stats, GW_COUNTER_OPEN) == 0);
    gw_require(gw_stats_get(&run->g->stats, GW_COUNTER_HANDSHAKING) == 0);
}

static void begin(struct run *run)
{
    struct gateway *g = run->g;
    struct handshake_fake like = run->setup->handshake;
    like.keys.role = GW_ROLE_SERVER;
    like.keys.tx = fixture_keys(run->setup->suite, 0x11);
    like.keys.rx = fixture_keys(run->setup->suite, 0x77);
    run->receive_keys = like.keys.tx;
    run->send_keys = like.keys.rx;
    handshake_fake_set(&like);
    service.proxy_protocol = run->setup->proxy;
    service.accept_proxy = service.accept_proxy_unix = run->setup->preface != CONN_PREFACE_NONE;
    service.tls.verify = run->setup->interval ? GW_VERIFY_OPTIONAL : GW_VERIFY_NONE;
    service.target.addr_count = 1;
    service.target.addrs[0].addr.ss_family = AF_INET;
    service.target.addrs[0].len = sizeof(struct sockaddr_storage);
    memset(&g->stats, 0, sizeof(g->stats));
    /* Always the same place in a tick of the wheel. */
    g->env.now_ns = (g->env.now_ns / (1024 * GW_NS_PER_SEC) + 1) * (1024 * GW_NS_PER_SEC);
    config.recheck_on_reload = run->setup->interval > 0;
    config.reload_interval_ns = run->setup->interval * GW_NS_PER_SEC;
    gw_recheck_plan(&g->env);
    gw_fake_again(g->ring, run->setup->seed);
    gw_fake_set_scarce(g->ring, run->setup->scarce ? 30 : 0);
    gw_fake_set_polls_once(g->ring, run->setup->polls_once);
    gw_fake_set_send_error(g->ring, run->setup->send_error);
    run->tls_fd = gw_fake_accept(g->ring);
    g->env.next_id = FUZZ_ID; /* its length is part of what the backend gets */
    run->header_len = make_header(run->setup);
    run->raw_len =
        like.out_len + (run->header_len || !service.proxy_protocol ? like.ticket_len : 0);
    gw_conn_accepted(&g->env, run->tls_fd, 0);
    size_t preface = prefaces[run->setup->preface].len;
    memcpy(wire, prefaces[run->setup->preface].bytes ? prefaces[run->setup->preface].bytes : "",
           preface);
    memset(wire + preface, 'h', like.in_len);
    run->wire_len = preface + like.in_len;
}

void conn_run(const struct conn_setup *setup, const struct conn_step *steps, size_t count,
              enum conn_engine engine, struct conn_result *ret)
{
    static struct run run; /* too large for a stack */
    *ret = (struct conn_result){.alert = -1};
    run = (struct run){
        .g = gateway(engine), .setup = setup, .result = ret, .plain_fd = -1, .paused = setup->deaf};
    current = &run;
    service.relay = traits[engine].splices ? GW_RELAY_SPLICE : GW_RELAY_COPY;
    service.rekey_after = setup->rekey_after;
    begin(&run);
    if (count == 0 || steps[0].act > CONN_CLOSE_NOTIFY) {
        send_wire(&run, 0);
        settle(&run);
    }
    for (size_t i = 0; i < count; i++)
        do_step(&run, &steps[i], i + 1 < count ? &steps[i + 1] : NULL);
    ret->over = run.ended > 0;
    finish(&run);
    ret->up_whole += run.header_len;
    ret->down_whole = run.down_sent;
    ret->backend_fin = run.plain_fd >= 0 && gw_fake_peer_saw_fin(run.g->ring, run.plain_fd);
    ret->key_updates_in = gw_stats_get(&run.g->stats, GW_COUNTER_KEY_UPDATES_IN);
    ret->key_updates_out = gw_stats_get(&run.g->stats, GW_COUNTER_KEY_UPDATES_OUT);
}
