/* SPDX-License-Identifier: Apache-2.0 */
/* A libcrypto that computes our own algorithms wrongly, under the real program: it reports what
 * differs and continues with libcrypto alone, and no byte is wrong. Also the keys in the memory of
 * an idle worker. */
#include "gateway/base/attr.h"
#include "gateway/base/compat.h"
#include "gateway/crypto/provider.h"
#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/crypto_fault.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ECHO_BYTES = 100000,
    WIPED_MS = 6000, /* a key made ahead lives for two seconds */
};

static void preload(const char *fault)
{
    const char *library = getenv("CRYPTO_FAULT");
    if (GW_WITH_ASAN)
        skip_because("the address sanitizer has to be loaded first");
    if (!gw_provider_is_built())
        skip_because("this build has no algorithms of our own");
    if (!library)
        skip_because("there is nothing to preload");
    (void)setenv("LD_PRELOAD", library, 1);
    (void)setenv(CRYPTO_FAULT, fault, 1);
}

static int stop(void **state)
{
    (void)unsetenv("LD_PRELOAD");
    (void)unsetenv(CRYPTO_FAULT);
    return stage_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_start, stop)

static void serve_with(const char *fault)
{
    preload(fault);
    stage_serve(&(struct gateway_options){.workers = 1});
    (void)unsetenv("LD_PRELOAD"); /* clients are the test's own */
}

/* A connection, and one more that resumes its session. */
static void connect_twice(int version, const char *suite)
{
    struct client c;
    struct client_options options = {.version = version, .suite = suite};
    stage_join(&c, &options);
    stage_echo(&c, ECHO_BYTES);
    options.session = client_take_session(&c);
    assert_non_null(options.session);
    stage_leave(&c);
    stage_join(&c, &options);
    assert_true(client_resumed(&c));
    stage_echo(&c, ECHO_BYTES);
    stage_leave(&c);
    SSL_SESSION_free(options.session);
}

static void each_fault_costs_speed_alone(void **state)
{
    static const struct {
        const char *function, *what;
    } rows[] = {
        {"SHA256_Init", "HMAC does not compute the keys of RFC 5869"},
        {"SHA256_Update", "HMAC does not compute the keys of RFC 5869"},
        {"SHA256_Final", "HMAC does not compute the keys of RFC 5869"},
        {"SHA384_Update", "the key schedule of TLS 1.3 differs from libcrypto's"},
        {"SHA384_Final", "the key schedule of TLS 1.3 differs from libcrypto's"},
        {"OSSL_PROVIDER_query_operation", "libcrypto has no "},
        {"OSSL_PROVIDER_get_capabilities", "its self-test could not run"},
        {"OSSL_PROVIDER_add_builtin", ""},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char want[256];
        serve_with(rows[i].function);
        (void)snprintf(want, sizeof(want), "libcrypto alone, because %s", rows[i].what);
        gateway_expect_words(gateway, want);
        connect_twice(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256");
        connect_twice(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384");
        connect_twice(TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256");
        connect_twice(TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384");
        gateway_stop(gateway);
    }
}

/* ---- keys in memory ---- */

/* How often the known private key lies in what the process may write to. Its first and last bytes
 * differ in a key that was made fit for use (RFC 7748 5). */
static unsigned keys_in(pid_t pid)
{
    static char piece[1 << 20];
    enum {
        LEN = CRYPTO_FAULT_KEY_LEN - 2
    };
    const char *key = &CRYPTO_FAULT_KEY[1];
    char path[64], row[512];
    unsigned found = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    (void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    FILE *memory = fopen(path, "re");
    assert_true(maps && memory);
    while (fgets(row, sizeof(row), maps)) {
        unsigned long at, end;
        if (sscanf(row, "%lx-%lx rw", &at, &end) != 2 || !strstr(row, " rw"))
            continue;
        while (at < end) {
            size_t want = end - at < sizeof(piece) ? end - at : sizeof(piece);
            size_t got = fseek(memory, (long)at, SEEK_SET) ? 0 : fread(piece, 1, want, memory);
            for (char *hit = piece; got >= LEN; found++, hit++) {
                hit = memmem(hit, got - (size_t)(hit - piece), key, LEN);
                if (!hit)
                    break;
            }
            if (got < want || got == end - at)
                break;
            at += got - LEN; /* a key may lie across the two */
        }
    }
    (void)fclose(maps);
    (void)fclose(memory);
    return found;
}

/* In TLS 1.2 the server keeps its private key until the client's public key comes. If the client
 * sends that in its first step, because the server answered so soon, it is too late to look. */
static bool keys_were_seen(void)
{
    struct client c;
    client_open(&c, &(struct client_options){.port = gateway->port, .version = TLS1_2_VERSION});
    bool waits =
        client_step_handshake(&c) == POLLIN && net_await(c.fd, POLLIN, net_now_ms() + DEADLINE_MS);
    bool seen = waits && keys_in(stage_worker()) > 0;
    client_close(&c);
    return seen;
}

static void an_idle_worker_has_no_keys(void **state)
{
    struct client c;
    bool seen = false;
    (void)state;
    serve_with(CRYPTO_FAULT_KEYS);
    for (int i = 0; i < 4; i++) { /* more than one, so that keys are made ahead */
        stage_join(&c, &(struct client_options){.version = TLS1_3_VERSION});
        stage_leave(&c);
    }
    for (int i = 0; i < 20 && !seen; i++)
        seen = keys_were_seen();
    assert_true(seen);
    int64_t deadline = net_now_ms() + WIPED_MS;
    while (keys_in(stage_worker()) && net_now_ms() < deadline)
        (void)poll(NULL, 0, 50);
    assert_int_equal(keys_in(stage_worker()), 0);
    gateway_stop(gateway);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_fault_costs_speed_alone),
        TEST(an_idle_worker_has_no_keys),
    };
    return run_world("l_crypto", tests);
}
