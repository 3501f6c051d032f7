/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/handshake: every way a handshake can end well, and after each the derived keys and
 * sequence numbers open what the client writes and seal what it reads.
 */
#include "gateway/base/wipe.h"
#include "gateway/ktls/softrecord.h"
#include "gateway/tls/handshake_private.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct suite_case {
    int version;
    const char *suite; /* OpenSSL's name */
    char *sigalgs;
};

static char ecdsa[] = "ECDSA+SHA256"; /* libssl's macros take no const */
static char rsa[] = "rsa_pss_rsae_sha256";

static const struct suite_case suite_cases[] = {
    {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", ecdsa},
    {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", ecdsa},
    {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", ecdsa},
    {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", rsa},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", NULL},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", NULL},
    {TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", NULL},
    {TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", NULL},
    {TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", NULL},
};

static SSL_CTX *client_for(const struct tlsworld *w, const struct suite_case *c)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, c->version);
    if (c->version == TLS1_3_VERSION)
        assert_true(SSL_CTX_set_ciphersuites(ctx, c->suite));
    else
        assert_true(SSL_CTX_set_cipher_list(ctx, c->suite));
    if (c->sigalgs)
        assert_true(SSL_CTX_set1_sigalgs_list(ctx, c->sigalgs));
    return ctx;
}

static void every_suite(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (size_t i = 0; i < GW_ARRAY_SIZE(suite_cases); i++) {
        const struct suite_case *c = &suite_cases[i];
        SSL_CTX *ctx = client_for(w, c);
        struct tlspair p;
        struct gw_handshake_info info;
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        gw_handshake_get_info(p.server, &info);
        assert_string_equal(info.suite, c->suite);
        assert_string_equal(info.version, c->version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
        assert_string_equal(info.sni, "gate.test");
        assert_string_equal(info.alpn, "");
        assert_false(info.resumed);
        assert_false(info.ticket_sent);
        tlspair_handover(&p);
        assert_int_equal(p.tickets, 0);
        assert_int_equal(p.keys.role, GW_ROLE_SERVER);
        assert_int_equal(p.keys.rx.seq, c->version == TLS1_2_VERSION);
        assert_int_equal(p.keys.tx.seq, c->version == TLS1_2_VERSION);
        tlspair_exchange(&p);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

/* Full, then resumed twice, each with the ticket it should bring. */
static void resumes(const struct tlsworld *w, struct gw_tls_context *tls,
                    const struct suite_case *c)
{
    bool tls13 = c->version == TLS1_3_VERSION;
    SSL_CTX *ctx = client_for(w, c);
    SSL_SESSION *session = NULL;
    for (int round = 0; round < 3; round++) {
        struct tlspair p;
        struct gw_handshake_info info;
        tlspair_init(&p, tls, ctx, session);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        gw_handshake_get_info(p.server, &info);
        assert_int_equal(info.resumed, round > 0);
        assert_int_equal(info.ticket_sent, !tls13 && round == 0);
        tlspair_handover(&p);
        assert_int_equal(p.tickets, tls13 ? 1 : round == 0);
        assert_int_equal(p.keys.tx.seq, tls13 ? p.tickets : 1);
        assert_int_equal(p.keys.rx.seq, tls13 ? 0 : 1);
        tlspair_exchange(&p);
        assert_int_equal(SSL_session_reused(p.client), round > 0);
        SSL_SESSION *fresh = tlspair_take_session(&p);
        if (fresh) {
            SSL_SESSION_free(session);
            session = fresh;
        }
        assert_non_null(session);
        assert_true(SSL_SESSION_is_resumable(session));
        tlspair_done(&p);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void every_suite_resumed(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
    for (size_t i = 0; i < GW_ARRAY_SIZE(suite_cases); i++)
        resumes(w, tls, &suite_cases[i]);
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

/* The explicit nonce of the last record that the server sent: its Finished (RFC 5288 3). */
static uint64_t last_nonce(const struct tlspair *p)
{
    uint64_t nonce = 0;
    size_t at = 0;
    for (size_t len; at < p->sent_len; at += len) {
        len = 5 + ((size_t)p->sent[at + 3] << 8) + p->sent[at + 4];
        nonce = 0;
        for (size_t i = 0; i < 8 && len >= 13; i++)
            nonce = nonce << 8 | p->sent[at + 5 + i];
    }
    assert_int_equal(at, p->sent_len);
    return nonce;
}

/* A nonce used twice under AES-GCM gives the key away, and no peer notices. */
static void explicit_nonces_go_on_from_finished(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
    for (size_t i = 0; i < GW_ARRAY_SIZE(suite_cases); i++) {
        const struct suite_case *c = &suite_cases[i];
        if (!strstr(c->suite, "ECDHE") || !strstr(c->suite, "GCM"))
            continue;
        SSL_CTX *ctx = client_for(w, c);
        SSL_SESSION *session = NULL;
        for (int round = 0; round < 2; round++) {
            struct tlspair p;
            tlspair_init(&p, tls, ctx, session);
            assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
            tlspair_handover(&p);
            assert_int_equal(SSL_session_reused(p.client), round);
            assert_true(p.keys.tx.explicit_nonce == last_nonce(&p) + 1);
            if (!session)
                session = tlspair_take_session(&p);
            tlspair_done(&p);
        }
        SSL_SESSION_free(session);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

/* The client's keys of a TLS 1.2 handshake as the client knows them, before its first record. */
static void client_keys(const struct tlspair *p, struct ktls_keys *ret)
{
    uint8_t master[KTLS_MASTER_LEN];
    uint8_t client[KTLS_RANDOM_LEN];
    uint8_t server[KTLS_RANDOM_LEN];
    struct ktls_keys unused;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(p->client);
    SSL_SESSION_get_master_key(SSL_get_session(p->client), master, sizeof(master));
    SSL_get_client_random(p->client, client, sizeof(client));
    SSL_get_server_random(p->client, server, sizeof(server));
    assert_int_equal(ktls_derive_tls12(ktls_suite_find(SSL_CIPHER_get_protocol_id(cipher)), master,
                                       client, server, ret, &unused),
                     0);
    ret->seq = 0;
}

/* A client may cut its Finished into several records; each takes a sequence number. */
static void a_finished_in_two_records(void **state)
{
    struct gw_tls_side side;
    tlsworld_side(*state, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(*state, TLS1_2_VERSION);
    struct tlspair p;
    struct ktls_keys keys;
    uint8_t wire[4096];
    uint8_t finished[256];
    uint8_t again[256];
    uint8_t type = 0;
    tlspair_init(&p, tls, ctx, NULL);
    (void)SSL_do_handshake(p.client);
    assert_true(tlspair_to_server(&p));
    while (tlspair_to_client(&p))
        ;
    (void)SSL_do_handshake(p.client);
    client_keys(&p, &keys);
    int n = BIO_read(p.from_client, wire, sizeof(wire));
    int at = 0;
    while (at < n && wire[at] != 20)
        at += 5 + (wire[at + 3] << 8) + wire[at + 4];
    at += 6; /* past the ChangeCipherSpec */
    assert_int_equal(ktls_soft_open(&keys, wire + at, (size_t)(n - at), &type, finished), 16);
    assert_int_equal(type, 22);
    assert_int_equal(gw_handshake_input(p.server, wire, (size_t)at), GW_HANDSHAKE_MORE);
    keys.seq = 0;
    n = ktls_soft_seal(&keys, 22, finished, 5, 0, again);
    assert_int_equal(gw_handshake_input(p.server, again, (size_t)n), GW_HANDSHAKE_MORE);
    n = ktls_soft_seal(&keys, 22, finished + 5, 11, 0, again);
    p.verdict = gw_handshake_input(p.server, again, (size_t)n);
    tlspair_handover(&p);
    assert_int_equal(p.keys.rx.seq, 2);
    n = ktls_soft_seal(&keys, 23, "hello", 5, 0, again);
    assert_int_equal(ktls_soft_open(&p.keys.rx, again, (size_t)n, &type, finished), 5);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* Mutual TLS, full and resumed; the identity is the same both times. */
static void mutual(const struct tlsworld *w, struct gw_tls_context *tls, int version)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    SSL_SESSION *session = NULL;
    tlspair_show(ctx, w->client);
    for (int round = 0; round < 2; round++) {
        struct tlspair p;
        struct gw_identity id;
        struct gw_handshake_info info;
        tlspair_init(&p, tls, ctx, session);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        gw_handshake_get_info(p.server, &info);
        assert_int_equal(info.resumed, round);
        assert_true(gw_handshake_identity(p.server, &id));
        assert_true(id.present);
        assert_string_equal(gw_identity_first(&id, GW_NAME_CN), "alice");
        assert_string_equal(gw_identity_first(&id, GW_NAME_URI), "spiffe://test/alice");
        tlspair_handover(&p);
        assert_true(p.asked > 0);
        tlspair_exchange(&p);
        SSL_SESSION_free(session);
        session = tlspair_take_session(&p);
        tlspair_done(&p);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void mutual_full_and_resumed(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.cacerts[0] = w->ca_file;
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    for (int verify = GW_VERIFY_OPTIONAL; verify <= GW_VERIFY_REQUIRED; verify++) {
        side.verify = (enum gw_verify)verify;
        struct gw_tls_context *tls = tlsworld_context(&side, keys);
        mutual(w, tls, TLS1_2_VERSION);
        mutual(w, tls, TLS1_3_VERSION);
        gw_tls_context_free(tls);
    }
    gw_wipe_pages_free(keys, sizeof(*keys));
}

static void optional_takes_a_client_without_certificate(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.cacerts[0] = w->ca_file;
    side.verify = GW_VERIFY_OPTIONAL;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        struct tlspair p;
        struct gw_identity id;
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        assert_true(gw_handshake_identity(p.server, &id));
        assert_false(id.present);
        tlspair_succeed(&p);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

static void hello_retry_request(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.groups = "P-256";
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
    char groups[] = "X25519:P-256";
    assert_true(SSL_CTX_set1_groups_list(ctx, groups));
    struct tlspair p;
    struct gw_handshake_info info;
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    gw_handshake_get_info(p.server, &info);
    assert_string_equal(info.group, "secp256r1");
    tlspair_succeed(&p);
    assert_int_equal(p.keys.tx.seq, 1 + 4); /* a ticket, four records of the exchange */
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

static void x25519_in_both_versions(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        char groups[] = "X25519";
        struct tlspair p;
        struct gw_handshake_info info;
        assert_true(SSL_CTX_set1_groups_list(ctx, groups));
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        gw_handshake_get_info(p.server, &info);
        assert_string_equal(info.group, "x25519");
        tlspair_succeed(&p);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

/* Zero as the client's share makes the secret zero, whatever ours is: RFC 8446 7.4.2 has it refused
 * with illegal_parameter, 4.2.8.2 and RFC 7748 6.1 say how it is found. */
static void x25519_share_of_low_order(void **state)
{
    static const uint8_t head[] = {0, 0x1d, 0, 32};
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 47};
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
    char groups[] = "X25519";
    struct tlspair p;
    uint8_t hello[4096];
    const uint8_t *out;
    assert_true(SSL_CTX_set1_groups_list(ctx, groups));
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(SSL_do_handshake(p.client), -1);
    int len = BIO_read(p.from_client, hello, sizeof(hello));
    assert_true(len > 0);
    uint8_t *share = memmem(hello, (size_t)len, head, sizeof(head));
    assert_non_null(share);
    memset(share + sizeof(head), 0, 32);
    assert_int_equal(gw_handshake_input(p.server, hello, (size_t)len), GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_handshake_output(p.server, &out), sizeof(alert));
    assert_memory_equal(out, alert, sizeof(alert));
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* The client's Finished and `extra` bytes of what it writes next come in one piece. */
static void glued(const struct tlsworld *w, struct gw_tls_context *tls, int version, bool resumed,
                  size_t extra)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    SSL_SESSION *session = NULL;
    struct tlspair p;
    uint8_t data[1000];
    uint8_t wire[8192];
    memset(data, 'g', sizeof(data));
    if (resumed) {
        tlspair_init(&p, tls, ctx, NULL);
        tlspair_succeed(&p);
        session = tlspair_take_session(&p);
        tlspair_done(&p);
    }
    tlspair_init(&p, tls, ctx, session);
    assert_int_equal(SSL_do_handshake(p.client), -1);
    assert_true(tlspair_to_server(&p));
    while (tlspair_to_client(&p))
        ;
    assert_int_equal(SSL_do_handshake(p.client), 1);
    size_t finished = BIO_ctrl_pending(p.from_client);
    assert_int_equal(SSL_write(p.client, data, sizeof(data)), sizeof(data));
    int n = BIO_read(p.from_client, wire, (int)(finished + GW_MIN(extra, sizeof(data))));
    p.verdict = gw_handshake_input(p.server, wire, (size_t)n);
    assert_int_equal(p.verdict, GW_HANDSHAKE_DONE);
    tlspair_handover(&p);
    assert_int_equal(p.inbox_len, extra);
    tlspair_expect_from_client(&p, data, sizeof(data));
    tlspair_exchange(&p);
    tlspair_done(&p);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void client_data_glued_to_finished(void **state)
{
    static const size_t extras[] = {1, 4, 5, 6, 500, 1000};
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
    for (size_t i = 0; i < GW_ARRAY_SIZE(extras); i++) {
        glued(w, tls, TLS1_3_VERSION, false, extras[i]);
        glued(w, tls, TLS1_3_VERSION, true, extras[i]);
        glued(w, tls, TLS1_2_VERSION, true, extras[i]); /* full: the server's Finished is last */
    }
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

static void input_in_any_pieces(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.cacerts[0] = w->ca_file;
    side.verify = GW_VERIFY_REQUIRED;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, version);
        tlspair_show(ctx, w->client);
        for (unsigned seed = 0; seed < 20; seed++) {
            struct tlspair p;
            tlspair_init(&p, tls, ctx, NULL);
            p.piece = seed < 3 ? 1 + seed : TLSPAIR_RANDOM;
            p.seed = seed;
            tlspair_succeed(&p);
            tlspair_done(&p);
        }
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

static void alpn_is_chosen_in_our_order(void **state)
{
    static const unsigned char offered[] = "\x08http/1.1\x02h2";
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    for (int with = 0; with < 2; with++) {
        side.alpn[0] = "h2";
        side.alpn[1] = "http/1.1";
        side.alpn_count = with ? 2 : 0;
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        SSL_CTX *ctx = tlspair_client_ctx(w, 0);
        assert_int_equal(SSL_CTX_set_alpn_protos(ctx, offered, sizeof(offered) - 1), 0);
        struct tlspair p;
        struct gw_handshake_info info;
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        gw_handshake_get_info(p.server, &info);
        assert_string_equal(info.alpn, with ? "h2" : "");
        tlspair_done(&p);
        SSL_CTX_free(ctx);
        gw_tls_context_free(tls);
    }
}

/* A client without AES in hardware says so by putting ChaCha20 first. */
static void chacha_for_those_who_prefer_it(void **state)
{
    const struct tlsworld *w = *state;
    const struct {
        int version;
        const char *list;
        const char *chosen;
    } cases[] = {
        {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
         "TLS_CHACHA20_POLY1305_SHA256"},
        {TLS1_3_VERSION,
         "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
         "TLS_AES_128_GCM_SHA256",
         "TLS_AES_128_GCM_SHA256"},
        {TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256",
         "ECDHE-RSA-CHACHA20-POLY1305"},
        {TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
         "ECDHE-RSA-AES128-GCM-SHA256"},
    };
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (size_t i = 0; i < GW_ARRAY_SIZE(cases); i++) {
        struct suite_case c = {cases[i].version, cases[i].list, NULL};
        SSL_CTX *ctx = client_for(w, &c);
        struct tlspair p;
        tlspair_init(&p, tls, ctx, NULL);
        tlspair_succeed(&p);
        assert_string_equal(SSL_get_cipher_name(p.client), cases[i].chosen);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

/* Makes a certificate as large as one may be. */
static void fatten(X509 *cert)
{
    static const uint8_t bytes[90000];
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_true(value && ASN1_OCTET_STRING_set(value, bytes, sizeof(bytes)));
    X509_EXTENSION *fat = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, value);
    assert_true(fat && X509_add_ext(cert, fat, -1));
    X509_EXTENSION_free(fat);
    ASN1_OCTET_STRING_free(value);
}

/* A certificate chain of some 90 KiB, and much data glued to the Finished, all in one input: the
 * limit is on the handshake alone. */
static void a_long_chain_and_much_data(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.cacerts[0] = w->ca_file;
    side.verify = GW_VERIFY_REQUIRED;
    side.max_cert_chain = GW_CERT_CHAIN_BYTES_MAX;
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
    struct test_cert *fat =
        test_cert_new(&(struct test_cert_spec){.cn = "fat", .issuer = w->ca, .tweak = fatten});
    static uint8_t wire[GW_HANDSHAKE_BYTES_MAX * 2];
    static uint8_t data[60000];
    struct tlspair p;
    tlspair_show(ctx, fat);
    tlspair_init(&p, tls, ctx, NULL);
    (void)SSL_do_handshake(p.client);
    assert_true(tlspair_to_server(&p));
    while (tlspair_to_client(&p))
        ;
    assert_int_equal(SSL_do_handshake(p.client), 1);
    size_t handshake = BIO_ctrl_pending(p.from_client);
    assert_true(handshake > 90000);
    for (size_t i = 0; i < sizeof(data); i += 10000)
        assert_int_equal(SSL_write(p.client, data + i, 10000), 10000);
    int n = BIO_read(p.from_client, wire, sizeof(wire));
    assert_true(n > GW_HANDSHAKE_BYTES_MAX);
    p.verdict = gw_handshake_input(p.server, wire, (size_t)n);
    tlspair_handover(&p);
    assert_int_equal(p.inbox_len, (size_t)n - handshake);
    tlspair_expect_from_client(&p, data, sizeof(data));
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    test_cert_free(fat);
    gw_tls_context_free(tls);
}

/* Whatever comes after DONE is kept as unread, and keys come once and again the same. */
static void more_input_after_the_end(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    struct tlspair p;
    struct gw_handover_keys again;
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    assert_int_equal(SSL_write(p.client, "after", 5), 5);
    assert_true(tlspair_to_server(&p));
    assert_int_equal(p.verdict, GW_HANDSHAKE_DONE);
    assert_int_equal(gw_handshake_keys(p.server, &again), 0);
    tlspair_handover(&p);
    assert_memory_equal(&again, &p.keys, sizeof(again));
    tlspair_expect_from_client(&p, "after", 5);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* What malloc gets back, looked at before it does. */
void __real_free(void *p);
void __wrap_free(void *p);
static const struct gw_handshake *watched;
static bool watched_came, watched_was_zero;

void __wrap_free(void *p)
{
    static const struct gw_handshake wiped;
    if (p && p == watched) {
        watched_came = true;
        watched_was_zero = memcmp(p, &wiped, sizeof(wiped)) == 0;
    }
    __real_free(p);
}

/* It holds traffic secrets and, once a ticket is sealed, record keys. */
static void nothing_of_it_stays_in_memory(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (size_t i = 0; i < GW_ARRAY_SIZE(versions); i++) {
        SSL_CTX *ctx = tlspair_client_ctx(w, versions[i]);
        struct tlspair p;
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        assert_int_equal(p.server->secrets.server_len > 0, versions[i] == TLS1_3_VERSION);
        watched = p.server;
        watched_came = false;
        tlspair_done(&p);
        assert_true(watched_came);
        assert_true(watched_was_zero);
        watched = NULL;
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite),
        cmocka_unit_test(every_suite_resumed),
        cmocka_unit_test(explicit_nonces_go_on_from_finished),
        cmocka_unit_test(a_finished_in_two_records),
        cmocka_unit_test(mutual_full_and_resumed),
        cmocka_unit_test(optional_takes_a_client_without_certificate),
        cmocka_unit_test(hello_retry_request),
        cmocka_unit_test(x25519_in_both_versions),
        cmocka_unit_test(x25519_share_of_low_order),
        cmocka_unit_test(client_data_glued_to_finished),
        cmocka_unit_test(input_in_any_pieces),
        cmocka_unit_test(alpn_is_chosen_in_our_order),
        cmocka_unit_test(chacha_for_those_who_prefer_it),
        cmocka_unit_test(a_long_chain_and_much_data),
        cmocka_unit_test(more_input_after_the_end),
        cmocka_unit_test(nothing_of_it_stays_in_memory),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
