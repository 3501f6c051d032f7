/* SPDX-License-Identifier: Apache-2.0 */
/* Other people's clients: curl, openssl s_client and gnutls-cli move patterns through the gateway,
 * each byte checked at both ends. */
#include "tests/integration/check.h"
#include "tests/integration/harness.h"
#include "tests/integration/stage.h"
#include "tests/integration/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1024) * 1024)

enum {
    LIMIT_MS = 150000,
    WORDS = 32,
};

static int start(void **state)
{
    (void)state;
    (void)stage_start_with(
        &BACKEND_PLAN(.http = true, .up_seed = STAGE_SEED, .down_seed = STAGE_SEED));
    stage_serve(&(struct gateway_options){.workers = 1});
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

static uint64_t large(void)
{
    return (world_is_small() ? 64 : 1024) * MIB;
}

static void need(const char *program)
{
    char why[128];
    if (tool_exists(program))
        return;
    (void)snprintf(why, sizeof(why), "%s is not installed", program);
    skip_because(why);
}

static void run(const struct tool_work *work, struct tool_result *ret)
{
    tool_run(work, LIMIT_MS, ret);
    if (ret->exit != 0 || ret->wrong)
        fail_msg("%s: exit %d, %" PRIu64 " bytes right%s; it said: %s", work->words[0], ret->exit,
                 ret->output, ret->wrong ? ", then wrong ones" : "", ret->said);
}

/* ---- curl ---- */

static void curl(const char *version, uint64_t put, uint64_t get, const char *more, const char *arg)
{
    char url[96], length[64];
    struct tool_result result;
    (void)snprintf(url, sizeof(url), "https://localhost:%u/%" PRIu64, gateway->port, get);
    (void)snprintf(length, sizeof(length), "Content-Length: %" PRIu64, put);
    const char *words[WORDS] = {"curl",     "-sS", "--fail", "--http1.1", "--ipv4",
                                "--cacert", NULL,  version,  "--noproxy", "*",
                                url,        more,  arg,      NULL};
    words[6] = world_cert(ID_CA);
    const char *upload[] = {"-T", "-", "-H", "Transfer-Encoding:", "-H", "Expect:", "-H", length};
    if (put)
        memcpy(&words[more ? (arg ? 13 : 12) : 11], upload, sizeof(upload));
    run(&(struct tool_work){.words = words, .input = put, .seed = STAGE_SEED}, &result);
    assert_int_equal(result.output, get);
}

static void curl_gets_and_puts(void **state)
{
    struct conn_line line;
    (void)state;
    need("curl");
    for (int i = 0; i < 2; i++) {
        const char *max = i ? "--tls-max" : NULL;
        curl(i ? "--tlsv1.2" : "--tlsv1.3", 0, MIB + 1, max, max ? "1.2" : NULL);
        gateway_expect(gateway, "finished", &line);
        assert_string_equal(line.version, i ? "TLSv1.2" : "TLSv1.3");
        assert_true(line.bytes_down > MIB);
        curl(i ? "--tlsv1.2" : "--tlsv1.3", MIB + 1, 0, max, max ? "1.2" : NULL);
        gateway_expect(gateway, "finished", &line);
        assert_true(line.bytes_up > MIB);
    }
    gateway_stop(gateway);
}

static void curl_moves_much(void **state)
{
    (void)state;
    need("curl");
    curl("--tlsv1.3", 0, large(), NULL, NULL);
    gateway_expect(gateway, "finished", NULL);
    curl("--tlsv1.3", large(), 0, NULL, NULL);
    gateway_expect(gateway, "finished", NULL);
    gateway_stop(gateway);
}

/* ---- openssl s_client ---- */

/* fragment: the max_fragment_length that the client asks for, NULL: none. */
static void s_client(const char *version, const char *fragment, uint64_t up, uint64_t down)
{
    char address[32];
    struct tool_result result;
    struct backend_account a;
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", gateway->port);
    const char *words[] = {"openssl",
                           "s_client",
                           "-connect",
                           address,
                           "-CAfile",
                           world_cert(ID_CA),
                           version,
                           "-servername",
                           "localhost",
                           "-quiet",
                           "-verify_return_error",
                           "-nocommands",
                           up ? "-no_ign_eof" : "-ign_eof",
                           fragment ? "-maxfraglen" : NULL,
                           fragment,
                           NULL};
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = STAGE_SEED, .down_seed = STAGE_SEED,
                                            .down_bytes = down, .fin_after_up = up));
    run(
        &(struct tool_work){
            .words = words, .input = up, .seed = STAGE_SEED, .input_stays_open = !up},
        &result);
    assert_int_equal(result.output, down);
    assert_true(backend_await(backend, 0, &a));
    assert_false(a.wrong);
    assert_int_equal(a.received, up);
    gateway_expect(gateway, "finished", NULL);
}

static void openssl_sends_and_receives(void **state)
{
    (void)state;
    need("openssl");
    s_client("-tls1_3", NULL, 0, MIB + 1);
    s_client("-tls1_2", NULL, 0, MIB + 1);
    s_client("-tls1_3", NULL, MIB + 1, 0);
    s_client("-tls1_2", NULL, MIB + 1, 0);
    gateway_stop(gateway);
}

/* Larger records than it asked for make the client end with record_overflow. */
static void openssl_gets_records_as_small_as_it_asks_for(void **state)
{
    (void)state;
    need("openssl");
    s_client("-tls1_3", "512", 0, 100000);
    s_client("-tls1_2", "512", 0, 100000);
    s_client("-tls1_3", "4096", 0, MIB + 1);
    gateway_stop(gateway);
}

static void openssl_moves_much(void **state)
{
    (void)state;
    need("openssl");
    s_client("-tls1_3", NULL, 0, large());
    s_client("-tls1_3", NULL, large(), 0);
    gateway_stop(gateway);
}

/* ---- gnutls-cli ---- */

static void gnutls(const char *priority, uint64_t down)
{
    char port[16], head[96];
    struct tool_result result;
    (void)snprintf(port, sizeof(port), "%u", gateway->port);
    (void)snprintf(head, sizeof(head), "GET /%" PRIu64 " HTTP/1.1\r\nConnection: close\r\n\r\n",
                   down);
    const char *words[] = {"gnutls-cli",   "--logfile=/dev/null",
                           "--x509cafile", world_cert(ID_CA),
                           "--priority",   priority,
                           "-p",           port,
                           "localhost",    NULL};
    run(&(struct tool_work){.words = words,
                            .head = head,
                            .skip = "\r\n\r\n",
                            .seed = STAGE_SEED,
                            .input_stays_open = true},
        &result);
    assert_int_equal(result.output, down);
    gateway_expect(gateway, "finished", NULL);
}

static void gnutls_receives(void **state)
{
    /* It writes what it got one byte a system call, which are slow in the test kernel. */
    const uint64_t bytes = world_is_small() ? 60001 : MIB + 1;
    (void)state;
    need("gnutls-cli");
    backend_set_plan(backend,
                     &BACKEND_PLAN(.http = true, .up_seed = STAGE_SEED, .down_seed = STAGE_SEED));
    gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.3", bytes);
    gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2", bytes);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(curl_gets_and_puts),         TEST(curl_moves_much),
        TEST(openssl_sends_and_receives), TEST(openssl_gets_records_as_small_as_it_asks_for),
        TEST(openssl_moves_much),         TEST(gnutls_receives),
    };
    return run_world("g_tools", tests);
}
