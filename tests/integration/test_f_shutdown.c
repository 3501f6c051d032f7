/* SPDX-License-Identifier: Apache-2.0 */
/* TERM, with several workers: what is open comes to its end, or is cut after --shutdown-timeout. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB (UINT64_C(1024) * 1024)

static void serve(unsigned workers, const char *flag, const char *value)
{
    stage_serve(&(struct gateway_options){
        .workers = workers,
        .flags = {flag, value},
    });
}

static void term_lets_connections_finish(void **state)
{
    struct client c;
    int fd;
    (void)state;
    serve(2, NULL, NULL);
    stage_join(&c, NULL);
    stage_echo(&c, 1000);
    gateway_term(gateway);
    gateway_expect_words(gateway, "stopping");
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    /* One that comes while the listeners close is served, or reset. */
    while ((fd = net_connect(gateway->port)) != -ECONNREFUSED && net_now_ms() < deadline)
        if (fd >= 0)
            (void)close(fd);
    assert_int_equal(fd, -ECONNREFUSED);
    for (int i = 0; i < 16; i++)
        stage_echo(&c, MIB / 4);
    stage_leave(&c);
    gateway_await_exit(gateway);
}

static void term_ends_an_idle_gateway_at_once(void **state)
{
    (void)state;
    serve(3, "--shutdown-timeout", "1h");
    gateway_stop(gateway);
}

static void shutdown_timeout_cuts_what_is_left(void **state)
{
    struct client c;
    (void)state;
    serve(2, "--shutdown-timeout", "300ms");
    stage_join(&c, NULL);
    stage_echo(&c, 1000);
    gateway_term(gateway);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "shutdown", NULL);
    gateway_await_exit(gateway);
}

static pid_t successor(void)
{
    pid_t pids[WORKERS_MAX];
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    while (gateway_workers(gateway, pids) != 1 && net_now_ms() < deadline)
        (void)poll(NULL, 0, 10);
    return stage_worker();
}

/* Clients that wait in the backlog when the gateway stops are served. Descriptors are short, so
 * that accepting pauses: a multishot accept keeps the limit of when it was armed, hence a new
 * worker. */
static void term_serves_the_backlog(void **state)
{
    enum {
        CLIENTS = 24,
        SPARE = 12 /* descriptors of the new worker: fewer than CLIENTS */
    };
    struct client waiting[CLIENTS];
    struct rlimit before;
    (void)state;
    serve(1, NULL, NULL);
    pid_t worker = stage_worker();
    struct rlimit few = {.rlim_cur = (rlim_t)process_fds(worker) + SPARE};
    if (prlimit(gateway->pid, RLIMIT_NOFILE, NULL, &before))
        skip_because("this user may not set limits of the gateway");
    few.rlim_max = before.rlim_max;
    assert_return_code(prlimit(gateway->pid, RLIMIT_NOFILE, &few, NULL), 0);
    gateway->lost_some = true;
    assert_return_code(kill(worker, SIGKILL), 0);
    process_await_end(worker);
    worker = successor();
    const struct client_options options = {.port = gateway->port};
    for (unsigned i = 0; i < CLIENTS; i++)
        client_open(&waiting[i], &options);
    gateway_expect_words(gateway, "accept failed");
    assert_return_code(kill(worker, SIGSTOP), 0);
    process_await_state(worker, 'T');
    process_give_fds(worker, &before);
    gateway_term(gateway);
    gateway_expect_words(gateway, "stopping");
    assert_return_code(kill(worker, SIGCONT), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(client_handshake(&waiting[i]), CLIENT_OPEN);
        client_close(&waiting[i]);
    }
    gateway_await_exit(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(term_ends_an_idle_gateway_at_once),
        STAGED(term_lets_connections_finish),
        STAGED(shutdown_timeout_cuts_what_is_left),
        STAGED(term_serves_the_backlog),
    };
    return run_world("f_shutdown", tests);
}
