/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that dies, at each step of its connections: it takes those with it and nothing else. Its
 * place is filled, what waited is served, its last words are in the log and every connection is
 * accounted for. Without the master the workers serve what is open, and go. */
#include "tests/integration/attempt.h"
#include "tests/integration/check.h"
#include "tests/integration/client_steps.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1024) * 1024)

enum {
    STAGED = 10, /* connections at the step under test */
    CROWD = 20,  /* other connections, which echo */
    DOWN_BYTES = 4 << 20,
    BACKLOG_CROWD = 4,
    STILL_MS = 200, /* nothing moved for this long: a test considers it stuck */
    ALERT_BAD_RECORD_MAC = 20,
};

static pid_t orphans[WORKERS_MAX]; /* workers whose master the test killed */
static unsigned orphan_count;

static int stop(void **state)
{
    for (unsigned i = 0; i < orphan_count; i++)
        if (process_runs(orphans[i]))
            (void)kill(orphans[i], SIGKILL);
    orphan_count = 0;
    return stage_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_start, stop)

static void serve(unsigned workers, uint16_t target, const char *flag, const char *value)
{
    gateway = gateway_start(&(struct gateway_options){
        .target = target,
        .workers = workers,
        .flags = {"--handshake-timeout", "60s", "--connect-timeout", "60s", flag, value},
    });
}

static struct client_options options(void)
{
    return (struct client_options){.port = gateway->port};
}

static void expect_service(unsigned count)
{
    const struct client_options o = options();
    struct attempts a;
    attempts_begin(&a, &o, 5000);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(attempt_one(&a), ATTEMPT_GOOD);
    attempts_done(&a);
}

/* ---- steps: how a connection gets there, and how it continues if its worker lives ---- */

/* All of the ClientHello is sent but its end. */
static void come_handshake(struct client *c)
{
    enum {
        END = 3
    };
    const struct client_options o = options();
    client_open(c, &o);
    c->wire.hold = true;
    assert_int_equal(client_step_handshake(c), POLLIN);
    size_t part = c->wire.held_len - END;
    assert_true(net_send(c->fd, c->wire.held, part, 0));
    memmove(c->wire.held, c->wire.held + part, END);
    c->wire.held_len = END;
}

static void go_on_handshake(struct client *c)
{
    client_release(c);
    assert_int_equal(client_handshake(c), CLIENT_OPEN);
    c->work.up_seed = c->work.down_seed = STAGE_SEED;
    stage_echo(c, 1000);
    stage_leave(c);
}

static void come_in(struct client *c)
{
    stage_join(c, NULL);
}

static void come_up(struct client *c)
{
    short events;
    stage_join(c, NULL);
    do {
        events = client_step_send(c, UINT64_MAX);
        assert_int_equal(c->end, CLIENT_OPEN);
    } while (net_await(c->fd, events, net_now_ms() + STILL_MS));
}

static void go_on_up(struct client *c)
{
    backend_resume(backend);
    client_send(c, MIB);
    stage_leave(c);
}

static void go_on_down(struct client *c)
{
    client_receive(c, DOWN_BYTES - c->received);
    stage_leave(c);
}

static void come_echo(struct client *c)
{
    stage_join(c, NULL);
    stage_echo(c, 1000);
}

static void go_on_echo(struct client *c)
{
    stage_echo(c, 20000);
    stage_leave(c);
}

/* It got its alert and does not close. */
static void come_linger(struct client *c)
{
    gateway->bad_records = true;
    come_echo(c);
    c->wire.hold = true;
    client_send(c, 5000);
    c->wire.held[2500] ^= 0x10;
    client_release(c);
    assert_int_equal(client_read_end(c), CLIENT_ALERTED);
    assert_int_equal(c->alert, ALERT_BAD_RECORD_MAC);
}

struct step {
    const char *name;
    struct backend_plan plan;
    void (*stage)(struct client *c);
    void (*go_on)(struct client *c);
    bool unanswered; /* the backend does not answer */
    bool ended;      /* the client has seen the end of it anyway */
};

static const struct step steps[] = {
    {"handshake", {.echo = true}, come_handshake, go_on_handshake, false, false},
    {"connect", {.echo = true}, come_in, client_close, true, false},
    {"relay up",
     {.up_seed = STAGE_SEED, .pause_after = 1, .receive_buffer = 65536, .fin_after_fin = true},
     come_up,
     go_on_up,
     false,
     false},
    {"relay down",
     {.down_seed = STAGE_SEED, .down_bytes = DOWN_BYTES, .fin_after_fin = true},
     come_in,
     go_on_down,
     false,
     false},
    {"linger", {.echo = true}, come_linger, client_close, false, true},
};

/* ---- a death ---- */

/* How many connections the master says that the dead worker had open. */
static unsigned await_obituary(int signal)
{
    char words[64], line[LOG_LINE_MAX];
    size_t cursor = 0;
    (void)snprintf(words, sizeof(words), "was killed by signal %d (", signal);
    if (!logbook_await(&gateway->log, &cursor, words, line))
        fail_msg("the log does not say that a worker was killed");
    const char *with = strstr(line, " with ");
    return with ? (unsigned)strtoul(with + strlen(" with "), NULL, 10) : 0;
}

/* Its end waits behind the bytes that came before it, so these are read. */
static bool is_gone(struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    if (SSL_is_init_finished(c->ssl) && c->end == CLIENT_OPEN)
        (void)client_step_receive(c, UINT64_MAX);
    assert_false(c->wrong);
    return c->end != CLIENT_OPEN || poll(&p, 1, 0) == 1;
}

/* Waits until `dead` of them are gone: the kernel takes its time to bury an io_uring. More may be,
 * which it had accepted and the worker had not seen yet. */
static void await_gone(struct client *crowd, unsigned dead)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    unsigned gone;
    do {
        gone = 0;
        for (unsigned i = 0; i < CROWD; i++)
            gone += is_gone(&crowd[i]);
    } while (gone < dead && net_now_ms() < deadline && poll(NULL, 0, 10) == 0);
    assert_in_range(gone, dead, CROWD);
}

static void stop_and_account(unsigned dead)
{
    char words[64];
    (void)snprintf(words, sizeof(words), ", worker-died %u", dead);
    gateway_term(gateway);
    if (dead)
        gateway_expect_words(gateway, words);
    gateway_await_exit(gateway);
}

/* Whether it still echoes: false when its end came instead, however late. */
static bool lives_on(struct client *c)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    uint64_t until = c->sent + 1000;
    short events;
    do {
        events = client_step_send(c, until);
        if (!events && c->end == CLIENT_OPEN)
            events = client_step_receive(c, until);
    } while (events && net_await(c->fd, events, deadline));
    assert_false(c->wrong);
    assert_true(c->end != CLIENT_OPEN || c->received == until);
    return c->end == CLIENT_OPEN;
}

static void kill_one_of(struct client *crowd, const struct step *step, int signal)
{
    pid_t pids[WORKERS_MAX];
    assert_int_equal(gateway_workers(gateway, pids), 2);
    gateway->lost_some = true;
    assert_return_code(kill(pids[0], signal), 0);
    unsigned dead = await_obituary(signal);
    if (!step->ended) /* else nobody knows how many of the dead were not at their end */
        await_gone(crowd, dead);
    gateway_expect_words(gateway, "is back");
    unsigned living = 0, gone = 0;
    for (unsigned i = 0; i < CROWD; i++)
        if (is_gone(&crowd[i]) || (step->ended && !lives_on(&crowd[i]))) {
            client_close(&crowd[i]);
            gone += i >= STAGED;
        } else {
            (i < STAGED ? step->go_on : go_on_echo)(&crowd[i]);
            living++;
        }
    assert_in_range(living, step->ended ? 0 : 1, CROWD);
    if (step->ended)
        assert_in_range(gone, 0, dead);
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    expect_service(20);
    stop_and_account(dead);
}

static void a_death_at_each_step(void **state)
{
    struct client crowd[CROWD];
    (void)state;
    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        const struct step *step = &steps[s];
        if (step->unanswered)
            continue;
        print_message("    %s\n", step->name);
        serve(2, backend_port(backend), NULL, NULL);
        backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
        for (unsigned i = STAGED; i < CROWD; i++)
            come_echo(&crowd[i]);
        backend_set_plan(backend, &step->plan);
        for (unsigned i = 0; i < STAGED; i++)
            step->stage(&crowd[i]);
        kill_one_of(crowd, step, s % 2 ? SIGSEGV : SIGKILL);
    }
}

/* The kernel closes what a killed process had open: to the backend that must not look like the end
 * of the client's stream. */
static void a_backend_takes_no_death_for_an_end(void **state)
{
    struct client c;
    pid_t pids[WORKERS_MAX];
    struct backend_account account;
    (void)state;
    serve(1, backend_port(backend), NULL, NULL);
    backend_set_plan(backend, &BACKEND_PLAN(.echo = true));
    come_echo(&c);
    assert_int_equal(gateway_workers(gateway, pids), 1);
    gateway->lost_some = true;
    assert_return_code(kill(pids[0], SIGKILL), 0);
    assert_true(backend_await(backend, 0, &account));
    assert_true(account.got_reset);
    assert_false(account.got_fin);
    client_close(&c);
    gateway_expect_words(gateway, "is back");
    stop_and_account(1);
}

/* A backlog that is full: SYNs are not answered, and connections stay at the step `connect`. */
static void a_death_while_connecting(void **state)
{
    struct client crowd[CROWD];
    pid_t pids[WORKERS_MAX];
    int full[BACKLOG_CROWD];
    uint16_t port;
    (void)state;
    int listener = net_listen(0, &port);
    for (int i = 0; i < BACKLOG_CROWD; i++)
        assert_return_code(full[i] = net_connect_begin(port), 0);
    serve(2, port, "--shutdown-timeout", "100ms");
    for (unsigned i = 0; i < CROWD; i++)
        stage_join(&crowd[i], NULL);
    assert_int_equal(gateway_workers(gateway, pids), 2);
    gateway->lost_some = true;
    assert_return_code(kill(pids[0], SIGKILL), 0);
    unsigned dead = await_obituary(SIGKILL);
    await_gone(crowd, dead);
    gateway_expect_words(gateway, "is back");
    for (unsigned i = 0; i < CROWD; i++)
        client_close(&crowd[i]);
    stop_and_account(dead);
    for (int i = 0; i < BACKLOG_CROWD; i++)
        (void)close(full[i]);
    (void)close(listener);
}

/* ---- the place of the dead ---- */

/* The worker sleeps while they come, so that all of them wait in its listener. */
static void who_waited_is_served_by_the_next(void **state)
{
    struct client crowd[CROWD];
    (void)state;
    serve(1, backend_port(backend), NULL, NULL);
    const struct client_options o = options();
    pid_t worker = stage_worker();
    assert_return_code(kill(worker, SIGSTOP), 0);
    process_await_state(worker, 'T');
    for (unsigned i = 0; i < CROWD; i++)
        client_open(&crowd[i], &o);
    assert_return_code(kill(worker, SIGKILL), 0);
    assert_int_equal(await_obituary(SIGKILL), 0);
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(client_handshake(&crowd[i]), CLIENT_OPEN);
        crowd[i].work.up_seed = crowd[i].work.down_seed = STAGE_SEED;
        stage_echo(&crowd[i], 1000);
        stage_leave(&crowd[i]);
    }
    gateway_stop(gateway);
}

/* The master sleeps while the worker logs and dies. */
static void the_last_words_of_the_dead_are_logged(void **state)
{
    (void)state;
    serve(1, backend_port(backend), NULL, NULL);
    pid_t worker = stage_worker();
    assert_return_code(kill(gateway->pid, SIGSTOP), 0);
    process_await_state(gateway->pid, 'T');
    expect_service(50);
    /* Its end is reported after the last byte was sent, and so perhaps not yet. */
    struct client c;
    stage_join(&c, NULL);
    stage_echo(&c, 10);
    assert_return_code(kill(worker, SIGKILL), 0);
    assert_return_code(kill(gateway->pid, SIGCONT), 0);
    gateway->lost_some = true;
    unsigned dead = await_obituary(SIGKILL);
    assert_in_range(dead, 1, 51);
    assert_int_equal(logbook_count(&gateway->log, CONN_LINE_WORDS "reason=finished "), 51 - dead);
    client_close(&c);
    stop_and_account(dead);
}

/* However often workers die with connections open, these count no more. */
static void the_dead_do_not_fill_max_conns(void **state)
{
    struct client crowd[CROWD];
    unsigned dead = 0;
    (void)state;
    serve(1, backend_port(backend), "--max-conns", "20");
    gateway->lost_some = true;
    for (int round = 0; round < 3; round++) {
        pid_t worker = stage_worker();
        for (unsigned i = 0; i < CROWD; i++)
            come_echo(&crowd[i]);
        assert_return_code(kill(worker, SIGKILL), 0);
        while (process_runs(worker))
            (void)poll(NULL, 0, 1);
        for (unsigned i = 0; i < CROWD; i++)
            client_close(&crowd[i]);
        dead += CROWD;
        expect_service(1);
    }
    stop_and_account(dead);
}

/* ---- without the master ---- */

static void kill_master(void)
{
    int status;
    orphan_count = gateway_workers(gateway, orphans);
    assert_true(orphan_count > 0);
    assert_return_code(kill(gateway->pid, SIGKILL), 0);
    assert_int_equal(waitpid(gateway->pid, &status, 0), gateway->pid);
    gateway->pid = 0;
    gateway->unused = true; /* its log is not worth printing */
}

static void await_orphans_gone(void)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    for (unsigned i = 0; i < orphan_count; i++) {
        while (process_runs(orphans[i]) && net_now_ms() < deadline)
            (void)poll(NULL, 0, 10);
        assert_false(process_runs(orphans[i]));
    }
}

static void await_refusal(void)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    int fd;
    while ((fd = net_connect(gateway->port)) != -ECONNREFUSED && net_now_ms() < deadline)
        if (fd >= 0)
            (void)close(fd);
    assert_int_equal(fd, -ECONNREFUSED);
}

static void without_the_master_connections_come_to_their_end(void **state)
{
    struct client crowd[CROWD];
    (void)state;
    serve(2, backend_port(backend), "--shutdown-timeout", "1h");
    for (unsigned i = 0; i < CROWD; i++)
        come_echo(&crowd[i]);
    kill_master();
    await_refusal();
    for (unsigned i = 0; i < CROWD; i++)
        go_on_echo(&crowd[i]);
    await_orphans_gone();
}

static void without_the_master_nothing_stays_for_ever(void **state)
{
    struct client crowd[CROWD];
    (void)state;
    serve(2, backend_port(backend), "--shutdown-timeout", "300ms");
    for (unsigned i = 0; i < CROWD; i++)
        come_echo(&crowd[i]);
    kill_master();
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(client_read_end(&crowd[i]), CLIENT_CLOSE_NOTIFY);
        client_close(&crowd[i]);
    }
    await_orphans_gone();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_death_at_each_step),
        TEST(a_death_while_connecting),
        TEST(a_backend_takes_no_death_for_an_end),
        TEST(who_waited_is_served_by_the_next),
        TEST(the_last_words_of_the_dead_are_logged),
        TEST(the_dead_do_not_fill_max_conns),
        TEST(without_the_master_connections_come_to_their_end),
        TEST(without_the_master_nothing_stays_for_ever),
    };
    return run_world("k_deaths", tests);
}
