/* SPDX-License-Identifier: Apache-2.0 */
/* TERM, with several workers: what is open comes to its end, or is cut after --shutdown-timeout. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include <errno.h>
#include <openssl/ssl.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(term_ends_an_idle_gateway_at_once),
        STAGED(term_lets_connections_finish),
        STAGED(shutdown_timeout_cuts_what_is_left),
    };
    return run_world("f_shutdown", tests);
}
