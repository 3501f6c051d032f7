/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header is the first the backend sees, exact to the byte, and the stream follows. */
#include "tests/integration/backend.h"
#include "tests/integration/check.h"
#include "tests/integration/client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static struct backend *backend;
static struct gateway *gateway;

static int start(void **state)
{
    (void)state;
    backend = backend_start(&BACKEND_PLAN(.fin_after_fin = true));
    return 0;
}

static int stop(void **state)
{
    (void)gateway_drop(state);
    backend_stop(backend);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static uint16_t own_port(int fd)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof(addr);
    assert_return_code(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.sin_port);
}

/* Sends "hello" and returns what the backend got: head and stream. */
static struct backend_account visit(const char *version, uint16_t *ret_port)
{
    struct client c;
    struct backend_account a;
    gateway = gateway_start(&(struct gateway_options){
        .target = backend_port(backend),
        .flags = {"--proxy-protocol", version},
    });
    client_connect(&c, &(struct client_options){.port = gateway->port});
    *ret_port = own_port(c.fd);
    client_send_text(&c, "hello");
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "finished", NULL);
    assert_true(backend_await(backend, 0, &a));
    gateway_stop(gateway);
    return a;
}

static void version_1(void **state)
{
    char want[128];
    uint16_t port;
    (void)state;
    struct backend_account a = visit("v1", &port);
    int len = snprintf(want, sizeof(want), "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\nhello", port,
                       gateway->port);
    assert_int_equal(a.received, len);
    assert_memory_equal(a.head, want, (size_t)len);
}

static void version_2(void **state)
{
    uint8_t want[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1ssddhello";
    uint16_t port;
    (void)state;
    struct backend_account a = visit("v2", &port);
    const uint16_t ports[2] = {htons(port), htons(gateway->port)};
    memcpy(want + 24, ports, sizeof(ports));
    assert_int_equal(a.received, sizeof(want) - 1);
    assert_memory_equal(a.head, want, sizeof(want) - 1);
}

static void nothing_without_being_asked(void **state)
{
    uint16_t port;
    (void)state;
    struct backend_account a = visit("off", &port);
    assert_int_equal(a.received, 5);
    assert_memory_equal(a.head, "hello", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_1),
        TEST(version_2),
        TEST(nothing_without_being_asked),
    };
    return run_world("i_proxy", tests);
}
