/* SPDX-License-Identifier: Apache-2.0 */
/* --ktls-without-rekey deny, inside a kernel with kTLS: one that cannot change keys gets no
 * connection of TLS 1.3, one that can gets them all. */
#include "gateway/base/error.h"
#include "tests/integration/check.h"
#include "tests/integration/stage.h"

#include "ktlsinstall.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/wait.h>

enum {
    BYTES = 100003,
};

static bool rekeys;

static int start(void **state)
{
    struct ktls_probe probe;
    rekeys = ktls_probe(&probe) == 0 && probe.rekey.works;
    return stage_start(state);
}

static struct gateway_options options_with(const char *records, const char *tls_max)
{
    return (struct gateway_options){
        .target = backend_port(backend),
        .flags = {"--ktls-without-rekey", "deny", "--records", records, "--tls-max", tls_max},
    };
}

/* Bytes there and back; what the log says of it, and the kernel's count of TX, too. */
static void visit(int version, const char *engine, const char *why)
{
    struct conn_line line;
    struct client c;
    long before = tls_stat("TlsTxSw");
    assert_true(before >= 0);
    stage_join(&c, &(struct client_options){.version = version});
    stage_echo(&c, BYTES);
    stage_leave(&c);
    gateway_expect(gateway, "finished", &line);
    assert_string_equal(line.tx, engine);
    assert_string_equal(line.rx, engine);
    assert_string_equal(line.engine_why, why);
    assert_int_equal(tls_stat("TlsTxSw") - before, strcmp(engine, "kernel") == 0);
}

static void only_what_keeps_its_key_runs_in_the_kernel(void **state)
{
    (void)state;
    struct gateway_options options = options_with("auto", "1.3");
    gateway = gateway_start(&options);
    visit(TLS1_2_VERSION, "kernel", "");
    if (rekeys)
        visit(TLS1_3_VERSION, "kernel", "");
    else
        visit(TLS1_3_VERSION, "user", "the kernel cannot change TLS 1.3 keys");
    gateway_stop(gateway);
}

/* It could serve no client of TLS 1.3, so it does not start. */
static void only_the_kernel_is_refused(void **state)
{
    int status = 0;
    (void)state;
    if (rekeys)
        skip_because("keys can be changed here");
    struct gateway_options options = options_with("kernel", "1.3");
    gateway = gateway_try(&options, &status);
    assert_int_equal(gateway->pid, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), GW_EXIT_START);
    gateway_expect_words(
        gateway,
        "--records kernel: this kernel cannot change TLS 1.3 keys, and --ktls-without-rekey deny "
        "requires that; use Linux 6.14 or newer, --tls-max 1.2, or --records auto");
}

static void only_the_kernel_without_tls13_starts(void **state)
{
    (void)state;
    struct gateway_options options = options_with("kernel", rekeys ? "1.3" : "1.2");
    gateway = gateway_start(&options);
    visit(rekeys ? TLS1_3_VERSION : TLS1_2_VERSION, "kernel", "");
    gateway_stop(gateway);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_keeps_its_key_runs_in_the_kernel),
        TEST(only_the_kernel_is_refused),
        TEST(only_the_kernel_without_tls13_starts),
    };
    return run_world("h_deny", tests);
}
