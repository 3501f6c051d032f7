/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes of --relay splice, seen from outside: which flow holds one and when, the fate of bytes
 * in it when a connection breaks, and the order of bytes after a full one. */
#include "tests/integration/check.h"
#include "tests/integration/pipes.h"
#include "tests/integration/stage.h"

#include "gateway/base/limits.h"
#include "gateway/ring/pipe.h"

#include "ktlsinstall.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
/* More than all buffers between a backend and a client that does not read can hold. */
#define FLOOD (24 * MIB)
#define SOFT_LIMIT "/proc/sys/fs/pipe-user-pages-soft"

enum {
    UP = 41,
    DOWN = 42,
    WINDOW = 65536, /* a small one, so that little is on its way behind a full pipe */
    ALERT_BAD_RECORD_MAC = 20,
    ALERT_INTERNAL_ERROR = 80,
};

static bool rekeys;         /* the kernel can change keys */
static char soft_limit[32]; /* as it was; "": not changed */

static void write_soft_limit(const char *pages)
{
    FILE *f = fopen(SOFT_LIMIT, "we");
    if (!f)
        skip_because("it needs root, to change pipe-user-pages-soft");
    assert_true(fputs(pages, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int start(void **state)
{
    struct ktls_probe probe;
    rekeys = ktls_probe(&probe) == 0 && probe.rekey.works;
    return stage_start(state);
}

static int stop(void **state)
{
    if (soft_limit[0])
        write_soft_limit(soft_limit);
    soft_limit[0] = '\0';
    return stage_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void need_splice(void)
{
    if (!relay_is_splice())
        skip_because("it is about --relay splice");
}

/* Returns the worker. */
static pid_t serve(const char *flag, const char *value)
{
    pid_t pids[WORKERS_MAX];
    need_splice();
    gateway = gateway_start(&(struct gateway_options){
        .target = backend_port(backend),
        .flags = {"--close-timeout", "10m", flag, value},
    });
    assert_int_equal(gateway_workers(gateway, pids), 1);
    return pids[0];
}

static void join(struct client *c, int version)
{
    int window = WINDOW;
    client_open(c, &(struct client_options){.port = gateway->port, .version = version});
    assert_return_code(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window)), 0);
    assert_int_equal(client_handshake(c), CLIENT_OPEN);
    c->work.up_seed = UP;
    c->work.down_seed = DOWN;
}

static void join_echo(struct client *c, int version, uint64_t bytes)
{
    join(c, version);
    c->work.down_seed = UP;
    stage_echo(c, bytes);
}

static void expect_relays(const char *reason, const char *relay)
{
    struct conn_line line;
    gateway_expect(gateway, reason, &line);
    assert_string_equal(line.tx_relay, relay);
    assert_string_equal(line.rx_relay, relay);
}

static struct backend_account account(unsigned number)
{
    struct backend_account a;
    assert_true(backend_await(backend, number, &a));
    assert_false(a.wrong);
    return a;
}

/* ---- how many there are ---- */

static void idle_connections_hold_none(void **state)
{
    enum {
        IDLE = 3 * GW_PIPES_KEPT
    };
    static struct client idle[IDLE];
    struct pipes pipes;
    (void)state;
    pid_t pid = serve(NULL, NULL);
    for (int i = 0; i < IDLE; i++)
        join_echo(&idle[i], 0, 100 * KIB);
    pipes_await_empty(pid, &pipes);
    assert_in_range(pipes.open, 1, GW_PIPES_KEPT);
    for (int i = 0; i < IDLE; i++) {
        client_send(&idle[i], 100 * KIB);
        client_receive(&idle[i], 100 * KIB);
        stage_leave(&idle[i]);
        expect_relays("finished", "splice");
    }
    gateway_stop(gateway);
}

/* A worker that may open no more files than its connections need has these for pipes. */
static void there_are_no_more_than_the_limit(void **state)
{
    enum {
        LIMIT = 8,
        SLOW = LIMIT + 4
    };
    static struct client slow[SLOW];
    struct rlimit before, low;
    struct pipes pipes;
    (void)state;
    need_splice();
    if (geteuid() != 0)
        skip_because("it needs root, to lower a limit and raise it again");
    assert_return_code(getrlimit(RLIMIT_NOFILE, &before), 0);
    low.rlim_cur = low.rlim_max = GW_WORKER_FDS + SLOW * GW_CONN_FDS;
    assert_return_code(setrlimit(RLIMIT_NOFILE, &low), 0);
    char max_conns[8];
    (void)snprintf(max_conns, sizeof(max_conns), "%d", SLOW);
    pid_t pid = serve("--max-conns", max_conns);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &before), 0);
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .pause_after = 1,
                                            .receive_buffer = WINDOW, .fin_after_fin = true));
    for (int i = 0; i < SLOW; i++) {
        join(&slow[i], 0);
        client_send_until_stuck(&slow[i]);
    }
    pipes_await_stuck(pid, LIMIT);
    assert_true(pipes_look(pid, &pipes));
    assert_int_equal(pipes.open, LIMIT);
    backend_resume(backend);
    for (int i = 0; i < SLOW; i++) {
        client_send(&slow[i], MIB);
        stage_leave(&slow[i]);
        assert_int_equal(account((unsigned)i).received, slow[i].sent);
    }
    gateway_stop(gateway);
}

/* A user without pages for pipes gets small ones, which are not used: the bytes are copied. With
 * room for one pipe, one is used. */
static void small_pipes_are_not_used(void **state)
{
    static const struct {
        const char *pages;
        unsigned pipes;
    } rows[] = {{"1", 0}, {"100", 1}};
    FILE *f = fopen(SOFT_LIMIT, "re");
    struct client c[4];
    struct pipes pipes;
    (void)state;
    need_splice();
    if (!f)
        skip_because("this kernel has no pipe-user-pages-soft");
    assert_non_null(fgets(soft_limit, sizeof(soft_limit), f));
    (void)fclose(f);
    for (unsigned row = 0; row < 2; row++) {
        write_soft_limit(rows[row].pages);
        pid_t pid = serve("--user", "nobody");
        for (int i = 0; i < 4; i++)
            join_echo(&c[i], 0, MIB);
        for (int i = 0; i < 4; i++) {
            client_send(&c[i], 100 * KIB);
            client_receive(&c[i], 100 * KIB);
        }
        pipes_await_empty(pid, &pipes);
        assert_int_equal(pipes.open, rows[row].pipes);
        for (int i = 0; i < 4; i++) {
            stage_leave(&c[i]);
            expect_relays("finished", rows[row].pipes ? "splice" : "copy");
        }
        gateway_stop(gateway);
    }
}

/* ---- another kind of socket ---- */

static void to_a_unix_socket(void **state)
{
    const uint64_t sizes[] = {1, 16385, 5 * MIB + 3};
    char path[256];
    (void)state;
    need_splice();
    backend_stop(backend);
    (void)snprintf(path, sizeof(path), "%s/backend", world_folder());
    backend = backend_start_unix(&BACKEND_PLAN(.echo = true), path);
    gateway = gateway_start(&(struct gateway_options){.target_path = path});
    for (unsigned i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t bytes = sizes[i / 2];
        struct client_options options = {
            .port = gateway->port,
            .version = i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION,
        };
        backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .down_seed = DOWN,
                                                .down_bytes = bytes, .fin_after_up = bytes));
        client_transfer(&options, &(struct client_work){.up_bytes = bytes,
                                                        .up_seed = UP,
                                                        .down_bytes = bytes,
                                                        .down_seed = DOWN});
        struct backend_account a = account(0);
        assert_true(a.got_fin);
        assert_int_equal(a.received, bytes);
        assert_int_equal(a.sent, bytes);
        struct conn_line line;
        gateway_expect(gateway, "finished", &line);
        assert_string_equal(line.tx_relay, "splice");
        if (bytes > MIB)
            assert_string_equal(line.rx_relay, "splice");
    }
    gateway_stop(gateway);
}

/* ---- what is due behind a full pipe ---- */

/* Joins a client that does not read, and fills a pipe for it. */
static void join_full(struct client *c, int version, pid_t pid)
{
    join(c, version);
    pipes_await_stuck(pid, 1);
    assert_true(backend_look(backend, 0).sent < FLOOD);
}

/* All that was read from the backend comes first, then `end`. */
static void expect_end_behind_data(struct client *c, enum client_end end, const char *reason)
{
    struct conn_line line;
    assert_int_equal(client_read_end(c), end);
    assert_false(c->wrong);
    assert_true(c->received > WINDOW);
    client_close(c);
    gateway_expect(gateway, reason, &line);
    assert_int_equal(line.bytes_down, c->received);
}

static void the_end_behind_a_full_pipe(void **state)
{
    struct client c;
    (void)state;
    pid_t pid = serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        backend_set_plan(backend, &BACKEND_PLAN(.down_seed = DOWN, .down_bytes = FLOOD));
        join_full(&c, version, pid);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        assert_false(c.wrong);
        assert_int_equal(c.received, FLOOD);
        client_close_notify(&c);
        client_close(&c);
        gateway_expect(gateway, "finished", NULL);
    }
    gateway_stop(gateway);
}

static void an_alert_behind_a_full_pipe(void **state)
{
    struct client c;
    (void)state;
    pid_t pid = serve(NULL, NULL);
    gateway->bad_records = true;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        backend_set_plan(backend, &BACKEND_PLAN(.down_seed = DOWN, .down_bytes = FLOOD));
        join_full(&c, version, pid);
        c.wire.hold = true;
        client_send(&c, 5000);
        c.wire.held[2500] ^= 0x10;
        client_release(&c);
        expect_end_behind_data(&c, CLIENT_ALERTED, "record-bad-mac");
        assert_int_equal(c.alert, ALERT_BAD_RECORD_MAC);
        assert_true(account(0).got_reset);
    }
    gateway_stop(gateway);
}

/* RFC 5246 7.2.1: in TLS 1.2 a close_notify is answered by one, at once. */
static void an_answer_behind_a_full_pipe(void **state)
{
    struct client c;
    (void)state;
    pid_t pid = serve(NULL, NULL);
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .down_seed = DOWN, .down_bytes = FLOOD));
    join_full(&c, TLS1_2_VERSION, pid);
    client_send(&c, 5000);
    client_close_notify(&c);
    expect_end_behind_data(&c, CLIENT_CLOSE_NOTIFY, "finished");
    assert_int_equal(account(0).received, 5000);
    gateway_stop(gateway);
}

/* The peer's new key works at once, and ours comes between two batches. Where the kernel cannot
 * change keys the stream ends between two of them. */
static void a_key_update_behind_a_full_pipe(void **state)
{
    struct conn_line line;
    struct client c;
    (void)state;
    pid_t pid = serve("--rekey-after", "1000");
    gateway->bad_records = !rekeys; /* those under the next key, that it was not given */
    backend_set_plan(backend, &BACKEND_PLAN(.up_seed = UP, .down_seed = DOWN, .down_bytes = FLOOD));
    join_full(&c, TLS1_3_VERSION, pid);
    client_update_keys(&c, true);
    client_send(&c, 5000);
    if (!rekeys) {
        expect_end_behind_data(&c, CLIENT_CLOSE_NOTIFY, "rekey-unsupported");
        gateway_stop(gateway);
        return;
    }
    assert_true(backend_await_received(backend, 0, 5000));
    struct pipes pipes;
    assert_true(pipes_look(pid, &pipes));
    assert_int_equal(pipes.filled, 1);
    client_receive(&c, FLOOD);
    stage_leave(&c);
    gateway_expect(gateway, "finished", &line);
    assert_true(line.key_updates_in >= 1);
    assert_true(line.key_updates_out >= 2); /* the answer, and one for our own key's age */
    assert_int_equal(account(0).received, 5000);
    gateway_stop(gateway);
}

/* ---- connections that break with bytes in a pipe ---- */

enum breaking {
    CLIENT_RESETS,
    CLIENT_TRUNCATES,
    BACKEND_RESETS,
};

static const struct {
    bool down; /* the pipe is full for the client, else for the backend */
    enum breaking how;
    const char *reason;
} breaks[] = {
    {false, CLIENT_RESETS, "client-reset"},        {true, CLIENT_RESETS, "client-reset"},
    {false, CLIENT_TRUNCATES, "client-truncated"}, {true, CLIENT_TRUNCATES, "client-truncated"},
    {false, BACKEND_RESETS, "backend-reset"},      {true, BACKEND_RESETS, "backend-reset"},
};

static void fill_a_pipe(struct client *c, int version, unsigned row, pid_t pid)
{
    struct backend_plan plan = {.up_seed = UP, .down_seed = DOWN, .no_fin = true};
    bool resets = breaks[row].how == BACKEND_RESETS;
    if (breaks[row].down) {
        plan.down_bytes = FLOOD;
        plan.reset_after = resets ? 5000 : 0;
        backend_set_plan(backend, &plan);
        join_full(c, version, pid);
        return;
    }
    plan.pause_after = 1;
    plan.receive_buffer = WINDOW;
    plan.reset_after = resets ? 2 * WINDOW : 0;
    backend_set_plan(backend, &plan);
    join(c, version);
    client_send_until_stuck(c);
    pipes_await_stuck(pid, 1);
}

static void break_it(struct client *c, unsigned row)
{
    switch (breaks[row].how) {
    case CLIENT_RESETS:
        client_reset(c);
        break;
    case CLIENT_TRUNCATES:
        client_truncate(c);
        break;
    case BACKEND_RESETS:
        if (breaks[row].down)
            client_send(c, 5000);
        break;
    }
    if (!breaks[row].down)
        backend_resume(backend);
}

/* To the side that did not break it, it does not look complete. */
static void check_broken(struct client *c, unsigned row)
{
    if (breaks[row].how == BACKEND_RESETS && breaks[row].down) {
        expect_end_behind_data(c, CLIENT_ALERTED, breaks[row].reason);
        assert_int_equal(c->alert, ALERT_INTERNAL_ERROR);
        return;
    }
    if (breaks[row].how == CLIENT_TRUNCATES) /* to close with bytes unread would be a reset */
        (void)client_read_end(c);
    client_close(c);
    gateway_expect(gateway, breaks[row].reason, NULL);
    struct backend_account a = account(0);
    if (breaks[row].how != BACKEND_RESETS) {
        assert_true(a.got_reset);
        assert_false(a.got_fin);
    }
    assert_true(a.received <= c->sent);
}

/* The next one gets its own bytes, and the stock holds none of the old. */
static void check_pipes(int version, pid_t pid)
{
    struct client c;
    struct pipes pipes;
    assert_true(pipes_look(pid, &pipes));
    assert_int_equal(pipes.filled, 0);
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    join_echo(&c, version, 100 * KIB);
    stage_leave(&c);
    gateway_expect(gateway, "finished", NULL);
}

static void none_is_used_again_with_bytes_in_it(void **state)
{
    struct client c;
    (void)state;
    pid_t pid = serve(NULL, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (unsigned row = 0; row < sizeof(breaks) / sizeof(breaks[0]); row++) {
            fill_a_pipe(&c, version, row, pid);
            break_it(&c, row);
            check_broken(&c, row);
            check_pipes(version, pid);
        }
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(idle_connections_hold_none),
        TEST(there_are_no_more_than_the_limit),
        TEST(small_pipes_are_not_used),
        TEST(to_a_unix_socket),
        TEST(the_end_behind_a_full_pipe),
        TEST(an_alert_behind_a_full_pipe),
        TEST(an_answer_behind_a_full_pipe),
        TEST(a_key_update_behind_a_full_pipe),
        TEST(none_is_used_again_with_bytes_in_it),
    };
    return run_world("q_pipes", tests);
}
