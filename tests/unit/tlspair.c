/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tlspair.h"

#include "gateway/base/log.h"
#include "gateway/base/wipe.h"
#include "gateway/ktls/softrecord.h"
#include "gateway/tls/library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct test_cert *client_cert(const struct test_cert *issuer, const char *cn, long begins,
                                     long ends, const char *eku)
{
    return test_cert_new(&(struct test_cert_spec){
        .cn = cn,
        .ou = "ops",
        .san = "DNS:alice.test,URI:spiffe://test/alice,IP:192.0.2.1,email:alice@test",
        .eku = eku,
        .begins = begins,
        .ends = ends,
        .issuer = issuer,
    });
}

static struct gw_cert_pair write_pair(struct test_dir *dir, const char *name,
                                      const struct test_cert *cert)
{
    char file[64];
    struct gw_cert_pair pair;
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    pair.cert_file = test_dir_cert(dir, file, cert, NULL);
    (void)snprintf(file, sizeof(file), "%s.key", name);
    pair.key_file = test_dir_key(dir, file, cert);
    return pair;
}

static struct test_cert *server_cert(const struct tlsworld *w, const char *san, enum test_key key)
{
    return test_cert_new(&(struct test_cert_spec){
        .cn = "server", .san = san, .key = key, .eku = "serverAuth", .issuer = w->ca});
}

void tlsworld_choose_crypto(void)
{
    const char *crypto = getenv("KTLSGATE_TEST_CRYPTO");
    if (crypto && !strcmp(crypto, "library"))
        gw_tls_library_use(GW_CRYPTO_LIBRARY);
}

int tlsworld_setup(void **state)
{
    tlsworld_choose_crypto();
    struct tlsworld *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    w->dir = test_dir_new();
    w->ca = test_cert_new(&(struct test_cert_spec){.cn = "Test CA", .ca = true});
    w->foreign_ca = test_cert_new(&(struct test_cert_spec){.cn = "Foreign CA", .ca = true});
    w->server_ec = server_cert(w, "DNS:gate.test,DNS:*.wild.test", TEST_KEY_EC);
    w->server_rsa = server_cert(w, "DNS:gate.test,DNS:*.wild.test", TEST_KEY_RSA);
    w->other = server_cert(w, "DNS:other.test,DNS:exact.wild.test", TEST_KEY_EC);
    w->client = client_cert(w->ca, "alice", 0, 0, "clientAuth");
    w->client_other = client_cert(w->ca, "mallory", 0, 0, NULL);
    w->client_expired = client_cert(w->ca, "alice", -7200, -3600, "clientAuth");
    w->client_future = client_cert(w->ca, "alice", 3600, 7200, "clientAuth");
    w->client_foreign = client_cert(w->foreign_ca, "alice", 0, 0, "clientAuth");
    w->client_server_eku = client_cert(w->ca, "alice", 0, 0, "serverAuth");
    w->ca_file = test_dir_cert(w->dir, "ca.pem", w->ca, NULL);
    w->ec_pair = write_pair(w->dir, "ec", w->server_ec);
    w->rsa_pair = write_pair(w->dir, "rsa", w->server_rsa);
    w->other_pair = write_pair(w->dir, "other", w->other);
    *state = w;
    return 0;
}

int tlsworld_teardown(void **state)
{
    struct tlsworld *w = *state;
    struct test_cert *certs[] = {w->ca,
                                 w->foreign_ca,
                                 w->server_ec,
                                 w->server_rsa,
                                 w->other,
                                 w->client,
                                 w->client_other,
                                 w->client_expired,
                                 w->client_future,
                                 w->client_foreign,
                                 w->client_server_eku};
    for (size_t i = 0; i < GW_ARRAY_SIZE(certs); i++)
        test_cert_free(certs[i]);
    test_dir_free(w->dir);
    free(w);
    return 0;
}

/* Room for a few more than a side has at first; of the last dozens of sides only. */
static struct gw_cert_pair *fresh_pairs(void)
{
    static struct gw_cert_pair pairs[64][TLSWORLD_PAIRS_MAX];
    static unsigned next;
    return memset(pairs[next++ % GW_ARRAY_SIZE(pairs)], 0, sizeof(pairs[0]));
}

void tlsworld_side(const struct tlsworld *w, struct gw_tls_side *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->session_scope = "default";
    ret->certs = fresh_pairs();
    ret->certs[0] = w->ec_pair;
    ret->certs[1] = w->rsa_pair;
    ret->cert_count = 2;
    ret->tls_min = 0x0303;
    ret->tls_max = 0x0304;
    ret->verify_depth = GW_VERIFY_DEPTH_MAX;
    ret->session_tickets = true;
    ret->session_age_ns = INT64_C(86400) * 1000000000;
    ret->max_cert_chain = 24 << 10;
}

struct gw_ticket_keys *tlsworld_ticket_keys(void)
{
    struct gw_ticket_keys *keys = gw_wipe_shared_new(sizeof(*keys));
    assert_non_null(keys);
    assert_int_equal(gw_tickets_init(keys), 0);
    return keys;
}

struct gw_tls_context *tlsworld_context(const struct gw_tls_side *side, struct gw_ticket_keys *keys)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    struct gw_files *files = gw_files_new();
    if (gw_tls_context_new(&tls, side, keys, files, &err))
        fail_msg("%s", err.text);
    gw_log_notes(gw_files_notes(files));
    gw_files_free(files);
    return tls;
}

static bool answer(void *arg, const struct gw_identity *identity)
{
    struct tlspair *p = arg;
    (void)identity;
    p->asked++;
    return p->allow;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tlspair *p = SSL_get_app_data(ssl);
    SSL_SESSION_free(p->session);
    p->session = session;
    return 1; /* the reference is ours */
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct tlspair *p = SSL_get_app_data(ssl);
    if (where == SSL_CB_READ_ALERT)
        p->client_alert = value & 0xff;
}

SSL_CTX *tlspair_client_ctx(const struct tlsworld *w, int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    assert_true(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), w->ca->x509));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_set_info_callback(ctx, on_info);
    if (version) {
        assert_true(SSL_CTX_set_min_proto_version(ctx, version));
        assert_true(SSL_CTX_set_max_proto_version(ctx, version));
    }
    return ctx;
}

void tlspair_init(struct tlspair *p, struct gw_tls_context *tls, SSL_CTX *client_ctx,
                  SSL_SESSION *session)
{
    memset(p, 0, sizeof(*p));
    p->allow = true;
    p->client_alert = -1;
    p->server = gw_handshake_new(tls, answer, p);
    p->client = SSL_new(client_ctx);
    p->to_client = BIO_new(BIO_s_mem());
    p->from_client = BIO_new(BIO_s_mem());
    assert_true(p->server && p->client && p->to_client && p->from_client);
    BIO_set_mem_eof_return(p->to_client, -1);
    BIO_set_mem_eof_return(p->from_client, -1);
    SSL_set_bio(p->client, p->to_client, p->from_client);
    SSL_set_app_data(p->client, p);
    SSL_set_connect_state(p->client);
    char name[] = "gate.test";
    assert_true(SSL_set_tlsext_host_name(p->client, name));
    if (!session)
        return;
    /* A copy: libssl's client spoils a session once it got a better one. */
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    assert_true(copy && SSL_set_session(p->client, copy));
    SSL_SESSION_free(copy);
}

void tlspair_done(struct tlspair *p)
{
    gw_handshake_free(p->server);
    SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->client);
    SSL_SESSION_free(p->session);
    memset(p, 0, sizeof(*p));
}

void tlspair_show(SSL_CTX *client_ctx, const struct test_cert *cert)
{
    assert_int_equal(SSL_CTX_use_certificate(client_ctx, cert->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(client_ctx, cert->key), 1);
}

static size_t next_piece(struct tlspair *p)
{
    if (p->piece != TLSPAIR_RANDOM)
        return p->piece;
    p->seed = p->seed * 1103515245 + 12345;
    return 1 + (p->seed >> 16) % 300;
}

bool tlspair_to_server(struct tlspair *p)
{
    uint8_t buf[16384];
    bool moved = false;
    while (BIO_ctrl_pending(p->from_client)) {
        size_t want = p->piece ? next_piece(p) : sizeof(buf);
        int n = BIO_read(p->from_client, buf, (int)GW_MIN(want, sizeof(buf)));
        assert_true(n > 0);
        p->verdict = gw_handshake_input(p->server, buf, (size_t)n);
        moved = true;
        if (p->piece && p->verdict != GW_HANDSHAKE_MORE)
            break;
    }
    return moved;
}

bool tlspair_to_client(struct tlspair *p)
{
    const uint8_t *data;
    size_t len = gw_handshake_output(p->server, &data);
    if (!len)
        return false;
    /* As a socket would: some, then the rest. */
    size_t some = GW_MIN(len, 1000);
    assert_int_equal(BIO_write(p->to_client, data, (int)some), (int)some);
    assert_true(some <= sizeof(p->sent) - p->sent_len);
    memcpy(p->sent + p->sent_len, data, some);
    p->sent_len += some;
    gw_handshake_output_sent(p->server, some);
    return true;
}

enum gw_handshake_verdict tlspair_run(struct tlspair *p)
{
    bool moved = true;
    while (moved) {
        (void)SSL_do_handshake(p->client);
        moved = p->verdict == GW_HANDSHAKE_MORE && tlspair_to_server(p);
        while (tlspair_to_client(p))
            moved = true;
    }
    return p->verdict;
}

void tlspair_handover(struct tlspair *p)
{
    assert_int_equal(p->verdict, GW_HANDSHAKE_DONE);
    p->tickets = gw_handshake_tickets(p->server);
    while (tlspair_to_client(p))
        ;
    assert_int_equal(SSL_do_handshake(p->client), 1);
    assert_int_equal(gw_handshake_keys(p->server, &p->keys), 0);
    p->inbox_len = gw_handshake_unread(p->server, p->inbox, sizeof(p->inbox));
    gw_handshake_free(p->server);
    p->server = NULL;
}

/* One record out of the inbox; its content's length. */
static size_t open_record(struct tlspair *p, uint8_t *content)
{
    assert_true(p->inbox_len >= KTLS_SOFT_HEADER_LEN);
    size_t len = KTLS_SOFT_HEADER_LEN + ((size_t)p->inbox[3] << 8) + p->inbox[4];
    assert_true(p->inbox_len >= len);
    uint8_t type = 0;
    int n = ktls_soft_open(&p->keys.rx, p->inbox, len, &type, content);
    assert_true(n >= 0);
    assert_int_equal(type, 23);
    memmove(p->inbox, p->inbox + len, p->inbox_len - len);
    p->inbox_len -= len;
    return (size_t)n;
}

void tlspair_expect_from_client(struct tlspair *p, const void *data, size_t len)
{
    static uint8_t got[65536];
    uint8_t record[32768];
    size_t have = 0;
    int n =
        BIO_read(p->from_client, p->inbox + p->inbox_len, (int)(sizeof(p->inbox) - p->inbox_len));
    p->inbox_len += n > 0 ? (size_t)n : 0;
    while (have < len) {
        size_t some = open_record(p, record);
        memcpy(got + have, record, some);
        have += some;
    }
    assert_int_equal(have, len);
    assert_memory_equal(got, data, len);
}

void tlspair_send_to_client(struct tlspair *p, const void *data, size_t len)
{
    uint8_t record[16384 + KTLS_SOFT_OVERHEAD];
    uint8_t got[16384];
    int n = ktls_soft_seal(&p->keys.tx, 23, data, len, 0, record);
    assert_true(n > 0);
    assert_int_equal(BIO_write(p->to_client, record, n), n);
    int r = SSL_read(p->client, got, sizeof(got));
    assert_int_equal(r, (int)len);
    assert_memory_equal(got, data, len);
}

void tlspair_exchange(struct tlspair *p)
{
    static const size_t sizes[] = {1, 100, 16384, 7};
    uint8_t data[16384];
    for (size_t i = 0; i < GW_ARRAY_SIZE(sizes); i++) {
        memset(data, (int)i + 'a', sizeof(data));
        assert_int_equal(SSL_write(p->client, data, (int)sizes[i]), (int)sizes[i]);
        tlspair_expect_from_client(p, data, sizes[i]);
        tlspair_send_to_client(p, data, sizes[i]);
    }
}

SSL_SESSION *tlspair_take_session(struct tlspair *p)
{
    SSL_SESSION *session = p->session;
    p->session = NULL;
    return session;
}

void tlspair_succeed(struct tlspair *p)
{
    assert_int_equal(tlspair_run(p), GW_HANDSHAKE_DONE);
    tlspair_handover(p);
    tlspair_exchange(p);
}

bool tlspair_sigalgs(SSL_CTX *ctx, const char *list)
{
    return SSL_CTX_ctrl(ctx, SSL_CTRL_SET_SIGALGS_LIST, 0, (void *)(uintptr_t)list) == 1;
}

bool tlspair_name(struct tlspair *p, const char *name)
{
    return SSL_ctrl(p->client, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)name) == 1;
}
