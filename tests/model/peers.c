/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of each connection: a real TLS client in memory, and a backend that checks every
 * byte. */
#include "tests/model/model.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

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

/* `all`: up to the end of the last record; else in pieces of any size, perhaps not all. */
static void client_to_wire(struct model *m, struct peer *p, bool all)
{
    uint8_t data[4096];
    BIO *out = SSL_get_wbio(p->ssl);
    while (BIO_ctrl_pending(out) > 0 && (all || below(m, 4))) {
        size_t max = all || below(m, 3) ? sizeof(data) : 1 + below(m, 100);
        int n = BIO_read(out, data, (int)max);
        if (n > 0 && !p->client_closed)
            gw_fake_peer_send(m->ring, p->client_fd, data, (size_t)n);
    }
}

static size_t wire_to_client(struct model *m, struct peer *p)
{
    uint8_t data[8192];
    size_t n = gw_fake_peer_receive(m->ring, p->client_fd, data, 1 + below(m, sizeof(data)));
    if (n)
        (void)BIO_write(SSL_get_rbio(p->ssl), data, (int)n);
    return n;
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
    if (SSL_get_error(p->ssl, n) == SSL_ERROR_ZERO_RETURN)
        p->close_seen = true;
}

/* Where the kernel runs the records it cannot follow a KeyUpdate, so only one plan sends them. */
static void client_updates(struct model *m, struct peer *p)
{
    unsigned often = p->plan == PLAN_UPDATES ? 4 : 40;
    if (SSL_version(p->ssl) != TLS1_3_VERSION || (m->kernel && p->plan != PLAN_UPDATES))
        return;
    if (below(m, often) == 0)
        (void)SSL_key_update(p->ssl,
                             below(m, 2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
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
    client_updates(m, p);
}

/* ---- records of our own making ---- */

void peer_take_secret(const SSL *ssl, const char *line)
{
    static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
    struct peer *p = SSL_get_app_data(ssl);
    if (strncmp(line, label, sizeof(label) - 1) != 0)
        return;
    const char *hex = strrchr(line, ' ') + 1;
    for (size_t i = 0; i < sizeof(p->secret) && hex[2 * i]; i++)
        assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &p->secret[i]), 1);
}

/* Takes the client's sending over from libssl, which has sent nothing since its Finished. */
static void take_over(struct model *m, struct peer *p)
{
    const struct ktls_suite *suite =
        ktls_suite_find(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(p->ssl)));
    struct gw_handover_keys keys = {.role = GW_ROLE_CLIENT};
    uint8_t master[KTLS_MASTER_LEN];
    uint8_t client[KTLS_RANDOM_LEN];
    uint8_t server[KTLS_RANDOM_LEN];
    client_to_wire(m, p, true);
    if (suite->version == KTLS_TLS_1_3) {
        size_t len = ktls_hash_len(suite->hash);
        assert_int_equal(ktls_derive_tls13(suite, p->secret, len, &keys.tx), 0);
        keys.rx = keys.tx; /* libssl goes on receiving */
    } else {
        SSL_SESSION_get_master_key(SSL_get_session(p->ssl), master, sizeof(master));
        SSL_get_client_random(p->ssl, client, sizeof(client));
        SSL_get_server_random(p->ssl, server, sizeof(server));
        assert_int_equal(ktls_derive_tls12(suite, master, client, server, &keys.tx, &keys.rx), 0);
        keys.tx.explicit_nonce = p->seed; /* any that does not come twice */
    }
    assert_int_equal(gw_record_init(&p->own, &keys), 0);
    p->has_own = true;
}

static void send_own(struct model *m, struct peer *p, uint8_t type, const void *data, size_t len)
{
    uint8_t record[GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK];
    uint8_t *payload = record + GW_RECORD_SEAL_ROOM_FRONT;
    uint8_t *start;
    size_t size;
    memcpy(payload, data, len);
    assert_int_equal(gw_record_seal(&p->own, type, payload, len, &start, &size), 0);
    if (!p->client_closed)
        gw_fake_peer_send(m->ring, p->client_fd, start, size);
}

/* Data, empty records, and warnings that are to be stepped over. */
static void client_writes_odd(struct model *m, struct peer *p)
{
    uint8_t data[GW_RECORD_PLAINTEXT_MAX];
    size_t left = p->up_total - p->up_sent;
    if (!p->has_own)
        take_over(m, p);
    if (left == 0 || p->close_sent)
        return;
    if (below(m, 6) == 0)
        send_own(m, p, GW_CONTENT_DATA, data, 0);
    if (below(m, 4) == 0 && p->warnings++ < GW_WARNING_ALERTS_MAX)
        send_own(m, p, GW_CONTENT_ALERT, data, gw_control_alert(data, GW_ALERT_USER_CANCELED));
    size_t len = below(m, 4) ? 1 + below(m, GW_MIN(left, sizeof(data))) : 1;
    stream_fill(up_seed(p), p->up_sent, data, len);
    send_own(m, p, GW_CONTENT_DATA, data, len);
    p->up_sent += len;
}

static void client_closes(struct model *m, struct peer *p)
{
    uint8_t body[GW_CONTROL_MAX];
    if (p->has_own && !p->close_sent) {
        send_own(m, p, GW_CONTENT_ALERT, body, gw_control_alert(body, GW_ALERT_CLOSE_NOTIFY));
        p->close_sent = true;
    }
    if (!p->close_sent)
        p->close_sent = SSL_shutdown(p->ssl) >= 0;
}

/* ---- the backend ---- */

static bool backend_up(const struct peer *p)
{
    return p->backend_up && !p->backend_closed;
}

static size_t proxy_header(const struct peer *p, const char **ret)
{
    static const char v1[] = "PROXY UNKNOWN\r\n";
    static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0"; /* and the last byte of the length */
    if (p->service != SERVICE_MUTUAL && p->service != SERVICE_TWO)
        return 0;
    *ret = p->service == SERVICE_MUTUAL ? v1 : v2;
    return p->service == SERVICE_MUTUAL ? sizeof(v1) - 1 : sizeof(v2);
}

static size_t backend_reads(struct model *m, struct peer *p)
{
    uint8_t data[20000];
    if (p->backend_fd == NO_FD)
        return 0;
    size_t n = gw_fake_peer_receive(m->ring, p->backend_fd, data, 1 + below(m, sizeof(data)));
    const char *header = NULL;
    size_t missing = proxy_header(p, &header) - p->header_got;
    size_t of_header = GW_MIN(missing, n);
    if (of_header)
        assert_memory_equal(data, header + p->header_got, of_header);
    p->header_got += of_header;
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

/* The orderly plans: who ends first, and when. In TLS 1.2 a client that ends first ends both. */
static void end_orderly(struct model *m, struct peer *p)
{
    bool up_sent = p->up_sent == p->up_total;
    bool up_done = p->up_got == p->up_total;
    bool down_done = p->down_sent == p->down_total;
    if (p->plan == PLAN_CLIENT_FIRST) {
        if (up_sent)
            client_closes(m, p);
        if (backend_up(p) && gw_fake_peer_saw_fin(m->ring, p->backend_fd) && down_done)
            backend_fin(m, p);
        return;
    }
    if (backend_up(p) && down_done && (p->plan == PLAN_BACKEND_FIRST || up_done))
        backend_fin(m, p);
    if (!p->close_seen || !up_sent)
        return;
    if (p->plan != PLAN_JUST_CLOSES) {
        client_closes(m, p);
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
    if ((p->client_closed && !orderly(p)) || p->plan == PLAN_STALL)
        return;
    if (p->plan == PLAN_NOT_TLS || p->plan == PLAN_HANDSHAKE_CLOSE) {
        if (p->plan == PLAN_NOT_TLS && !p->broken)
            gw_fake_peer_send(m->ring, p->client_fd, http, sizeof(http) - 1);
        else if (!p->broken)
            gw_fake_peer_fin(m->ring, p->client_fd);
        p->broken = true;
        return;
    }
    if (!SSL_is_init_finished(p->ssl) || !rests(m, p, &p->client_sleeps))
        (void)wire_to_client(m, p);
    if (SSL_is_init_finished(p->ssl))
        step_connected(m, p);
    else
        (void)SSL_do_handshake(p->ssl);
    if (!p->broken)
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
    ERR_clear_error();
    if (!SSL_is_init_finished(p->ssl) && p->plan != PLAN_NOT_TLS)
        (void)SSL_do_handshake(p->ssl);
    if (SSL_is_init_finished(p->ssl))
        client_reads(p);
    while (backend_reads(m, p) > 0)
        ;
}

/* ---- begin ---- */

static void note_alert(const SSL *ssl, int where, int value)
{
    struct peer *p = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        p->alert = value & 0xff;
}

static void take_certificate(struct model *m, struct peer *p)
{
    const struct test_cert *cert = p->plan == PLAN_NOT_ALLOWED ? m->stranger : m->allowed;
    if (p->service != SERVICE_MUTUAL || p->plan == PLAN_NO_CERT)
        return;
    assert_int_equal(SSL_use_certificate(p->ssl, cert->x509), 1);
    assert_int_equal(SSL_use_PrivateKey(p->ssl, cert->key), 1);
}

void peer_begin(struct model *m, struct peer *p)
{
    p->ssl = SSL_new(m->client_ctx);
    assert_non_null(p->ssl);
    assert_int_equal(SSL_set_app_data(p->ssl, p), 1);
    SSL_set_info_callback(p->ssl, note_alert);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(p->ssl);
    if (below(m, 3) == 0)
        SSL_set_max_proto_version(p->ssl, TLS1_2_VERSION);
    take_certificate(m, p);
    bool trusted = p->plan != PLAN_NOT_ALLOWED && p->plan != PLAN_NO_CERT;
    if (trusted && m->sessions[p->service] && below(m, 2))
        (void)SSL_set_session(p->ssl, m->sessions[p->service]);
}
