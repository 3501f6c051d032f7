/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/tls/library and policy: the system-wide openssl.cnf neither weakens nor breaks a service.
 * The configuration of this program says the opposite of the policy. It is tried both ways: when
 * the gateway initialises libssl (then nobody reads it), and, in a child of its own, when something
 * else in the process has made libssl read it before.
 */
#include "tests/support/folder.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char hostile[] = "openssl_conf = init\n"
                              "[init]\nssl_conf = ssl\n"
                              "[ssl]\nsystem_default = policy\n"
                              "[policy]\nMinProtocol = TLSv1.3\n"
                              "CipherString = NULL-SHA256:AES128-SHA:@SECLEVEL=0\n"
                              "Ciphersuites = TLS_AES_128_CCM_SHA256\n"
                              "Groups = P-521\n"
                              "SignatureAlgorithms = RSA+SHA1\n"
                              "Options = UnsafeLegacyRenegotiation,-SessionTicket\n";

/* A client that ignores the configuration too. */
static SSL_CTX *client(const struct tlsworld *w, int version)
{
    char groups[] = "X25519:P-256";
    char sigalgs[] = "ECDSA+SHA256";
    SSL_CTX *ctx = tlspair_client_ctx(w, version);
    assert_true(SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256"));
    assert_true(SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"));
    assert_true(SSL_CTX_set1_groups_list(ctx, groups));
    assert_true(SSL_CTX_set1_sigalgs_list(ctx, sigalgs));
    return ctx;
}

static void serves_as_ever(const struct tlsworld *w)
{
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    struct gw_tls_context *tls = tlsworld_context(&side, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = client(w, version);
        struct tlspair p;
        tlspair_init(&p, tls, ctx, NULL);
        tlspair_succeed(&p);
        tlspair_done(&p);
        SSL_CTX_free(ctx);
    }
    SSL_CTX *weak = tlspair_client_ctx(w, TLS1_2_VERSION);
    SSL_CTX_set_security_level(weak, 0);
    assert_true(SSL_CTX_set_cipher_list(weak, "AES128-SHA"));
    struct tlspair p;
    tlspair_init(&p, tls, weak, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_FAILED);
    assert_int_equal(gw_handshake_reason(p.server), GW_REASON_HANDSHAKE_CIPHER);
    tlspair_done(&p);
    SSL_CTX_free(weak);
    gw_tls_context_free(tls);
}

/* Whether the configuration of this program has been read. */
static bool conf_applies(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    bool applies = SSL_CTX_get_min_proto_version(ctx) == TLS1_3_VERSION;
    SSL_CTX_free(ctx);
    return applies;
}

static void gateway_first(void **state)
{
    /* Made before the certificates, which use libcrypto; it fails, but initialises. */
    struct gw_tls_context *tls = NULL;
    struct gw_tls_side nothing = {.session_scope = ""};
    assert_true(gw_tls_context_new(&tls, &nothing, NULL, NULL, NULL) < 0);
    assert_int_equal(tlsworld_setup(state), 0);
    assert_false(conf_applies());
    serves_as_ever(*state);
    (void)tlsworld_teardown(state);
}

static void conf_first(void **state)
{
    assert_true(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL));
    assert_int_equal(tlsworld_setup(state), 0);
    assert_true(conf_applies());
    serves_as_ever(*state);
    (void)tlsworld_teardown(state);
}

/* Each case begins with a libssl that nobody has touched. */
static void in_child(CMUnitTestFunction test)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test)};
        _exit(cmocka_run_group_tests(tests, NULL, NULL) != 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void nobody_reads_it(void **state)
{
    (void)state;
    in_child(gateway_first);
}

static void somebody_read_it_before(void **state)
{
    (void)state;
    in_child(conf_first);
}

int main(void)
{
    char path[FOLDER_MAX];
    (void)snprintf(path, sizeof(path), "%s/ktlsgate-conf-XXXXXX", gw_tmpdir());
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, hostile, sizeof(hostile) - 1) != (ssize_t)sizeof(hostile) - 1 ||
        close(fd) || setenv("OPENSSL_CONF", path, 1))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_reads_it),
        cmocka_unit_test(somebody_read_it_before),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
