/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/sockaddr: addresses as people write them. */
#include "gateway/base/sockaddr.h"

#include "gateway/base/attr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage make(int family, const char *host, uint16_t port)
{
    struct sockaddr_storage sa = {.ss_family = (sa_family_t)family};
    struct sockaddr_in *sin = (struct sockaddr_in *)&sa;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&sa;
    if (family == AF_INET)
        assert_int_equal(inet_pton(family, host, &sin->sin_addr), 1);
    if (family == AF_INET6)
        assert_int_equal(inet_pton(family, host, &six->sin6_addr), 1);
    sin->sin_port = htons(port); /* at the same place in both */
    return sa;
}

static const struct {
    int family;
    const char *host;
    uint16_t port;
    const char *text;
} rows[] = {
    {AF_INET, "192.0.2.1", 443, "192.0.2.1:443"},
    {AF_INET, "255.255.255.255", 65535, "255.255.255.255:65535"},
    {AF_INET6, "2001:db8::1", 443, "[2001:db8::1]:443"},
    {AF_INET6, "::", 0, "[::]:0"},
    {AF_INET6, "::ffff:192.0.2.1", 8443, "192.0.2.1:8443"},
    {AF_INET6, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 65535,
     "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535"},
    {AF_UNIX, "", 0, "unix"},
    {AF_UNSPEC, "", 0, "unknown"},
    {AF_PACKET, "", 0, "unknown"},
};

static void prints_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char out[64];
        struct sockaddr_storage sa = make(rows[i].family, rows[i].host, rows[i].port);
        gw_sockaddr_print(&sa, out, sizeof(out));
        assert_string_equal(out, rows[i].text);
    }
}

static void stays_inside_its_room(void **state)
{
    (void)state;
    struct sockaddr_storage sa = make(AF_INET6, "2001:db8::1", 443);
    for (size_t size = 1; size < 20; size++) {
        char out[64];
        memset(out, 'x', sizeof(out));
        gw_sockaddr_print(&sa, out, size);
        assert_int_equal(out[size], 'x');
        assert_int_equal(strlen(out), GW_MIN(size - 1, strlen("[2001:db8::1]:443")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_addresses),
        cmocka_unit_test(stays_inside_its_room),
    };
    return cmocka_run_group_tests_name("sockaddr", tests, NULL, NULL);
}
