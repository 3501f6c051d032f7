/* SPDX-License-Identifier: Apache-2.0 */
/* TERM, with several workers: what is open comes to its end, or is cut after --shutdown-timeout. */
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
    };
    return run_world("f_shutdown", tests);
}
