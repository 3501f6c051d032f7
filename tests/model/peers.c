/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of each connection: a TLS client in memory, and a backend that checks every byte. */
#include "tests/model/model.h"

#include "gateway/base/bytes.h"
#include "gateway/wire/crc32c.h"
#include "gateway/wire/proxy.h"

#include <string.h>

#define UNKNOWN_V1 "PROXY UNKNOWN\r\n"
#define KNOWN_V1 "PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\r\n"

/* ---- streams: a long pattern, which starts at a place given by the seed ---- */

enum {
    PATTERN = 65521, /* prime: no buffer size divides it */
    PATTERN_EXTRA = 65536,
};

static const uint8_t *pattern_at(uint64_t seed, size_t i)
{
    static uint8_t pattern[PATTERN + PATTERN_EXTRA];
    static bool made;
    uint64_t rng = 1;
    for (size_t k = 0; !made && k < PATTERN; k++)
        pattern[k] = (uint8_t)gw_script_random(&rng);
    for (size_t k = PATTERN; !made && k < sizeof(pattern); k++)
        pattern[k] = pattern[k - PATTERN];
    made = true;
    return pattern + (seed % PATTERN + i) % PATTERN;
}

static void stream_fill(uint64_t seed, size_t at, uint8_t *out, size_t len)
{
    assert_true(len <= PATTERN_EXTRA);
    memcpy(out, pattern_at(seed, at), len);
}

static void stream_check(uint64_t seed, size_t at, const uint8_t *data, size_t len)
{
    assert_true(len <= PATTERN_EXTRA);
    if (len && memcmp(data, pattern_at(seed, at), len) != 0)
        fail_msg("bytes from %zu of a stream are wrong", at);
}

static uint64_t up_seed(const struct peer *p)
{
    return p->seed;
}

static uint64_t down_seed(const struct peer *p)
{
    return p->seed ^ 0x5555;
}

/* A reader that is slow takes a rest now and then, until the windows are full. */
static bool rests(struct model *m, const struct peer *p, unsigned *left)
{
    if (p->slow && *left == 0 && below(m, 30) == 0)
        *left = (unsigned)below(m, 200);
    if (*left > 0)
        (*left)--;
    return *left > 0;
}

/* ---- the client ---- */

/* The addresses in its load balancer's header, or none; the backend must get the same. */
static const char *told(const struct peer *p)
{
    return p->seed & 1 ? KNOWN_V1 : UNKNOWN_V1;
}

/* In pieces; true once all of it went. */
static bool send_preface(struct model *m, struct peer *p, bool all)
{
    const char *text = told(p);
    size_t left = p->service == SERVICE_TWO ? strlen(text) - p->preface_sent : 0;
    if (left == 0 || p->client_closed)
        return true;
    size_t n = all || below(m, 2) ? left : 1 + below(m, left);
    gw_fake_peer_send(m->ring, p->client_fd, (const uint8_t *)text + p->preface_sent, n);
    p->preface_sent += n;
    return n == left;
}

/* `all`: up to the end of the last record; else in pieces of any size, perhaps not all. */
static void client_to_wire(struct model *m, struct peer *p, bool all)
{
    uint8_t data[4096];
    if (!send_preface(m, p, all))
        return;
    while (p->side->waiting(p) > 0 && (all || below(m, 4))) {
        size_t max = all || below(m, 3) ? sizeof(data) : 1 + below(m, 100);
        size_t n = p->side->give(p, data, max);
        if (n > 0 && !p->client_closed)
            gw_fake_peer_send(m->ring, p->client_fd, data, n);
    }
}

static size_t wire_to_client(struct model *m, struct peer *p)
{
    uint8_t data[8192];
    if (p->client_fd == NO_FD)
        return 0;
    size_t n = gw_fake_peer_receive(m->ring, p->client_fd, data, 1 + below(m, sizeof(data)));
    if (n)
        p->side->take(p, data, n);
    return n;
}

static void client_reads(struct peer *p)
{
    uint8_t data[20000];
    size_t n;
    while ((n = p->side->read(p, data, sizeof(data))) > 0) {
        stream_check(down_seed(p), p->down_got, data, n);
        p->down_got += n;
    }
}

/* A kernel that cannot change keys cannot follow a KeyUpdate, so only one plan sends them there. */
static bool may_update(const struct model *m, const struct peer *p)
{
    return p->side->version(p) == KTLS_TLS_1_3 &&
           (!m->kernel || m->rekeys || p->plan == PLAN_UPDATES);
}

static void client_updates(struct model *m, struct peer *p)
{
    unsigned often = p->plan == PLAN_UPDATES ? 4 : 40;
    if (!may_update(m, p))
        return;
    if (below(m, often) == 0)
        p->side->update(p, below(m, 2));
}

static void client_writes(struct model *m, struct peer *p)
{
    uint8_t data[20000];
    size_t left = p->up_total - p->up_sent;
    if (left == 0 || p->close_sent)
        return;
    size_t len = 1 + below(m, GW_MIN(left, sizeof(data)));
    stream_fill(up_seed(p), p->up_sent, data, len);
    if (p->side->write(p, data, len))
        p->up_sent += len;
    client_updates(m, p);
}

/* A KeyUpdate in two parts, which the user engine puts together. */
static void client_updates_in_parts(struct model *m, struct peer *p)
{
    uint8_t body[GW_CONTROL_MAX];
    size_t len = gw_control_key_update(body, below(m, 2));
    size_t cut = 1 + below(m, len - 1);
    side_send_record(p, GW_CONTENT_HANDSHAKE, body, cut);
    side_send_record(p, GW_CONTENT_HANDSHAKE, body + cut, len - cut);
    assert_int_equal(gw_record_update(&p->own.rec.tx), 0);
    p->cut_update = true;
}

/* A ClientHello, or as a server a HelloRequest; perhaps in two parts. */
static void client_renegotiates(struct model *m, struct peer *p)
{
    uint8_t message[300] = {p->own.talk.server ? 0 : 1};
    size_t len = 4;
    if (!p->own.talk.server) {
        len += 1 + below(m, 255);
        message[3] = (uint8_t)(len - 4);
    }
    size_t cut = below(m, 2) ? len : 1 + below(m, len - 1);
    side_send_record(p, GW_CONTENT_HANDSHAKE, message, cut);
    if (cut < len)
        side_send_record(p, GW_CONTENT_HANDSHAKE, message + cut, len - cut);
    /* A kernel goes by a record's first byte (kernel-notes/rekey-pending.md). */
    p->cut_update |= cut < len && message[cut] == HANDSHAKE_KEY_UPDATE;
    p->renegotiations++;
}

/* Data, empty records, KeyUpdates, and warnings that must be ignored. */
static void client_writes_odd(struct model *m, struct peer *p)
{
    uint8_t data[GW_RECORD_PLAINTEXT_MAX];
    size_t left = p->up_total - p->up_sent;
    if (left == 0 || p->close_sent)
        return;
    if (below(m, 6) == 0)
        side_send_record(p, GW_CONTENT_DATA, data, 0);
    if (below(m, 6) == 0 && may_update(m, p))
        p->side->update(p, below(m, 2));
    if (below(m, 20) == 0 && may_update(m, p))
        client_updates_in_parts(m, p);
    bool tickets = p->own.talk.server && p->side->version(p) == KTLS_TLS_1_3;
    if (tickets && below(m, 6) == 0)
        side_send_ticket(p);
    if (below(m, 6) == 0 && p->side->version(p) == KTLS_TLS_1_2 &&
        p->renegotiations < GW_RENEGOTIATIONS_MAX)
        client_renegotiates(m, p);
    if (below(m, 4) == 0 && p->warnings++ < GW_WARNING_ALERTS_MAX)
        side_send_record(p, GW_CONTENT_ALERT, data, gw_control_alert(data, GW_ALERT_USER_CANCELED));
    size_t len = below(m, 4) ? 1 + below(m, GW_MIN(left, sizeof(data))) : 1;
    stream_fill(up_seed(p), p->up_sent, data, len);
    side_send_record(p, GW_CONTENT_DATA, data, len);
    p->up_sent += len;
}

static void client_closes(struct peer *p)
{
    if (!p->close_sent)
        p->close_sent = p->side->close(p);
}

/* ---- the backend ---- */

static bool backend_up(const struct peer *p)
{
    return (p->target_up || role_of(p) == GW_ROLE_CLIENT) && !p->backend_closed;
}

enum {
    SIGNATURE_BYTES = 12,
    CRC_AT = GW_PROXY_V2_HEADER + 3, /* it stands first, the addresses are unknown */
};

/* The size of the PROXY header, as far as the received bytes show it. */
static size_t header_size(const struct peer *p)
{
    if (p->service == SERVICE_TWO)
        return strlen(told(p));
    if (p->service != SERVICE_MUTUAL)
        return 0;
    return p->header_got < GW_PROXY_V2_HEADER
               ? GW_PROXY_V2_HEADER
               : GW_PROXY_V2_HEADER + (size_t)(p->header[14] << 8 | p->header[15]);
}

static void check_header_v2(const struct peer *p)
{
    static const uint8_t begin[] = "\r\n\r\n\0\r\nQUIT\n\x20"; /* LOCAL */
    static const uint8_t no_crc[4];
    char unique_id[GW_UNIQUE_ID_MAX];
    uint8_t copy[PROXY_MAX];
    assert_memory_equal(p->header, begin, sizeof(begin)); /* with its NUL: UNSPEC */
    gw_conn_unique_id(unique_id, MODEL_RUN, p->id);
    assert_non_null(memmem(p->header, p->header_got, unique_id, strlen(unique_id)));
    memcpy(copy, p->header, p->header_got);
    memcpy(copy + CRC_AT, no_crc, sizeof(no_crc));
    struct gw_reader r = gw_reader_of(p->header + CRC_AT, 4);
    assert_int_equal(gw_crc32c(0, copy, p->header_got), gw_read_u32(&r));
}

/* Takes bytes of the header, the last of which may show that more follow. Returns their number. */
static size_t take_header(struct peer *p, const uint8_t *data, size_t len)
{
    size_t taken = 0;
    while (taken < len && p->header_got < header_size(p)) {
        assert_true(p->header_got < PROXY_MAX);
        p->header[p->header_got++] = data[taken++];
    }
    if (taken == 0 || p->header_got < header_size(p))
        return taken;
    if (p->service == SERVICE_TWO)
        assert_memory_equal(p->header, told(p), strlen(told(p)));
    else
        check_header_v2(p);
    return taken;
}

static size_t backend_reads(struct model *m, struct peer *p)
{
    uint8_t data[20000];
    if (p->backend_fd == NO_FD)
        return 0;
    size_t n = gw_fake_peer_receive(m->ring, p->backend_fd, data, 1 + below(m, sizeof(data)));
    size_t of_header = take_header(p, data, n);
    stream_check(up_seed(p), p->up_got, data + of_header, n - of_header);
    p->up_got += n - of_header;
    return n;
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

/* The orderly plans: which side ends first, and when. */
static void end_orderly(struct model *m, struct peer *p)
{
    bool up_sent = p->up_sent == p->up_total;
    bool up_done = p->up_got == p->up_total;
    bool down_done = p->down_sent == p->down_total;
    if (p->plan == PLAN_CLIENT_FIRST) {
        if (up_sent)
            client_closes(p);
        if (backend_up(p) && gw_fake_peer_saw_fin(m->ring, p->backend_fd) && down_done)
            backend_fin(m, p);
        return;
    }
    if (backend_up(p) && down_done && (p->plan == PLAN_BACKEND_FIRST || up_done))
        backend_fin(m, p);
    if (!p->close_seen || !up_sent)
        return;
    if (p->plan != PLAN_JUST_CLOSES) {
        client_closes(p);
        return;
    }
    client_to_wire(m, p, true);
    gw_fake_peer_fin(m->ring, p->client_fd);
    p->broken = true;
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
        client_to_wire(m, p, true);
        gw_fake_peer_send(m->ring, p->client_fd, garbage, sizeof(garbage));
        break;
    default:
        p->broken = false;
    }
}

static void step_connected(struct model *m, struct peer *p)
{
    client_reads(p);
    if (p->plan == PLAN_IDLE || p->broken)
        return;
    bool odd = p->plan == PLAN_ODD_RECORDS;
    if (below(m, 3) == 0)
        (odd ? client_writes_odd : client_writes)(m, p);
    if (orderly(p))
        end_orderly(m, p);
    else if (below(m, 12) == 0)
        mishap(m, p);
}

static void step_client(struct model *m, struct peer *p)
{
    static const char http[] = "GET / HTTP/1.0\r\n\r\n";
    bool there = role_of(p) == GW_ROLE_SERVER || p->target_up;
    if (!there || (p->client_closed && !orderly(p)) || p->plan == PLAN_STALL)
        return;
    if (p->plan == PLAN_NOT_TLS || p->plan == PLAN_HANDSHAKE_CLOSE) {
        if (p->plan == PLAN_NOT_TLS && !p->broken)
            gw_fake_peer_send(m->ring, p->client_fd, http, sizeof(http) - 1);
        else if (!p->broken)
            gw_fake_peer_fin(m->ring, p->client_fd);
        p->broken = true;
        return;
    }
    if (!p->ready || !rests(m, p, &p->client_sleeps))
        (void)wire_to_client(m, p);
    if (p->ready)
        step_connected(m, p);
    else
        p->ready = p->side->handshake(p);
    if (!p->broken || p->plan == PLAN_BACKEND_RESET)
        client_to_wire(m, p, false);
}

static void step_backend(struct model *m, struct peer *p)
{
    if (!rests(m, p, &p->backend_sleeps))
        (void)backend_reads(m, p);
    if (backend_up(p) && p->plan != PLAN_IDLE && below(m, 3) == 0 && !p->broken)
        backend_writes(m, p);
}

void peer_step(struct model *m, struct peer *p)
{
    step_client(m, p);
    step_backend(m, p);
}

void peer_read_rest(struct model *m, struct peer *p)
{
    while (wire_to_client(m, p) > 0)
        ;
    if (!p->ready && p->plan != PLAN_NOT_TLS)
        p->ready = p->side->handshake(p);
    if (p->ready)
        client_reads(p);
    while (backend_reads(m, p) > 0)
        ;
}

/* ---- begin ---- */

void peer_begin(struct model *m, struct peer *p)
{
    p->side = p->real ? &side_libssl : &side_scripted;
    p->side->begin(m, p);
}
