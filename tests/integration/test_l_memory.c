/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail, in the real program, at any place: it starts or reports why not; a
 * connection continues or ends with a reason; later ones are not affected; nothing leaks; and no
 * refused peer gets in. */
#include "gateway/base/compat.h"
#include "tests/integration/alloc_account.h"
#include "tests/integration/attempt.h"
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ECHO_BYTES = 40000,
    THREADS = 4,
};

static struct alloc_fault *fault;

/* ---- faults ---- */

static uint64_t get(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void set(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static void no_faults(void)
{
    set(&fault->at, 0);
    set(&fault->until, 0);
    set(&fault->every, 0);
}

/* Calls from the first-th to the last-th of those that come now fail. */
static void fail_calls(uint64_t first, uint64_t last)
{
    no_faults();
    set(&fault->calls, 0);
    set(&fault->failed, 0);
    set(&fault->until, last);
    set(&fault->at, first);
}

static int start(void **state)
{
    fault = alloc_account_open();
    return fault ? stage_start(state) : -1;
}

static int stop(void **state)
{
    no_faults();
    (void)stage_stop(state);
    alloc_account_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static struct gateway_options gateway_options(void)
{
    return (struct gateway_options){
        .target = backend_port(backend),
        .flags = {"--cacert", world_cert(ID_CA), "--allow-cn", "alice", "--handshake-timeout",
                  "60s", "--log-rate", "1000000"},
    };
}

static void serve(void)
{
    const struct gateway_options options = gateway_options();
    if (GW_WITH_ASAN)
        skip_because("the address sanitizer has its own malloc");
    if (!getenv("ALLOC_FAULT"))
        skip_because("$ALLOC_FAULT does not name the library to preload");
    no_faults();
    alloc_account_preload(true);
    gateway = gateway_start(&options);
    alloc_account_preload(false);
    assert_true(get(&fault->calls) > 1000); /* it is there */
}

/* ---- one connection ---- */

/* The possible reasons of a connection that lacked memory. Where libssl does not report why a
 * certificate, a key share or a secret was missing, the reason is that of the symptom. */
static const char *const reasons[] = {
    "no-memory",          "finished",         "handshake-internal",
    "handshake-protocol", "handshake-cipher", "cert-invalid",
    "cert-untrusted",     "not-allowed",      "handshake-client-alert",
    "handshake-version",  "internal",         "handshake-closed",
    "handshake-reset",    "client-reset",     "client-truncated",
};

static unsigned seen[sizeof(reasons) / sizeof(reasons[0])];

static void note_reason(const char *reason, uint64_t k)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i], reason) != 0)
            continue;
        seen[i]++;
        return;
    }
    fail_msg("allocation %llu failed, and the reason is %s", (unsigned long long)k, reason);
}

static void print_reasons(void)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (seen[i])
            print_message("    %s: %u\n", reasons[i], seen[i]);
    memset(seen, 0, sizeof(seen));
}

/* One connection and its log line. libssl uses a session of TLS 1.3 once: each gets a copy. */
static enum attempt one(struct attempts *a, SSL_SESSION *session, struct conn_line *ret)
{
    a->options.session = session ? SSL_SESSION_dup(session) : NULL;
    enum attempt how = attempt_one(a);
    SSL_SESSION_free(a->options.session);
    gateway_conn(gateway, ret);
    return how;
}

/* How many allocations a connection costs. */
static uint64_t cost(struct attempts *a, SSL_SESSION *session)
{
    struct conn_line line;
    fail_calls(0, 0);
    (void)one(a, session, &line);
    assert_true(line.resumed == (session != NULL));
    return get(&fault->calls);
}

/* Waits until what its connections had was freed. */
static void expect_no_leak(uint64_t live_before, unsigned slack)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    int64_t more;
    do {
        more = (int64_t)(get(&fault->live) - live_before);
    } while (more > (int64_t)slack && net_now_ms() < deadline && poll(NULL, 0, 10) == 0);
    if (more > (int64_t)slack)
        fail_msg("%lld allocations were never freed", (long long)more);
}

struct scenario {
    const char *name;
    int version;
    enum identity identity;
    bool resume;
    bool refused;
};

static const struct scenario scenarios[] = {
    {"TLS 1.2", TLS1_2_VERSION, ID_ALICE, false, false},
    {"TLS 1.3", TLS1_3_VERSION, ID_ALICE, false, false},
    {"TLS 1.2 resumed", TLS1_2_VERSION, ID_ALICE, true, false},
    {"TLS 1.3 resumed", TLS1_3_VERSION, ID_ALICE, true, false},
    {"TLS 1.2 of one who may not pass", TLS1_2_VERSION, ID_MALLORY, false, true},
    {"TLS 1.3 of one who may not pass", TLS1_3_VERSION, ID_MALLORY, false, true},
    {"TLS 1.2 of a stranger", TLS1_2_VERSION, ID_STRANGER, false, true},
    {"TLS 1.3 of a stranger", TLS1_3_VERSION, ID_STRANGER, false, true},
};

static void fail_one(const struct scenario *s, struct attempts *a, SSL_SESSION *session,
                     uint64_t first, uint64_t last)
{
    struct conn_line line;
    fail_calls(first, last);
    enum attempt how = one(a, session, &line);
    uint64_t failed = get(&fault->failed);
    no_faults();
    if (failed)
        note_reason(line.reason, first);
    if (s->refused)
        assert_int_equal(how, ATTEMPT_FAILED);
    else if (!failed)
        assert_int_equal(how, ATTEMPT_GOOD);
    if (how == ATTEMPT_GOOD)
        assert_string_equal(line.reason, "finished");
}

static void sweep(const struct scenario *s, struct attempts *a, SSL_SESSION *session)
{
    uint64_t count = cost(a, session);
    uint64_t step = world_wants_all() ? 1 : count / 80 + 1;
    for (uint64_t k = 1; k <= count; k += step) {
        fail_one(s, a, session, k, k);
        fail_one(s, a, session, k, UINT64_MAX);
    }
    attempts_check(a);
    print_message("    %s: %llu allocations\n", s->name, (unsigned long long)count);
    print_reasons();
}

static void run_scenario(const struct scenario *s)
{
    struct attempts a;
    const struct client_options options = stage_client(s->identity, s->version);
    attempts_begin(&a, &options, ECHO_BYTES);
    struct conn_line line;
    (void)one(&a, NULL, &line);
    SSL_SESSION *session = s->resume ? SSL_SESSION_dup(a.session) : NULL;
    (void)cost(&a, session); /* what is made once is there from here on */
    uint64_t live = get(&fault->live);
    sweep(s, &a, session);
    (void)cost(&a, session);
    expect_no_leak(live, 24);
    attempts_done(&a);
    SSL_SESSION_free(session);
}

static void any_allocation_of_a_connection_may_fail(void **state)
{
    (void)state;
    serve();
    pid_t worker = stage_worker();
    int fds = process_fds(worker);
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        run_scenario(&scenarios[i]);
    process_await_fds(worker, fds);
    assert_int_equal(stage_worker(), worker);
    gateway_stop(gateway);
}

/* ---- many connections ---- */

static void *many(void *arg)
{
    struct attempts *a = arg;
    for (int i = 0; i < 15; i++)
        (void)attempt_one(a);
    return NULL;
}

static void crowd(struct attempts all[THREADS])
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, &all[i]), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        attempts_check(&all[i]);
}

static void every_nth_allocation_fails(void **state)
{
    static const uint64_t every[] = {1, 2, 3, 5, 7, 13, 29, 101, 499, 1009, 2003};
    struct attempts all[THREADS];
    (void)state;
    serve();
    pid_t worker = stage_worker();
    int fds = process_fds(worker);
    for (int i = 0; i < THREADS; i++) {
        const struct client_options options =
            stage_client(ID_ALICE, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
        attempts_begin(&all[i], &options, ECHO_BYTES);
    }
    crowd(all);
    for (size_t n = 0; n < sizeof(every) / sizeof(every[0]); n++) {
        set(&fault->every, every[n]);
        crowd(all);
        no_faults();
        assert_int_equal(attempt_one(&all[n % THREADS]), ATTEMPT_GOOD);
    }
    uint64_t live = get(&fault->live);
    crowd(all);
    expect_no_leak(live, 24);
    for (int i = 0; i < THREADS; i++)
        attempts_done(&all[i]);
    process_await_fds(worker, fds);
    assert_int_equal(stage_worker(), worker);
    gateway_stop(gateway);
}

/* ---- the start ---- */

/* True when it came up, with the k-th and perhaps all later allocations missing. */
static bool try_start(uint64_t k, bool all_later)
{
    const struct gateway_options options = gateway_options();
    int status = 0;
    fail_calls(k, all_later ? UINT64_MAX : k);
    alloc_account_preload(true);
    gateway = gateway_try(&options, &status);
    alloc_account_preload(false);
    no_faults();
    if (gateway->pid) {
        gateway_stop(gateway);
        return true;
    }
    /* A file in which libcrypto finds no memory looks unusable to it (2). */
    if (!WIFEXITED(status) || WEXITSTATUS(status) < 1 || WEXITSTATUS(status) > 3)
        fail_msg("without allocation %llu the start ended with status 0x%x", (unsigned long long)k,
                 status);
    if (logbook_count(&gateway->log, "ktlsgate: ") + logbook_count(&gateway->log, " error ") == 0)
        fail_msg("without allocation %llu the start ended without a word", (unsigned long long)k);
    gateway->unused = true;
    (void)gateway_drop(NULL);
    return false;
}

static void any_allocation_of_the_start_may_fail(void **state)
{
    unsigned ran = 0, tried = 0;
    (void)state;
    serve();
    uint64_t count = get(&fault->calls);
    gateway_stop(gateway);
    uint64_t step = count / (world_wants_all() ? 1500 : 60) + 1;
    for (uint64_t k = 1; k <= count; k += k < 20 ? 1 : step) {
        ran += try_start(k, false);
        (void)try_start(k, true);
        tried++;
    }
    print_message("    %llu allocations; %u of %u starts came up\n", (unsigned long long)count, ran,
                  tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_allocation_of_a_connection_may_fail),
        TEST(every_nth_allocation_fails),
        TEST(any_allocation_of_the_start_may_fail),
    };
    return run_world("l_memory", tests);
}
