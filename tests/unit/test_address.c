/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/address: what people write, and what it stands for on this machine. */
#include "gateway/config/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

#define LABEL63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define PATH100                                                                                    \
    "/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/"  \
    "aaaaaaaaa"

static const struct {
    const char *text;
    enum gw_address_use use;
    enum gw_address_kind kind;
    int family; /* 0: not known yet */
    uint16_t port;
    const char *host;
} good[] = {
    {"127.0.0.1:80", GW_ADDRESS_TARGET, GW_ADDRESS_NUMERIC, AF_INET, 80, "127.0.0.1"},
    {"127.0.0.1:0", GW_ADDRESS_LISTEN, GW_ADDRESS_NUMERIC, AF_INET, 0, "127.0.0.1"},
    {"0.0.0.0:65535", GW_ADDRESS_LISTEN, GW_ADDRESS_NUMERIC, AF_INET, 65535, "0.0.0.0"},
    {"[::1]:443", GW_ADDRESS_TARGET, GW_ADDRESS_NUMERIC, AF_INET6, 443, "::1"},
    {"[::]:443", GW_ADDRESS_LISTEN, GW_ADDRESS_NUMERIC, AF_INET6, 443, "::"},
    {"[::ffff:127.0.0.1]:443", GW_ADDRESS_TARGET, GW_ADDRESS_NUMERIC, AF_INET6, 443,
     "::ffff:127.0.0.1"},
    {":8443", GW_ADDRESS_LISTEN, GW_ADDRESS_ANY, 0, 8443, ""},
    {"*:8443", GW_ADDRESS_LISTEN, GW_ADDRESS_ANY, 0, 8443, "*"},
    {"localhost:80", GW_ADDRESS_TARGET, GW_ADDRESS_NAME, 0, 80, "localhost"},
    {"my_back-end.example.:80", GW_ADDRESS_TARGET, GW_ADDRESS_NAME, 0, 80, "my_back-end.example."},
    {LABEL63 ".a:1", GW_ADDRESS_TARGET, GW_ADDRESS_NAME, 0, 1, LABEL63 ".a"},
    {"unix:/run/x.sock", GW_ADDRESS_TARGET, GW_ADDRESS_UNIX, AF_UNIX, 0, ""},
    {"unix:x", GW_ADDRESS_LISTEN, GW_ADDRESS_UNIX, AF_UNIX, 0, ""},
    {"unix:" PATH100 "/abcdef", GW_ADDRESS_LISTEN, GW_ADDRESS_UNIX, AF_UNIX, 0, ""},
};

static const struct {
    const char *text;
    enum gw_address_use use;
    const char *why;
} bad[] = {
    {"", GW_ADDRESS_LISTEN, "it is not HOST:PORT, [v6]:PORT or unix:PATH"},
    {"localhost", GW_ADDRESS_LISTEN, "it is not HOST:PORT, [v6]:PORT or unix:PATH"},
    {"8443", GW_ADDRESS_LISTEN, "it is not HOST:PORT, [v6]:PORT or unix:PATH"},
    {"localhost:", GW_ADDRESS_LISTEN, "the port after the colon is missing"},
    {":", GW_ADDRESS_LISTEN, "the port after the colon is missing"},
    {"localhost:http", GW_ADDRESS_LISTEN, "the port is not a number from 1 to 65535"},
    {"localhost:65536", GW_ADDRESS_LISTEN, "the port is not a number from 1 to 65535"},
    {"localhost:80x", GW_ADDRESS_LISTEN, "the port is not a number from 1 to 65535"},
    {"localhost:-1", GW_ADDRESS_LISTEN, "the port is not a number from 1 to 65535"},
    {"localhost: 80", GW_ADDRESS_LISTEN, "the port is not a number from 1 to 65535"},
    {"localhost:0", GW_ADDRESS_TARGET, "port 0 cannot be connected to"},
    {":80", GW_ADDRESS_TARGET, "the host before the colon is missing"},
    {"*:80", GW_ADDRESS_TARGET, "the host before the colon is missing"},
    {"::1:80", GW_ADDRESS_LISTEN, "an IPv6 address goes in brackets: [::1]:443"},
    {"http://x:80", GW_ADDRESS_TARGET, "an IPv6 address goes in brackets: [::1]:443"},
    {"[::1", GW_ADDRESS_LISTEN, "the closing bracket is missing"},
    {"[::1]", GW_ADDRESS_LISTEN, "after the bracket comes a colon and the port"},
    {"[::1]443", GW_ADDRESS_LISTEN, "after the bracket comes a colon and the port"},
    {"[]:443", GW_ADDRESS_LISTEN, "there is no IPv6 address in the brackets"},
    {"[localhost]:443", GW_ADDRESS_LISTEN, "there is no IPv6 address in the brackets"},
    {"[127.0.0.1]:443", GW_ADDRESS_LISTEN, "there is no IPv6 address in the brackets"},
    {"[::1::]:443", GW_ADDRESS_LISTEN, "there is no IPv6 address in the brackets"},
    {"127.1:443", GW_ADDRESS_LISTEN, "the IPv4 address is not four numbers from 0 to 255"},
    {"256.0.0.1:443", GW_ADDRESS_LISTEN, "the IPv4 address is not four numbers from 0 to 255"},
    {"2130706433:443", GW_ADDRESS_LISTEN, "the IPv4 address is not four numbers from 0 to 255"},
    {"a..b:80", GW_ADDRESS_TARGET, "the host is not a name or an address"},
    {".a:80", GW_ADDRESS_TARGET, "the host is not a name or an address"},
    {"a b:80", GW_ADDRESS_TARGET, "the host is not a name or an address"},
    {"user@host:80", GW_ADDRESS_TARGET, "the host is not a name or an address"},
    {LABEL63 "g:80", GW_ADDRESS_TARGET, "the host is not a name or an address"},
    {LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ":80", GW_ADDRESS_TARGET,
     "the host is longer than the 253 bytes a name may have"},
    {"unix:", GW_ADDRESS_LISTEN, "the path after unix: is missing"},
    {"unix:" PATH100 "/abcdefg", GW_ADDRESS_LISTEN,
     "the path is longer than the 107 bytes a socket's name may have"},
};

static void good_ones_are_taken_apart(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(good); i++) {
        struct gw_address_spec spec;
        const char *why = "";
        int error = gw_address_read(good[i].text, good[i].use, &spec, &why);
        if (error)
            print_error("'%s': %s\n", good[i].text, why);
        assert_int_equal(error, 0);
        assert_int_equal(spec.kind, good[i].kind);
        assert_int_equal(spec.port, good[i].port);
        assert_string_equal(spec.host, good[i].host);
        assert_int_equal(spec.numeric.addr.ss_family, good[i].family);
        assert_string_equal(spec.text, good[i].text);
    }
}

static void bad_ones_say_why(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(bad); i++) {
        struct gw_address_spec spec = {.port = 4711};
        const char *why = NULL;
        if (!gw_address_read(bad[i].text, bad[i].use, &spec, &why))
            print_error("'%s' was taken\n", bad[i].text);
        assert_non_null(why);
        assert_string_equal(why, bad[i].why);
        assert_int_equal(spec.port, 4711);
    }
}

static int resolve(const char *text, enum gw_address_use use, struct gw_address *out, unsigned max)
{
    struct gw_address_spec spec;
    const char *why;
    assert_int_equal(gw_address_read(text, use, &spec, &why), 0);
    return gw_address_resolve(&spec, use, out, max, &why);
}

static struct gw_address one(const char *text)
{
    struct gw_address a;
    assert_int_equal(resolve(text, GW_ADDRESS_LISTEN, &a, 1), 1);
    return a;
}

static void numbers_stand_for_themselves(void **state gw_unused)
{
    struct gw_address a = one("127.0.0.1:80");
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a.addr;
    assert_int_equal(a.len, sizeof(*v4));
    assert_int_equal(v4->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(ntohs(v4->sin_port), 80);
    assert_string_equal(a.text, "127.0.0.1:80");

    a = one("[::1]:443");
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a.addr;
    assert_int_equal(a.len, sizeof(*v6));
    assert_memory_equal(&v6->sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback));
    assert_int_equal(ntohs(v6->sin6_port), 443);
    assert_false(a.dual_stack);

    a = one("unix:/tmp/x");
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a.addr;
    assert_string_equal(un->sun_path, "/tmp/x");
    assert_int_equal(a.len, offsetof(struct sockaddr_un, sun_path) + sizeof("/tmp/x"));
}

static void every_address_is_dual_stack_where_there_is_v6(void **state gw_unused)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has_v6 = fd >= 0 && !bind(fd, (const struct sockaddr *)&any, sizeof(any));
    if (fd >= 0)
        (void)close(fd);
    struct gw_address a = one(":8443");
    assert_int_equal(a.addr.ss_family, has_v6 ? AF_INET6 : AF_INET);
    assert_int_equal(a.dual_stack, has_v6);
    assert_string_equal(a.text, ":8443");
    assert_string_equal(one("*:8443").text, "*:8443");
}

static void a_name_becomes_its_addresses(void **state gw_unused)
{
    struct gw_address a[GW_TARGET_ADDRS_MAX];
    int count = resolve("localhost:80", GW_ADDRESS_TARGET, a, GW_TARGET_ADDRS_MAX);
    assert_in_range(count, 1, 2);
    for (int i = 0; i < count; i++)
        assert_string_equal(a[i].text,
                            a[i].addr.ss_family == AF_INET ? "127.0.0.1:80" : "[::1]:80");
    if (count == 2)
        assert_false(gw_address_same(&a[0], &a[1]));
    assert_int_equal(resolve("localhost:80", GW_ADDRESS_TARGET, a, 1), 1);
    /* What the machine cannot bind is left out of a listener's list. */
    count = resolve("localhost:0", GW_ADDRESS_LISTEN, a, GW_TARGET_ADDRS_MAX);
    assert_true(count >= 1);
    for (int i = 0; i < count; i++) {
        int fd = socket(a[i].addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&a[i].addr, a[i].len), 0);
        (void)close(fd);
    }
}

/* In a network of its own nobody can be asked, and nothing leaves the machine. */
static int unresolvable_in_child(void)
{
    struct gw_address a;
    struct gw_address_spec spec;
    const char *why = NULL;
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
        return 77;
    if (gw_address_read("nobody.invalid:80", GW_ADDRESS_TARGET, &spec, &why))
        return 1;
    why = NULL;
    int count = gw_address_resolve(&spec, GW_ADDRESS_TARGET, &a, 1, &why);
    return count == -EADDRNOTAVAIL && why && *why ? 0 : 2;
}

static void an_unknown_name_is_told(void **state gw_unused)
{
    int status = 0;
    pid_t child = fork();
    if (!child)
        _exit(unresolvable_in_child());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip_with("no namespace without a resolver can be made here");
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void same_means_one_socket_would_do(void **state gw_unused)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true},
        {"127.0.0.1:80", "127.0.0.1:81", false},
        {"127.0.0.1:80", "127.0.0.2:80", false},
        {"127.0.0.1:0", "127.0.0.1:0", false},
        {"127.0.0.1:80", "0.0.0.0:80", false}, /* the exact one wins in the kernel */
        {"[::1]:80", "[::1]:80", true},
        {"[::]:80", "0.0.0.0:80", false},
        {":80", "*:80", true},
        {":80", "0.0.0.0:80", true},
        {":80", ":81", false},
        {"unix:/a", "unix:/a", true},
        {"unix:/a", "unix:/b", false},
        {"unix:/a", "127.0.0.1:80", false},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_address a = one(rows[i].a);
        struct gw_address b = one(rows[i].b);
        assert_int_equal(gw_address_same(&a, &b), rows[i].same);
        assert_int_equal(gw_address_same(&b, &a), rows[i].same);
    }
}

static void a_loop_is_seen(void **state gw_unused)
{
    static const struct {
        const char *target;
        const char *listener;
        bool reaches;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true}, {"127.0.0.1:80", ":80", true},
        {"127.0.0.1:80", "0.0.0.0:80", true},   {"127.0.0.1:80", "[::]:80", false},
        {"127.0.0.1:80", ":81", false},         {"192.0.2.1:80", ":80", false},
        {"[::1]:80", "[::]:80", true},          {"[::1]:80", "0.0.0.0:80", false},
        {"unix:/a", "unix:/a", true},           {"unix:/a", ":80", false},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_address target = one(rows[i].target);
        struct gw_address listener = one(rows[i].listener);
        assert_int_equal(gw_address_reaches(&target, &listener), rows[i].reaches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_taken_apart),
        cmocka_unit_test(bad_ones_say_why),
        cmocka_unit_test(numbers_stand_for_themselves),
        cmocka_unit_test(every_address_is_dual_stack_where_there_is_v6),
        cmocka_unit_test(a_name_becomes_its_addresses),
        cmocka_unit_test(an_unknown_name_is_told),
        cmocka_unit_test(a_loop_is_seen),
        cmocka_unit_test(same_means_one_socket_would_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
