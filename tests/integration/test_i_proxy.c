/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header is the first the backend sees, exact to the byte, and the stream follows. */
#include "tests/integration/check.h"
#include "tests/integration/stage.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    return stage_start_with(&BACKEND_PLAN(.fin_after_fin = true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

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
    stage_serve(&(struct gateway_options){
        .flags = {"--proxy-protocol", version},
    });
    stage_join(&c, NULL);
    *ret_port = own_port(c.fd);
    client_send_text(&c, "hello");
    stage_leave(&c);
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
