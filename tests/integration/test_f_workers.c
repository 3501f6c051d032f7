/* SPDX-License-Identifier: Apache-2.0 */
/* Several workers: one that is killed costs its own connections only; TERM lets those that are open
 * come to their end. */
#include "tests/integration/backend.h"
#include "tests/integration/check.h"
#include "tests/integration/client.h"
#include "tests/integration/net.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB (UINT64_C(1024) * 1024)

enum {
    SEED = 17,
    CROWD = 24,
};

static struct backend *backend;
static struct gateway *gateway;

static int start(void **state)
{
    (void)state;
    backend = backend_start(&BACKEND_PLAN(.echo = true));
    return 0;
}

static int stop(void **state)
{
    (void)gateway_drop(state);
    backend_stop(backend);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void serve(unsigned workers, const char *flag, const char *value)
{
    gateway = gateway_start(&(struct gateway_options){
        .target = backend_port(backend),
        .workers = workers,
        .flags = {flag, value},
    });
}

static void join(struct client *c)
{
    client_connect(c, &(struct client_options){.port = gateway->port});
    c->work.up_seed = c->work.down_seed = SEED;
}

static void echo(struct client *c, uint64_t bytes)
{
    client_send(c, bytes);
    client_receive(c, bytes);
}

static void leave(struct client *c)
{
    client_close_notify(c);
    assert_int_equal(client_read_end(c), CLIENT_CLOSE_NOTIFY);
    client_close(c);
}

/* Sends until the connection is gone or the echo is back; true: it lives. */
static bool lives(struct client *c)
{
    uint8_t byte;
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        return false;
    echo(c, 20000);
    return true;
}

static void a_killed_worker_costs_its_own_connections_only(void **state)
{
    struct client crowd[CROWD];
    struct conn_line line;
    pid_t pids[WORKERS_MAX];
    unsigned living = 0;
    (void)state;
    serve(2, NULL, NULL);
    for (int i = 0; i < CROWD; i++) {
        join(&crowd[i]);
        echo(&crowd[i], 1000);
    }
    assert_int_equal(gateway_workers(gateway, pids), 2);
    gateway->lost_some = true;
    assert_return_code(kill(pids[0], SIGKILL), 0);
    gateway_expect_words(gateway, "is back");
    for (int i = 0; i < CROWD; i++) {
        if (lives(&crowd[i])) {
            living++;
            leave(&crowd[i]);
            gateway_expect(gateway, "finished", &line);
            assert_int_equal(line.bytes_up, 21000);
        } else {
            client_close(&crowd[i]);
        }
    }
    assert_in_range(living, 1, CROWD - 1);
    for (int i = 0; i < CROWD; i++) {
        join(&crowd[i]);
        echo(&crowd[i], 1000);
        leave(&crowd[i]);
    }
    assert_int_equal(gateway_workers(gateway, pids), 2);
    gateway_stop(gateway);
}

static void term_lets_connections_finish(void **state)
{
    struct client c;
    int fd;
    (void)state;
    serve(2, NULL, NULL);
    join(&c);
    echo(&c, 1000);
    gateway_term(gateway);
    gateway_expect_words(gateway, "stopping");
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    /* One that comes while the listeners close is served, or reset. */
    while ((fd = net_connect(gateway->port)) != -ECONNREFUSED && net_now_ms() < deadline)
        if (fd >= 0)
            (void)close(fd);
    assert_int_equal(fd, -ECONNREFUSED);
    for (int i = 0; i < 16; i++)
        echo(&c, MIB / 4);
    leave(&c);
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
    join(&c);
    echo(&c, 1000);
    gateway_term(gateway);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "shutdown", NULL);
    gateway_await_exit(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(term_ends_an_idle_gateway_at_once),
        TEST(term_lets_connections_finish),
        TEST(shutdown_timeout_cuts_what_is_left),
        TEST(a_killed_worker_costs_its_own_connections_only),
    };
    return run_world("f_workers", tests);
}
