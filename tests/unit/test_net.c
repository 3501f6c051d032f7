/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/net: networks, and the addresses in them. */
#include "gateway/config/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage ss = {.ss_family = AF_UNIX};
    if (!strcmp(text, "unix"))
        return ss;
    ss.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
    void *to = ss.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&ss)->sin_addr
                                       : (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr;
    assert_int_equal(inet_pton(ss.ss_family, text, to), 1);
    return ss;
}

static void who_is_in(void **state)
{
    static const struct {
        const char *net;
        const char *in[4];
        const char *out[6];
    } rows[] = {
        {"10.0.0.0/8",
         {"10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"},
         {"9.255.255.255", "11.0.0.0", "::a00:1", "a00::", "unix"}},
        {"192.0.2.7", {"192.0.2.7", "::ffff:192.0.2.7"}, {"192.0.2.6", "192.0.2.8"}},
        {"192.0.2.128/25", {"192.0.2.128", "192.0.2.255"}, {"192.0.2.127", "192.0.3.128"}},
        {"0.0.0.0/0", {"1.2.3.4", "::ffff:1.2.3.4"}, {"::1", "2001:db8::", "unix"}},
        {"::/0", {"::1", "2001:db8::"}, {"1.2.3.4", "::ffff:1.2.3.4", "unix"}},
        {"2001:db8::/33", {"2001:db8:7fff::1"}, {"2001:db8:8000::", "2001:db9::"}},
        {"2001:db8::1/128", {"2001:db8::1"}, {"2001:db8::", "2001:db8::2"}},
        {"::ffff:10.0.0.0/104", {"10.1.1.1", "::ffff:10.1.1.1"}, {"11.0.0.0", "::1"}},
        /* All of IPv4, and with one bit less none of it. */
        {"::ffff:0:0/96", {"1.2.3.4", "::ffff:1.2.3.4"}, {"::1", "::fffe:102:304", "2001:db8::"}},
        {"::fffe:0:0/95", {"::fffe:102:304"}, {"1.2.3.4", "::ffff:1.2.3.4", "::1"}},
        {"::ffff:10.0.0.1", {"10.0.0.1", "::ffff:10.0.0.1"}, {"10.0.0.0", "::a00:1"}},
        {"2001:db8::/64", {"2001:db8::ffff:1.2.3.4"}, {"1.2.3.4", "2001:db8:0:1::"}},
        {"128.0.0.0/1", {"128.0.0.0", "255.255.255.255"}, {"127.255.255.255"}},
        {"8000::/1", {"8000::", "ffff::"}, {"7fff:ffff::", "128.0.0.1"}},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_net net;
        const char *why;
        assert_int_equal(gw_net_read(rows[i].net, &net, &why), 0);
        for (size_t k = 0; rows[i].in[k]; k++) {
            struct sockaddr_storage ss = address(rows[i].in[k]);
            if (!gw_net_has(&net, (struct sockaddr *)&ss))
                fail_msg("%s is not in %s", rows[i].in[k], rows[i].net);
        }
        for (size_t k = 0; k < 6 && rows[i].out[k]; k++) {
            struct sockaddr_storage ss = address(rows[i].out[k]);
            if (gw_net_has(&net, (struct sockaddr *)&ss))
                fail_msg("%s is in %s", rows[i].out[k], rows[i].net);
        }
    }
}

static void what_is_none(void **state)
{
    static const char too_long[] = "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/0";
    static const char no_address[] = "it is not an IP address";
    static const char no_bits[] = "after the slash comes the number of bits that count";
    static const char more_bits[] = "bits after the network's are set";
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", no_address},
        {"10", no_address},
        {"10.0.0/8", no_address},
        {"10.0.0.0/", no_bits},
        {"::/", no_bits},
        {"10.0.0.0/33", no_bits},
        {"10.0.0.0/-1", no_bits},
        {"10.0.0.0/08", no_bits},
        {"10.0.0.0/8/8", no_bits},
        {"10.0.0.0/ 8", no_bits},
        {"::/129", no_bits},
        {"::/0128", no_bits},
        {"10.0.0.1/8", more_bits},
        {"10.0.0.1/31", more_bits},
        {"2001:db8::1/32", more_bits},
        {"2001:db8::1/127", more_bits},
        {"::ffff:10.0.0.1/104", more_bits},
        {"::ffff:0:0/95", more_bits},
        {"fe80::1%eth0", no_address},
        {"localhost", no_address},
        {"unix", no_address},
        {"*", no_address},
        {too_long, no_address},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_net net;
        const char *why = NULL;
        if (gw_net_read(rows[i].text, &net, &why) != -EINVAL)
            fail_msg("'%s' is taken", rows[i].text);
        assert_string_equal(why, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_in),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
