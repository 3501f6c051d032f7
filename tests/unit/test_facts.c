/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/facts: the facts for a backend about a handshake, full and resumed. */
#include "gateway/base/wipe.h"
#include "tests/unit/tlspair.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static SSL_CTX *client_for(const struct tlsworld *w, int version, const char *sigalgs)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    if (sigalgs)
        assert_true(tlspair_sigalgs(ctx, sigalgs));
    return ctx;
}

/* The service has an ECDSA and an RSA certificate, both signed by an ECDSA key; what the client can
 * verify decides. */
static void our_certificate_and_signature(void **state)
{
    static const struct {
        int version;
        const char *sigalgs, *key_alg, *scheme;
    } rows[] = {
        {TLS1_3_VERSION, "ECDSA+SHA256", "EC256", "ecdsa_secp256r1_sha256"},
        {TLS1_3_VERSION, "rsa_pss_rsae_sha256:ECDSA+SHA384", "RSA2048", "rsa_pss_rsae_sha256"},
        {TLS1_3_VERSION, "rsa_pss_rsae_sha512:ECDSA+SHA384", "RSA2048", "rsa_pss_rsae_sha512"},
        {TLS1_2_VERSION, "ECDSA+SHA256", "EC256", "ecdsa_secp256r1_sha256"},
        {TLS1_2_VERSION, "RSA+SHA256", "RSA2048", "rsa_pkcs1_sha256"},
        {TLS1_2_VERSION, "RSA+SHA512", "RSA2048", "rsa_pkcs1_sha512"},
        {TLS1_2_VERSION, "rsa_pss_rsae_sha384", "RSA2048", "rsa_pss_rsae_sha384"},
    };
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        SSL_CTX *ctx = client_for(w, rows[i].version, rows[i].sigalgs);
        struct gw_handshake_facts facts;
        struct tlspair p;
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        assert_true(gw_handshake_get_facts(p.server, true, &facts));
        assert_string_equal(facts.key_alg, rows[i].key_alg);
        assert_string_equal(facts.sig_alg, "ecdsa-with-SHA256");
        assert_string_equal(facts.sig_scheme, rows[i].scheme);
        assert_string_equal(facts.sni, "gate.test");
        assert_int_equal(facts.alpn_len, 0);
        assert_int_equal(facts.cert_len, 0); /* none was shown */
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    gw_tls_context_free(tls);
}

static void other_keys(void **state)
{
    static const struct {
        enum test_key key;
        const char *key_alg, *sig_alg, *scheme;
    } rows[] = {
        {TEST_KEY_ED25519, "ED25519", "ED25519", "ed25519"},
        {TEST_KEY_RSA, "RSA2048", "RSA-SHA256", "rsa_pss_rsae_sha256"},
    };
    const struct tlsworld *w = *state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct test_dir *dir = test_dir_new();
        struct test_cert *own =
            test_cert_new(&(struct test_cert_spec){.cn = "own", .key = rows[i].key});
        struct gw_tls_side side;
        struct gw_handshake_facts facts;
        struct tlspair p;
        tlsworld_side(w, &side);
        side.cert_count = 1;
        side.certs[0] =
            (struct gw_cert_pair){test_dir_cert(dir, "c", own, NULL), test_dir_key(dir, "k", own)};
        struct gw_tls_context *tls = tlsworld_context(&side, NULL);
        SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        assert_true(tlspair_sigalgs(ctx, "ed25519:rsa_pss_rsae_sha256"));
        tlspair_init(&p, tls, ctx, NULL);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        assert_true(gw_handshake_get_facts(p.server, false, &facts));
        assert_string_equal(facts.key_alg, rows[i].key_alg);
        assert_string_equal(facts.sig_alg, rows[i].sig_alg);
        assert_string_equal(facts.sig_scheme, rows[i].scheme);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
        gw_tls_context_free(tls);
        test_cert_free(own);
        test_dir_free(dir);
    }
}

static void assert_is_cert(const struct gw_handshake_facts *facts, const struct test_cert *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert->x509, &der);
    assert_true(len > 0);
    assert_int_equal(facts->cert_len, len);
    assert_memory_equal(facts->cert, der, (size_t)len);
    OPENSSL_free(der);
}

/* A resumed session has the client's certificate of the full handshake, and nothing was signed.
 * The name is one that no certificate is for: in TLS 1.2 libssl forgets those in its sessions. */
static void resumed(const struct tlsworld *w, struct gw_tls_context *tls, int version)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    SSL_SESSION *session = NULL;
    tlspair_show(ctx, w->client);
    for (int round = 0; round < 2; round++) {
        struct gw_handshake_facts facts;
        struct tlspair p;
        tlspair_init(&p, tls, ctx, session);
        assert_true(tlspair_name(&p, "nobody.test"));
        assert_true(SSL_set_alpn_protos(p.client, (const unsigned char *)"\3a,b", 4) == 0);
        assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
        assert_int_equal(SSL_session_reused(p.client), round);
        assert_true(gw_handshake_get_facts(p.server, true, &facts));
        assert_is_cert(&facts, w->client);
        assert_string_equal(facts.sni, "nobody.test");
        assert_int_equal(facts.alpn_len, 3);
        assert_memory_equal(facts.alpn, "a,b", 3);
        assert_string_equal(facts.key_alg, round ? "" : "EC256");
        assert_string_equal(facts.sig_alg, round ? "" : "ecdsa-with-SHA256");
        assert_string_equal(facts.sig_scheme, round ? "" : "ecdsa_secp256r1_sha256");
        assert_true(gw_handshake_get_facts(p.server, true, &facts)); /* again is harmless */
        assert_is_cert(&facts, w->client);
        assert_true(gw_handshake_get_facts(p.server, false, &facts));
        tlspair_handover(&p);
        tlspair_exchange(&p);
        SSL_SESSION_free(session);
        session = tlspair_take_session(&p);
        tlspair_done(&p);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void full_and_resumed(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.cacerts[0] = w->ca_file;
    side.verify = GW_VERIFY_REQUIRED;
    side.alpn[0] = "a,b";
    side.alpn_count = 1;
    struct gw_ticket_keys *keys = tlsworld_ticket_keys();
    struct gw_tls_context *tls = tlsworld_context(&side, keys);
    resumed(w, tls, TLS1_2_VERSION);
    resumed(w, tls, TLS1_3_VERSION);
    gw_tls_context_free(tls);
    gw_wipe_pages_free(keys, sizeof(*keys));
}

/* 255 bytes is what TLS allows; the log's copy is shorter. */
static void a_long_name_is_whole(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_handshake_facts facts;
    struct gw_handshake_info info;
    struct tlspair p;
    char name[256];
    memset(name, 'n', sizeof(name) - 1);
    name[255] = '\0';
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, TLS1_3_VERSION);
    tlspair_init(&p, tls, ctx, NULL);
    assert_true(tlspair_name(&p, name));
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    assert_true(gw_handshake_get_facts(p.server, false, &facts));
    assert_string_equal(facts.sni, name);
    gw_handshake_get_info(p.server, &info);
    assert_int_equal(strlen(info.sni), sizeof(info.sni) - 1);
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

/* Without SNI there is none, also after a connection that had one. */
static void no_name(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_handshake_facts facts;
    struct tlspair p;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    tlspair_init(&p, tls, ctx, NULL);
    assert_true(tlspair_name(&p, NULL));
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    assert_true(gw_handshake_get_facts(p.server, false, &facts));
    assert_string_equal(facts.sni, "");
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    gw_tls_context_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_certificate_and_signature),
        cmocka_unit_test(other_keys),
        cmocka_unit_test(full_and_resumed),
        cmocka_unit_test(a_long_name_is_whole),
        cmocka_unit_test(no_name),
    };
    return cmocka_run_group_tests_name("facts", tests, tlsworld_setup, tlsworld_teardown);
}
