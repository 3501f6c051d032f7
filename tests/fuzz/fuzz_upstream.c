/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client role against a server that may be anybody: a real one, whose flights are changed on
 * their way, its tickets too. Input: what the server is like (1 byte), bytes at a time (1), then
 * for each of its flights the number of edits and the edits.
 */
#include "gateway/base/limits.h"
#include "gateway/ktls/softrecord.h"
#include "tests/fuzz/client.h"
#include "tests/fuzz/edits.h"
#include "tests/fuzz/fixed_random.h"
#include "tests/fuzz/target.h"

#include <openssl/err.h>

enum {
    CONTENT_DATA = 23,
    RECORD_MAX = GW_RECORD_PLAINTEXT_MAX + KTLS_SOFT_OVERHEAD,
    TICKET_KEYS = 80, /* bytes, as libssl wants them */
};

static struct gw_tls_context *make_context(void)
{
    static struct gw_tls_side side; /* too large for a stack */
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    side = (struct gw_tls_side){
        .session_scope = "fuzz",
        .role = GW_ROLE_CLIENT,
        .peer_name = "a.gate.test",
        .cacerts[0] = fuzz_world()->ca_file,
        .verify = GW_VERIFY_REQUIRED,
        .tls_min = 0x0303,
        .tls_max = 0x0304,
        .session_tickets = true,
        .session_age_ns = INT64_C(86400) * 1000000000,
        .max_cert_chain = 24 << 10,
    };
    gw_require(gw_tls_context_new(&tls, &side, NULL, NULL, &err) == 0);
    return tls;
}

/* Each has ticket keys of its own: those that libssl makes of a fixed random may be another's,
 * whose sessions it would resume then. */
static SSL_CTX *make_server(int version, bool right_name)
{
    const struct fuzz_world *w = fuzz_world();
    unsigned char keys[TICKET_KEYS] = {(unsigned char)version, right_name};
    const struct gw_cert_pair *pair = right_name ? &w->pair : &w->other_pair;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    gw_require(ctx && SSL_CTX_set_min_proto_version(ctx, version) == 1);
    gw_require(SSL_CTX_set_max_proto_version(ctx, version) == 1);
    gw_require(SSL_CTX_use_certificate_file(ctx, pair->cert_file, SSL_FILETYPE_PEM) == 1);
    gw_require(SSL_CTX_use_PrivateKey_file(ctx, pair->key_file, SSL_FILETYPE_PEM) == 1);
    gw_require(SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof(keys)) == 1);
    return ctx;
}

struct upstream {
    struct gw_handshake *hs;
    SSL *server;
    BIO *to_server, *from_server;
    enum gw_handshake_verdict verdict;
    size_t piece;
    struct gw_reader *r;
};

static void take_output(struct upstream *u)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(u->hs, &data);
    if (len > 0)
        gw_require(BIO_write(u->to_server, data, (int)len) == (int)len);
    gw_handshake_output_sent(u->hs, len);
}

/* The server's next flight, changed; false when it has nothing to say. */
static bool next_flight(struct upstream *u, struct edited *ret)
{
    char *data = NULL;
    long len = BIO_get_mem_data(u->from_server, &data);
    if (len <= 0)
        return false;
    unsigned edits = gw_read_u8(u->r) % 8;
    *ret = edit_copy(data, (size_t)len, edits, u->r);
    (void)BIO_reset(u->from_server);
    return true;
}

static void run(struct upstream *u)
{
    struct edited e;
    u->verdict = gw_handshake_begin(u->hs);
    gw_require(u->verdict == GW_HANDSHAKE_MORE);
    for (;;) {
        take_output(u);
        (void)SSL_do_handshake(u->server);
        if (u->verdict != GW_HANDSHAKE_MORE || !next_flight(u, &e))
            break;
        size_t piece = u->piece ? u->piece : GW_MAX(e.len, 1U);
        for (size_t at = 0; at < e.len && u->verdict != GW_HANDSHAKE_FAILED; at += piece) {
            u->verdict = gw_handshake_input(u->hs, e.data + at, GW_MIN(piece, e.len - at));
            take_output(u);
        }
        free(e.data);
    }
    ERR_clear_error(); /* the server's own */
}

/* Opens what came behind the handshake, as the record layer does it, and shows it first. */
static void show_records(struct upstream *u, struct ktls_keys *keys, const uint8_t *data,
                         size_t len)
{
    static uint8_t body[RECORD_MAX];
    while (len >= GW_RECORD_HEADER) {
        size_t size = GW_RECORD_HEADER + (size_t)(data[3] << 8 | data[4]);
        uint8_t type = 0;
        if (size > len || size > RECORD_MAX)
            return;
        if (gw_handshake_wants_tickets(u->hs))
            (void)gw_handshake_show(u->hs, data, size);
        gw_require(gw_handshake_sessions(u->hs) <= 2);
        if (ktls_soft_open(keys, data, size, &type, body) < 0)
            return;
        data += size;
        len -= size;
    }
}

static void check_keys(struct upstream *u)
{
    static const char ping[] = "ping";
    static uint8_t unread[1 << 16];
    uint8_t record[64 + KTLS_SOFT_OVERHEAD], got[64];
    struct gw_handover_keys keys;
    struct edited e;
    gw_require(gw_handshake_keys(u->hs, &keys) == 0 && keys.role == GW_ROLE_CLIENT);
    take_output(u);
    gw_require(SSL_do_handshake(u->server) == 1);
    int n = ktls_soft_seal(&keys.tx, CONTENT_DATA, ping, sizeof(ping), 0, record);
    gw_require(n > 0 && BIO_write(u->to_server, record, n) == n);
    gw_require(SSL_read(u->server, got, sizeof(got)) == sizeof(ping));
    show_records(u, &keys.rx, unread, gw_handshake_unread(u->hs, unread, sizeof(unread)));
    if (next_flight(u, &e)) {
        show_records(u, &keys.rx, e.data, e.len);
        free(e.data);
    }
}

static void check_end(struct upstream *u, bool right_name)
{
    static struct gw_identity id;
    struct gw_handover_keys keys;
    if (u->verdict == GW_HANDSHAKE_DONE) {
        gw_require(right_name); /* nobody else has a certificate for it */
        gw_require(gw_handshake_identity(u->hs, &id) && id.present);
        check_keys(u);
        return;
    }
    gw_require(gw_handshake_keys(u->hs, &keys) < 0);
    if (u->verdict == GW_HANDSHAKE_FAILED)
        gw_require(gw_handshake_reason(u->hs) != GW_REASON_NONE &&
                   gw_handshake_reason(u->hs) != GW_REASON_INTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_tls_context *tls;
    static SSL_CTX *servers[4];
    struct gw_reader r = gw_reader_of(data, size);
    uint8_t like = gw_read_u8(&r) % 4;
    bool right_name = !(like & 2);
    if (!tls)
        tls = make_context();
    if (!servers[like])
        servers[like] = make_server(like & 1 ? TLS1_2_VERSION : TLS1_3_VERSION, right_name);
    fixed_random_start();
    struct upstream u = {.r = &r, .piece = gw_read_u8(&r)};
    u.hs = gw_handshake_new(tls, NULL, NULL);
    u.server = SSL_new(servers[like]);
    u.to_server = BIO_new(BIO_s_mem());
    u.from_server = BIO_new(BIO_s_mem());
    gw_require(u.hs && u.server && u.to_server && u.from_server);
    BIO_set_mem_eof_return(u.to_server, -1);
    SSL_set_bio(u.server, u.to_server, u.from_server);
    SSL_set_accept_state(u.server);
    run(&u);
    check_end(&u, right_name);
    gw_handshake_free(u.hs);
    SSL_free(u.server);
    ERR_clear_error();
    return 0;
}
