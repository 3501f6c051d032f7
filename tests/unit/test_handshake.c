/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/handshake: every way a handshake can end well, and after each the derived keys and
 * sequence numbers open what the client writes and seal what it reads.
 */
#include "gateway/base/wipe.h"
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

static struct gw_ticket_keys *new_ticket_keys(void)
{
    struct gw_ticket_keys *keys = gw_wipe_shared_new(sizeof(*keys));
    assert_non_null(keys);
    assert_int_equal(gw_tickets_init(keys), 0);
    return keys;
}

static struct gw_tls_context *new_context(const struct gw_service *service,
                                          struct gw_ticket_keys *keys)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {0};
    if (gw_tls_context_new(&tls, service, keys, &err))
        fail_msg("%s", err.text);
    return tls;
}

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
    struct gw_service service;
    tlsworld_service(w, &service);
    struct gw_tls_context *tls = new_context(&service, NULL);
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

/* Full, then resumed twice, each with the tickets it should bring. */
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
        assert_int_equal(p.tickets, tls13 ? (round ? 1 : 2) : 0);
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
    struct gw_service service;
    tlsworld_service(w, &service);
    struct gw_ticket_keys *keys = new_ticket_keys();
    struct gw_tls_context *tls = new_context(&service, keys);
    for (size_t i = 0; i < GW_ARRAY_SIZE(suite_cases); i++)
        resumes(w, tls, &suite_cases[i]);
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite),
        cmocka_unit_test(every_suite_resumed),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
