/* SPDX-License-Identifier: Apache-2.0 */
/* bench/arena: namespaces that are joined, and from which nothing gets out. */
#include "bench/arena/arena.h"

#include "gateway/base/fd.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    HUB,
    CLIENTS,
    FLOOD,
    SPACES,
    PORT = 4433,
};

static const struct bench_arena_plan plan = {
    .spaces = SPACES,
    .links = 2,
    .link = {{.name = "clients", .near = HUB, .far = CLIENTS},
             {.name = "flood", .near = HUB, .far = FLOOD, .rest = true}},
};

static struct bench_arena arena;
static struct gw_error err;

static int set_up(void **state gw_unused)
{
    if (bench_arena_init(&arena, &plan, &err))
        fail_msg("%s", err.text);
    return 0;
}

static int tear_down(void **state gw_unused)
{
    bench_arena_done(&arena);
    return 0;
}

static int socket_in(unsigned space, int family)
{
    int fd = bench_space_socket(arena.spaces[space], family, SOCK_STREAM, &err);
    if (fd < 0)
        fail_msg("%s", err.text);
    return fd;
}

static void expect_connection(const struct bench_arena_link *link, int family)
{
    socklen_t len;
    const struct sockaddr_storage at = bench_arena_address(&link->near, family, PORT, &len);
    gw_auto_fd listener = socket_in(link->near.space, family);
    gw_auto_fd client = socket_in(link->far.space, family);
    assert_int_equal(bind(listener, (const struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&at, len), 0);
}

static void ends_reach_each_other(void **state gw_unused)
{
    for (unsigned i = 0; i < plan.links; i++) {
        expect_connection(&arena.links[i], AF_INET);
        if (arena.has_v6)
            expect_connection(&arena.links[i], AF_INET6);
    }
}

static unsigned links_here(void)
{
    unsigned count = 0;
    char line[512];
    FILE *file = fopen("/proc/thread-self/net/dev", "re");
    while (file && fgets(line, sizeof(line), file))
        count++;
    (void)fclose(file);
    return count;
}

static void nothing_of_it_is_where_it_was_made(void **state gw_unused)
{
    struct bench_arena other;
    unsigned before = links_here();
    if (bench_arena_init(&other, &plan, &err))
        fail_msg("%s", err.text);
    assert_int_equal(links_here(), before);
    for (unsigned i = 0; i < SPACES; i++)
        assert_false(bench_arena_is_in(&other, i));
    bench_arena_done(&other);
    bench_arena_done(&other);
}

static void who_is_inside_knows_it(void **state gw_unused)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(bench_arena_enter(&arena, FLOOD, &err) || !bench_arena_is_in(&arena, FLOOD) ||
              bench_arena_is_in(&arena, HUB));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Without a route out no target can be reached. */
static void no_way_leads_out(void **state gw_unused)
{
    static const struct bench_arena_end outside = {
        .v4 = {192, 0, 2, 1}, .v6 = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}; /* of documentation */
    static const int families[] = {AF_INET, AF_INET6};
    for (unsigned i = 0; i < SPACES; i++)
        for (unsigned f = 0; f < (arena.has_v6 ? 2U : 1U); f++) {
            socklen_t len;
            const struct sockaddr_storage to = bench_arena_address(&outside, families[f], 53, &len);
            gw_auto_fd fd = socket_in(i, families[f]);
            assert_int_equal(connect(fd, (const struct sockaddr *)&to, len), -1);
            assert_int_equal(errno, ENETUNREACH);
        }
}

static void settings_are_of_one_namespace(void **state gw_unused)
{
    static const char *const look[] = {"grep", "-q", "^0$", "/proc/sys/net/ipv4/tcp_syncookies",
                                       NULL};
    assert_int_equal(bench_space_sysctl(arena.spaces[HUB], "net/ipv4/tcp_syncookies", "0", &err),
                     0);
    assert_int_equal(bench_space_run(arena.spaces[HUB], look, NULL, &err), 0);
    assert_int_not_equal(bench_space_run(arena.spaces[FLOOD], look, NULL, &err), 0);
    assert_int_not_equal(bench_space_sysctl(arena.spaces[HUB], "net/ipv4/nothing", "0", &err), 0);
}

static void what_a_program_says_is_told(void **state gw_unused)
{
    static const char *const words[] = {"sh", "-c", "read a && echo \"$a\" && exit 1", NULL};
    static const char *const none[] = {"ktlsgate-no-such-program", NULL};
    assert_int_not_equal(bench_space_run(arena.spaces[HUB], words, "so it is\n", &err), 0);
    assert_non_null(strstr(err.text, "so it is"));
    assert_int_not_equal(bench_space_run(arena.spaces[HUB], none, NULL, &err), 0);
    assert_non_null(strstr(err.text, "is not installed"));
}

static void traffic_is_counted(void **state gw_unused)
{
    struct bench_space_traffic before, after;
    const struct bench_arena_link *link = &arena.links[1];
    assert_int_equal(bench_space_traffic(arena.spaces[HUB], "flood", &before, &err), 0);
    expect_connection(link, AF_INET);
    assert_int_equal(bench_space_traffic(arena.spaces[HUB], "flood", &after, &err), 0);
    assert_true(after.rx_packets >= before.rx_packets + 2);
    assert_true(after.tx_packets >= before.tx_packets + 1);
    assert_int_not_equal(bench_space_traffic(arena.spaces[HUB], "floo", &after, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_reach_each_other),
        cmocka_unit_test(nothing_of_it_is_where_it_was_made),
        cmocka_unit_test(who_is_inside_knows_it),
        cmocka_unit_test(no_way_leads_out),
        cmocka_unit_test(settings_are_of_one_namespace),
        cmocka_unit_test(what_a_program_says_is_told),
        cmocka_unit_test(traffic_is_counted),
    };
    int space = bench_space_make(&err);
    if (space < 0 && strstr(err.text, "it takes root")) { /* whatever else fails is a failure */
        print_message("SKIP: %s\n", err.text);
        return 77;
    }
    gw_fd_close(&space);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
