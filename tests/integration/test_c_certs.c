/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of server certificates, as openssl s_client and curl see it: by name, with the stapled
 * response, and with names that nobody has. */
#include "tests/integration/check.h"
#include "tests/integration/stage.h"
#include "tests/integration/tool.h"
#include "tests/unit/certs.h"
#include "tests/unit/responder.h"

#include <stdio.h>
#include <string.h>

enum {
    LIMIT_MS = 60000
};

static struct test_dir *dir;
static const char *ca_file, *folder;

static void make_files(void)
{
    struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true});
    struct test_cert *a =
        test_cert_new(&(struct test_cert_spec){.san = "DNS:a.test", .issuer = ca});
    struct test_cert *b = test_cert_new(
        &(struct test_cert_spec){.san = "DNS:*.b.test", .key = TEST_KEY_RSA, .issuer = ca});
    dir = test_dir_new();
    ca_file = test_dir_cert(dir, "ca.pem", ca, NULL);
    folder = test_dir_folder(dir, "certs");
    (void)test_dir_bundle(dir, "certs/a.pem", a, ca);
    (void)test_dir_ocsp(dir, "certs/a.pem.ocsp", &(struct test_ocsp_spec){a});
    (void)test_dir_folder(dir, "certs/b");
    (void)test_dir_cert(dir, "certs/b/tls.crt", b, NULL);
    (void)test_dir_key_encrypted(dir, "certs/b/tls.key", b, "secret", EVP_aes_256_cbc());
    (void)test_dir_file(dir, "phrase", "secret\n", 7);
    test_cert_free(b);
    test_cert_free(a);
    test_cert_free(ca);
}

static int start_with(const char *strict)
{
    static char phrase[512];
    make_files();
    (void)snprintf(phrase, sizeof(phrase), "%s/phrase", test_dir_path(dir));
    (void)stage_start_with(&BACKEND_PLAN(.http = true));
    stage_serve(&(struct gateway_options){
        .flags = {"--cert-dir", folder, "--key-pass-file", phrase, strict}});
    return 0;
}

static int start(void **state)
{
    (void)state;
    return start_with("--strict-sni");
}

static int start_unknown(void **state)
{
    (void)state;
    return start_with("--strict-sni=unknown");
}

static int stop(void **state)
{
    test_dir_free(dir);
    dir = NULL;
    return stage_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void need(const char *program)
{
    char why[128];
    if (tool_exists(program))
        return;
    (void)snprintf(why, sizeof(why), "%s is not installed", program);
    skip_because(why);
}

/* One handshake of openssl s_client that asks for this name (NULL: none), and what it printed. */
static int s_client(const char *version, const char *name, const char *host,
                    struct tool_result *ret)
{
    char address[32];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", gateway->port);
    const char *words[] = {"openssl",
                           "s_client",
                           "-connect",
                           address,
                           "-CAfile",
                           ca_file,
                           version,
                           "-status",
                           "-verify_return_error",
                           "-verify_hostname",
                           host,
                           name ? "-servername" : "-noservername",
                           name,
                           NULL};
    tool_run(&(struct tool_work){.words = words}, LIMIT_MS, ret);
    return ret->exit;
}

static void has(const struct tool_result *r, const char *words)
{
    if (!strstr(r->heard, words) && !strstr(r->said, words))
        fail_msg("'%s' is not in:\n%s\n%s", words, r->heard, r->said);
}

static void names_choose_certificates_and_responses(void **state)
{
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    struct tool_result r;
    (void)state;
    need("openssl");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s_client(versions[i], "a.test", "a.test", &r), 0);
        has(&r, "OCSP Response Status: successful");
        has(&r, "Cert Status: good");
        has(&r, "Verify return code: 0 (ok)");
        assert_int_equal(s_client(versions[i], "x.b.test", "x.b.test", &r), 0);
        has(&r, "OCSP response: no response sent");
        has(&r, "Verify return code: 0 (ok)");
    }
}

static void is_refused(const char *version, const char *name)
{
    struct tool_result r;
    struct conn_line line;
    assert_int_not_equal(s_client(version, name, "a.test", &r), 0);
    has(&r, "unrecognized name");
    gateway_expect(gateway, "handshake-sni", &line);
    assert_string_equal(line.sni, name ? name : "");
}

static void other_names_are_refused(void **state)
{
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    static const char *const names[] = {"c.test", "b.test", "x.y.b.test", NULL};
    (void)state;
    need("openssl");
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 4; i++)
            is_refused(versions[v], names[i]);
}

static void who_asks_for_no_name_may_be_served(void **state)
{
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    struct tool_result r;
    (void)state;
    need("openssl");
    for (int v = 0; v < 2; v++) {
        is_refused(versions[v], "c.test");
        const char *folders = ca_file;
        ca_file = world_cert(ID_CA); /* the first --cert comes before what is in the folder */
        assert_int_equal(s_client(versions[v], NULL, "localhost", &r), 0);
        has(&r, "Verify return code: 0 (ok)");
        ca_file = folders;
        gateway_expect(gateway, "finished", NULL);
        assert_int_equal(s_client(versions[v], "x.b.test", "x.b.test", &r), 0);
        gateway_expect(gateway, "finished", NULL);
    }
}

static void curl_finds_them_by_name(void **state)
{
    static const char *const hosts[] = {"a.test", "x.b.test"};
    (void)state;
    need("curl");
    for (int i = 0; i < 2; i++) {
        char url[96], resolve[96];
        struct tool_result r;
        (void)snprintf(url, sizeof(url), "https://%s:%u/0", hosts[i], gateway->port);
        (void)snprintf(resolve, sizeof(resolve), "%s:%u:127.0.0.1", hosts[i], gateway->port);
        const char *words[] = {"curl",  "-sS",       "--fail", "--noproxy", "*", "--cacert",
                               ca_file, "--resolve", resolve,  url,         NULL};
        tool_run(&(struct tool_work){.words = words}, LIMIT_MS, &r);
        if (r.exit != 0)
            fail_msg("curl: exit %d: %s", r.exit, r.said);
        gateway_expect(gateway, "finished", NULL);
    }
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_choose_certificates_and_responses),
        TEST(other_names_are_refused),
        cmocka_unit_test_setup_teardown(who_asks_for_no_name_may_be_served, start_unknown, stop),
        TEST(curl_finds_them_by_name),
    };
    return run_world("c_certs", tests);
}
