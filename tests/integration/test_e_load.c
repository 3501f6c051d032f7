/* SPDX-License-Identifier: Apache-2.0 */
/* Many connections at once and in sequence: none starves another, none leaves anything behind, and
 * one that does not read costs bounded memory. */
#include "gateway/base/attr.h"
#include "gateway/base/compat.h"
#include "gateway/ring/pipe.h"
#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"
#include "tests/integration/pipes.h"
#include "tests/integration/stage.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

enum {
    /* Nothing moved for this long: a test considers it stuck. */
    STILL_MS = 200,
};

/* A machine that has other things to do may take its time over a thousand handshakes. */
static void serve(const char *flag, const char *value)
{
    stage_serve(&(struct gateway_options){
        .flags = {"--handshake-timeout", "600s", flag, value},
    });
}

static struct client_options options_of(int version)
{
    return (struct client_options){.port = gateway->port, .version = version};
}

static struct client_work echo_of(uint64_t bytes)
{
    return (struct client_work){
        .up_bytes = bytes,
        .up_seed = STAGE_SEED,
        .down_bytes = bytes,
        .down_seed = STAGE_SEED,
        .leave = true,
    };
}

static void run(int version, struct client_work work, unsigned count, unsigned at_once)
{
    char error[160];
    struct client_options options = options_of(version);
    unsigned good = clients_run(&options, &work, count, at_once, NULL, NULL, error);
    if (good != count)
        fail_msg("%u of %u connections failed; the first: %s", count - good, count, error);
}

/* ---- at once ---- */

struct meeting {
    unsigned fds;
    unsigned backend_conns;
};

static void look_around(void *arg)
{
    struct meeting *m = arg;
    m->fds = (unsigned)process_fds(stage_worker());
    m->backend_conns = backend_accepted(backend);
}

static void two_thousand_at_once(void **state)
{
    const unsigned count = world_is_small() ? 500 : 2000;
    struct meeting meeting = {0};
    char error[160];
    (void)state;
    serve(NULL, NULL);
    struct client_work work = echo_of(3000);
    work.meet = true;
    struct client_options options = options_of(0);
    unsigned good = clients_run(&options, &work, count, count, look_around, &meeting, error);
    if (good != count)
        fail_msg("%u of %u connections failed; the first: %s", count - good, count, error);
    assert_int_equal(meeting.backend_conns, count);
    if (meeting.fds != (unsigned)-1)
        assert_true(meeting.fds >= 2 * count);
    gateway_stop(gateway);
}

static void the_limit_holds(void **state)
{
    enum {
        LIMIT = 10
    };
    struct client crowd[LIMIT], one_more;
    (void)state;
    serve("--max-conns", "10");
    const struct client_options options = options_of(0);
    for (int i = 0; i < LIMIT; i++) {
        client_connect(&crowd[i], &options);
        crowd[i].work = echo_of(0);
        client_send(&crowd[i], 100);
        client_receive(&crowd[i], 100);
    }
    client_open(&one_more, &options);
    assert_int_not_equal(client_handshake(&one_more), CLIENT_OPEN);
    assert_int_not_equal(one_more.end, CLIENT_STUCK);
    client_close(&one_more);
    gateway_expect_words(gateway, "1 more connections ended with max-conns in ");
    client_close_notify(&crowd[0]);
    assert_int_equal(client_read_end(&crowd[0]), CLIENT_CLOSE_NOTIFY);
    client_close(&crowd[0]);
    gateway_expect(gateway, "finished", NULL);
    run(0, echo_of(1000), 1, 1);
    for (int i = 1; i < LIMIT; i++)
        client_close(&crowd[i]);
    gateway_stop(gateway);
}

/* ---- clients that do not read ---- */

/* Waits until the backend can send connection `number` no more. */
static void await_backend_stuck(unsigned number)
{
    uint64_t before;
    uint64_t sent = 0;
    do {
        before = sent;
        (void)poll(NULL, 0, STILL_MS);
        sent = backend_look(backend, number).sent;
    } while (sent == 0 || sent != before);
}

/* Fills each of the buffers that come round in turn once, and has seen many connections: what a
 * worker takes from here on is for those that wait. */
static void warm_up(void)
{
    run(0, echo_of(100 * KIB), 50, 25);
    run(0, echo_of(2 * MIB), 8, 8);
}

/* Two relay buffers of 64 KiB and a little more is what a connection may hold. The address
 * sanitizer keeps memory that was freed: no figure then. */
static void check_memory(pid_t pid, long before_kib, unsigned conns)
{
    long now_kib = process_memory_kib(pid);
    print_message("    %ld KiB for %u connections\n", now_kib - before_kib, conns);
    if (!GW_WITH_ASAN && before_kib > 0 && now_kib - before_kib > (long)conns * 192)
        fail_msg("%u connections that do not read made the worker grow from %ld to %ld KiB", conns,
                 before_kib, now_kib);
}

static void slow_backends_hold_nobody_else(void **state)
{
    enum {
        SLOW = 8
    };
    struct client slow[SLOW];
    (void)state;
    serve(NULL, NULL);
    warm_up();
    pid_t pid = stage_worker();
    long memory = process_memory_kib(pid);
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = STAGE_SEED, .pause_after = 1,
                                            .receive_buffer = 65536, .fin_after_fin = true));
    const struct client_options options = options_of(TLS1_3_VERSION);
    for (int i = 0; i < SLOW; i++) {
        client_connect(&slow[i], &options);
        slow[i].work.up_seed = STAGE_SEED;
        client_send_until_stuck(&slow[i]);
    }
    check_memory(pid, memory, SLOW);
    for (int i = 0; i < SLOW; i++)
        assert_true(backend_look(backend, (unsigned)i).received < slow[i].sent);
    backend_resume(backend);
    for (int i = 0; i < SLOW; i++) {
        struct backend_account a;
        client_send(&slow[i], MIB);
        client_close_notify(&slow[i]);
        assert_int_equal(client_read_end(&slow[i]), CLIENT_CLOSE_NOTIFY);
        assert_true(backend_await(backend, (unsigned)i, &a));
        assert_false(a.wrong);
        assert_int_equal(a.received, slow[i].sent);
        client_close(&slow[i]);
    }
    gateway_stop(gateway);
}

static void slow_clients_hold_nobody_else(void **state)
{
    enum {
        SLOW = 8
    };
    const uint64_t bytes = 48 * MIB; /* Linux lets the gateway's socket to the backend hold 32 */
    struct client slow[SLOW];
    (void)state;
    serve(NULL, NULL);
    warm_up();
    pid_t pid = stage_worker();
    long memory = process_memory_kib(pid);
    backend_set_plan(backend, &BACKEND_PLAN(.down_seed = STAGE_SEED, .down_bytes = bytes));
    const struct client_options options = options_of(TLS1_3_VERSION);
    for (int i = 0; i < SLOW; i++)
        client_connect(&slow[i], &options);
    for (int i = 0; i < SLOW; i++)
        await_backend_stuck((unsigned)i);
    check_memory(pid, memory, SLOW);
    for (int i = 0; i < SLOW; i++)
        assert_true(backend_look(backend, (unsigned)i).sent < bytes);
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    run(0, echo_of(100 * KIB), 50, 25);
    for (int i = 0; i < SLOW; i++) {
        slow[i].work.down_seed = STAGE_SEED;
        client_receive(&slow[i], world_is_small() ? 2 * MIB : bytes);
        client_close(&slow[i]);
    }
    gateway_stop(gateway);
}

/* A thread whose client sends as fast as it can. */
struct bulk {
    struct client client;
    pthread_t thread;
    atomic_bool stop;
};

static void *send_bulk(void *arg)
{
    struct bulk *b = arg;
    while (!atomic_load(&b->stop) && b->client.end == CLIENT_OPEN) {
        uint64_t until = b->client.sent + 256 * KIB;
        short events;
        while ((events = client_step_send(&b->client, until)))
            (void)net_await(b->client.fd, events, net_now_ms() + DEADLINE_MS);
    }
    return NULL;
}

static void bulk_does_not_starve_the_small(void **state)
{
    struct bulk b = {.stop = false};
    struct backend_account a;
    (void)state;
    serve(NULL, NULL);
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = STAGE_SEED, .fin_after_fin = true));
    const struct client_options options = options_of(TLS1_3_VERSION);
    client_connect(&b.client, &options);
    b.client.work.up_seed = STAGE_SEED;
    assert_int_equal(pthread_create(&b.thread, NULL, send_bulk, &b), 0);
    assert_true(backend_await_received(backend, 0, MIB));
    uint64_t before = backend_look(backend, 0).received;
    for (int i = 0; i < 200; i++) {
        struct client c;
        client_connect(&c, &options);
        client_send(&c, 100);
        client_close_notify(&c);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        client_close(&c);
    }
    uint64_t after = backend_look(backend, 0).received;
    atomic_store(&b.stop, true);
    (void)pthread_join(b.thread, NULL);
    assert_true(after > before); /* the bulk was not starved either */
    assert_int_equal(b.client.end, CLIENT_OPEN);
    client_close_notify(&b.client);
    assert_int_equal(client_read_end(&b.client), CLIENT_CLOSE_NOTIFY);
    assert_true(backend_await(backend, 0, &a));
    assert_false(a.wrong);
    assert_int_equal(a.received, b.client.sent);
    client_close(&b.client);
    gateway_stop(gateway);
}

/* ---- one after the other ---- */

/* Connections of every ending, by hand. */
static void end_badly(const struct client_options *options, int how)
{
    struct client c;
    if (how == 0) {
        int fd = net_connect(gateway->port);
        assert_return_code(fd, 0);
        (void)close(fd);
        return;
    }
    stage_join(&c, options);
    if (how > 1) {
        stage_echo(&c, 20000);
    }
    if (how == 2)
        client_truncate(&c);
    else
        client_reset(&c);
    client_close(&c);
}

/* With so few connections allowed there are so few buffers that a leak of one in a hundred
 * connections would use them up. */
static void churn_leaves_nothing_behind(void **state)
{
    const unsigned count = world_wants_all() ? 100000 : world_is_small() ? 400 : 3000;
    (void)state;
    serve("--max-conns", "200");
    const struct client_options options = options_of(0);
    pid_t pid = stage_worker();
    int fds = process_fds(pid);
    if (fds < 0)
        skip_because("/proc/PID/fd of the worker is not readable");
    run(TLS1_3_VERSION, echo_of(5000), count / 2, 20);
    for (unsigned i = 0; i < count / 50; i++)
        end_badly(&options, (int)(i % 4));
    run(TLS1_2_VERSION, echo_of(100), count / 2, 20);
    run(0, echo_of(200 * KIB), 100, 100);
    process_await_fds(pid, fds);
    struct pipes pipes;
    pipes_await_empty(pid, &pipes);
    assert_in_range(pipes.open, relay_is_splice() ? 1 : 0, GW_PIPES_KEPT);
    gateway_stop(gateway);
}

/* What a connection's own object keeps for the next ones, and what is between them on the heap. */
static void a_flood_leaves_no_memory_behind(void **state)
{
    enum {
        KEPT_KIB = 8
    };
    const unsigned count = world_is_small() ? 300 : 1500;
    char error[160];
    (void)state;
    if (GW_WITH_ASAN)
        skip_because("the address sanitizer keeps memory that was freed");
    serve(NULL, NULL);
    run(0, echo_of(100 * KIB), 50, 25);
    pid_t pid = stage_worker();
    long before = process_memory_kib(pid);
    struct client_work work = echo_of(3000);
    work.meet = true;
    struct client_options options = options_of(0);
    assert_int_equal(clients_run(&options, &work, count, count, NULL, NULL, error), count);
    long after = process_memory_kib(pid);
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    long now;
    while ((now = process_memory_kib(pid)) - before > (long)count * KEPT_KIB &&
           net_now_ms() < deadline)
        (void)poll(NULL, 0, 100);
    if (now - before > (long)count * KEPT_KIB)
        fail_msg("before %u handshakes at once the worker had %ld KiB, then %ld, and still %ld",
                 count, before, after, now);
    print_message("    %ld KiB, %ld KiB, %ld KiB\n", before, after, now);
    gateway_stop(gateway);
}

struct rest {
    pid_t worker;
    long before_kib;
    unsigned conns;
    long kib; /* at its end */
};

/* Until the connections have given back what they can have again. */
static void await_rest(void *arg)
{
    enum {
        REST_KIB = 4,
        REST_MS = 4000 /* of the gateway, and some */
    };
    struct rest *r = arg;
    int64_t begin = net_now_ms();
    long most = r->before_kib + (long)r->conns * REST_KIB;
    do {
        (void)poll(NULL, 0, 100);
        r->kib = process_memory_kib(r->worker);
    } while (GW_WITH_ASAN ? net_now_ms() < begin + REST_MS
                          : r->kib > most && net_now_ms() < begin + DEADLINE_MS);
    if (!GW_WITH_ASAN && r->kib > most)
        fail_msg("%u idle connections cost %ld KiB", r->conns, r->kib - r->before_kib);
}

/* Both versions continue after that: records of both directions are opened and sealed again. */
static void idle_connections_rest_and_go_on(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct client sleepers[GW_ARRAY_SIZE(versions)];
    struct rest rest = {.conns = world_is_small() ? 300 : 1500};
    char error[160];
    (void)state;
    serve(NULL, NULL);
    run(0, echo_of(100 * KIB), 50, 25);
    rest.worker = stage_worker();
    rest.before_kib = process_memory_kib(rest.worker);
    struct client_work work = echo_of(3000);
    work.meet = true;
    for (size_t i = 0; i < GW_ARRAY_SIZE(versions); i++) {
        struct client_options of_sleeper = options_of(versions[i]);
        stage_join(&sleepers[i], &of_sleeper);
        stage_echo(&sleepers[i], 3000);
    }
    struct client_options options = options_of(0);
    unsigned good = clients_run(&options, &work, rest.conns, rest.conns, await_rest, &rest, error);
    if (good != rest.conns)
        fail_msg("%u of %u connections failed; the first: %s", rest.conns - good, rest.conns,
                 error);
    for (size_t i = 0; i < GW_ARRAY_SIZE(versions); i++) {
        stage_echo(&sleepers[i], 100 * KIB);
        stage_leave(&sleepers[i]);
    }
    print_message("    %ld KiB for %u connections\n", rest.kib - rest.before_kib, rest.conns);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(two_thousand_at_once),
        STAGED(the_limit_holds),
        STAGED(slow_backends_hold_nobody_else),
        STAGED(slow_clients_hold_nobody_else),
        STAGED(bulk_does_not_starve_the_small),
        STAGED(churn_leaves_nothing_behind),
        STAGED(a_flood_leaves_no_memory_behind),
        STAGED(idle_connections_rest_and_go_on),
    };
    return run_world("e_load", tests);
}
