/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/listener: which addresses can be bound, with real sockets on loopback. */
#include "gateway/proc/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/folder.h"
#include "tests/support/skip.h"

struct fixture {
    struct gw_config config;
    struct gw_service service;
    struct gw_listeners listeners;
    struct gw_error err;
    char folder[FOLDER_MAX];
};

static int set_up(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    f->config.services[0] = &f->service;
    f->config.service_count = 1;
    f->config.workers = 3;
    *state = f;
    return folder_make(f->folder, "listener") ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    gw_listeners_done(&f->listeners);
    int r = rmdir(f->folder); /* fails when a socket file was left behind */
    test_free(f);
    return r;
}

static struct gw_address *add_v4(struct fixture *f, const char *host, uint16_t port)
{
    struct gw_address *a = &f->service.listen[f->service.listen_count++];
    struct sockaddr_in *in = (struct sockaddr_in *)&a->addr;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, host, &in->sin_addr), 1);
    a->len = sizeof(*in);
    (void)snprintf(a->text, sizeof(a->text), "%s:%u", host, port);
    return a;
}

static void add_v6(struct fixture *f, const struct in6_addr *host, uint16_t port)
{
    struct gw_address *a = &f->service.listen[f->service.listen_count++];
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)&a->addr;
    *in = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *host};
    a->len = sizeof(*in);
    (void)snprintf(a->text, sizeof(a->text), "[v6]:%u", port);
}

static const char *add_unix(struct fixture *f, const char *name)
{
    struct gw_address *a = &f->service.listen[f->service.listen_count++];
    struct sockaddr_un *un = (struct sockaddr_un *)&a->addr;
    un->sun_family = AF_UNIX;
    (void)snprintf(un->sun_path, sizeof(un->sun_path), "%s/%s", f->folder, name);
    a->len = sizeof(*un);
    (void)snprintf(a->text, sizeof(a->text), "unix:%.100s", un->sun_path);
    return un->sun_path;
}

static uint16_t port_got(int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.ss_family == AF_INET ? ((struct sockaddr_in *)&addr)->sin_port
                                           : ((struct sockaddr_in6 *)&addr)->sin6_port);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void open_all(struct fixture *f)
{
    int r = gw_listeners_open(&f->listeners, &f->config, &f->err);
    if (r)
        print_error("%s\n", f->err.text);
    assert_int_equal(r, 0);
}

static void refused(struct fixture *f, const char *words)
{
    assert_int_equal(gw_listeners_open(&f->listeners, &f->config, &f->err), -EIO);
    assert_int_equal(f->err.exit, GW_EXIT_START);
    if (!strstr(f->err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", f->err.text, words);
    assert_int_equal(f->listeners.count, 0);
}

static int connect_to(int family, const struct sockaddr *addr, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int r = connect(fd, addr, len) ? -errno : 0;
    (void)close(fd);
    return r;
}

static void each_worker_has_its_own_socket_on_one_port(void **state)
{
    struct fixture *f = *state;
    add_v4(f, "127.0.0.1", 0);
    open_all(f);
    assert_int_equal(f->listeners.count, 1);
    const struct gw_listener *row = &f->listeners.rows[0];
    uint16_t port = port_got(gw_listener_fd(row, 0));
    assert_int_not_equal(port, 0);
    for (unsigned w = 0; w < 3; w++) {
        int fd = gw_listener_fd(row, w);
        assert_int_equal(port_got(fd), port);
        assert_int_equal(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
        assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
        for (unsigned other = 0; other < w; other++)
            assert_int_not_equal(fd, gw_listener_fd(row, other));
    }
    char expect[64];
    (void)snprintf(expect, sizeof(expect), "127.0.0.1:%u", port);
    assert_string_equal(row->name, expect);
}

static void connections_do_not_wait_to_fill_packets(void **state)
{
    struct fixture *f = *state;
    f->config.workers = 1;
    add_v4(f, "127.0.0.1", 0);
    open_all(f);
    int listener = gw_listener_fd(&f->listeners.rows[0], 0);
    struct sockaddr_in at;
    socklen_t len = sizeof(at);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&at, len), 0);
    int fd = accept(listener, NULL, NULL);
    int no_delay = 0;
    len = sizeof(no_delay);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &len), 0);
    assert_int_not_equal(no_delay, 0);
    (void)close(fd);
    (void)close(client);
}

static void a_second_instance_is_refused(void **state)
{
    struct fixture *f = *state;
    add_v4(f, "127.0.0.1", 0);
    open_all(f);
    struct fixture second = {.config = f->config};
    second.config.services[0] = &second.service;
    add_v4(&second, "127.0.0.1", port_got(gw_listener_fd(&f->listeners.rows[0], 0)));
    refused(&second, "--listen 127.0.0.1:");
    assert_non_null(strstr(second.err.text, "in use"));

    /* Another process may have the port after our listeners are closed. */
    gw_listeners_done(&f->listeners);
    open_all(&second);
    gw_listeners_done(&second.listeners);
}

static void any_address_and_a_listed_one_collide(void **state)
{
    struct fixture *f = *state;
    add_v4(f, "127.0.0.1", 0);
    open_all(f);
    struct fixture second = {.config = f->config};
    second.config.services[0] = &second.service;
    add_v4(&second, "0.0.0.0", port_got(gw_listener_fd(&f->listeners.rows[0], 0)));
    refused(&second, "in use");
}

static void v6_means_v6_alone(void **state)
{
    struct fixture *f = *state;
    int v6 = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (v6 < 0)
        skip_with("no IPv6 here");
    (void)close(v6);
    add_v4(f, "0.0.0.0", 0);
    open_all(f);
    uint16_t port = port_got(gw_listener_fd(&f->listeners.rows[0], 0));
    gw_listeners_done(&f->listeners);

    f->service.listen_count = 0;
    add_v4(f, "0.0.0.0", port);
    add_v6(f, &in6addr_any, port);
    open_all(f);
    int fd = gw_listener_fd(&f->listeners.rows[1], 2);
    assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    char expect[64];
    (void)snprintf(expect, sizeof(expect), "[::]:%u", port);
    assert_string_equal(f->listeners.rows[1].name, expect);
}

static void every_address_means_v4_too(void **state)
{
    struct fixture *f = *state;
    int v6 = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (v6 < 0)
        skip_with("no IPv6 here");
    (void)close(v6);
    add_v6(f, &in6addr_any, 0);
    f->service.listen[0].dual_stack = true;
    open_all(f);
    int fd = gw_listener_fd(&f->listeners.rows[0], 0);
    assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port_got(fd))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
    (void)close(client);
}

static void pinned_workers_get_their_core_s_connections(void **state)
{
    struct fixture *f = *state;
    f->config.workers = 2;
    f->config.cpu_count = 2;
    f->config.cpus[1] = 1;
    add_v4(f, "127.0.0.1", 0);
    open_all(f);
    for (unsigned w = 0; w < 2; w++)
        assert_int_equal(
            option(gw_listener_fd(&f->listeners.rows[0], w), SOL_SOCKET, SO_INCOMING_CPU), w);
}

static void an_address_that_is_not_here_is_refused(void **state)
{
    struct fixture *f = *state;
    add_v4(f, "127.0.0.1", 0);
    add_v4(f, "192.0.2.1", 0); /* RFC 5737: nobody's */
    refused(f, "--listen 192.0.2.1:0: no network interface here has this address");
}

/* Runs `fn` as a user without rights in a process of its own. */
static void as_nobody(struct fixture *f, void (*fn)(struct fixture *f))
{
    if (geteuid())
        skip_with("only root can become somebody else");
    pid_t pid = fork();
    if (!pid) {
        if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
            _exit(2);
        fn(f);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void bind_port_80(struct fixture *f)
{
    add_v4(f, "127.0.0.1", 80);
    if (gw_listeners_open(&f->listeners, &f->config, &f->err) != -EIO ||
        !strstr(f->err.text, "--listen 127.0.0.1:80: ports below 1024 need CAP_NET_BIND_SERVICE"))
        _exit(1);
}

static void a_privileged_port_names_the_capability(void **state)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    int start = 1024;
    if (file && fscanf(file, "%d", &start) != 1)
        start = 1024;
    if (file)
        (void)fclose(file);
    if (start <= 80)
        skip_with("this machine lets everybody bind low ports");
    as_nobody(*state, bind_port_80);
}

static void a_unix_socket_is_shared_private_and_removed(void **state)
{
    struct fixture *f = *state;
    const char *path = add_unix(f, "sock");
    mode_t old = umask(0);
    open_all(f);
    assert_int_equal(umask(old), 0); /* put back */
    const struct gw_listener *row = &f->listeners.rows[0];
    assert_int_equal(gw_listener_fd(row, 0), gw_listener_fd(row, 2));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    const struct gw_address *a = &f->service.listen[0];
    assert_int_equal(connect_to(AF_UNIX, (const struct sockaddr *)&a->addr, a->len), 0);
    gw_listeners_done(&f->listeners);
    assert_int_equal(stat(path, &st), -1);
}

/* --user alone implies that user's group, which the socket's mode lets in. */
static void a_unix_socket_belongs_to_whom_the_gateway_becomes(void **state)
{
    static const struct {
        const char *user, *group;
        bool uid, gid; /* which of the two changes */
    } rows[] = {
        {NULL, NULL, false, false},
        {"a", NULL, true, true},
        {NULL, "b", false, true},
        {"a", "b", true, true},
    };
    struct fixture *f = *state;
    struct stat st;
    if (geteuid())
        skip_with("only root can give a file away");
    const char *path = add_unix(f, "sock");
    f->config.uid = 65533;
    f->config.gid = 65534;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        f->config.user = rows[i].user;
        f->config.group = rows[i].group;
        open_all(f);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_uid, rows[i].uid ? 65533 : 0);
        assert_int_equal(st.st_gid, rows[i].gid ? 65534 : getegid());
        gw_listeners_done(&f->listeners);
    }
}

static void a_unix_socket_in_use_is_refused_and_kept(void **state)
{
    struct fixture *f = *state;
    const char *path = add_unix(f, "sock");
    open_all(f);
    struct fixture second = {.config = f->config};
    second.config.services[0] = &f->service;
    refused(&second, "in use");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
}

/* Its process is slow to accept, so the file is not stale. */
static void a_unix_socket_with_a_full_queue_is_kept(void **state)
{
    struct fixture *f = *state;
    const char *path = add_unix(f, "sock");
    const struct gw_address *a = &f->service.listen[0];
    int theirs = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int waits = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(theirs, (const struct sockaddr *)&a->addr, a->len), 0);
    assert_int_equal(listen(theirs, 0), 0);
    assert_int_equal(connect(waits, (const struct sockaddr *)&a->addr, a->len), 0);
    refused(f, "in use");
    assert_int_equal(unlink(path), 0); /* still there */
    (void)close(waits);
    (void)close(theirs);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    struct fixture *f = *state;
    (void)add_unix(f, "sock");
    const struct gw_address *a = &f->service.listen[0];
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (const struct sockaddr *)&a->addr, a->len), 0);
    (void)close(stale);
    assert_int_equal(connect_to(AF_UNIX, (const struct sockaddr *)&a->addr, a->len), -ECONNREFUSED);
    open_all(f);
    assert_int_equal(connect_to(AF_UNIX, (const struct sockaddr *)&a->addr, a->len), 0);
}

static void a_file_in_the_way_is_refused_and_kept(void **state)
{
    struct fixture *f = *state;
    const char *path = add_unix(f, "sock");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fclose(file);
    refused(f, "the file exists and is not a socket");
    assert_int_equal(unlink(path), 0);
}

static void a_socket_of_somebody_else_is_not_removed(void **state)
{
    struct fixture *f = *state;
    const char *path = add_unix(f, "sock");
    open_all(f);
    const struct gw_address *a = &f->service.listen[0];
    assert_int_equal(unlink(path), 0);
    int theirs = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(theirs, (const struct sockaddr *)&a->addr, a->len), 0);
    gw_listeners_done(&f->listeners);
    assert_int_equal(unlink(path), 0); /* still there */
    (void)close(theirs);
}

static void a_missing_folder_is_named(void **state)
{
    struct fixture *f = *state;
    (void)add_unix(f, "no/such/sock");
    refused(f, "the folder of the socket does not exist");
}

static void one_bad_address_leaves_none_open(void **state)
{
    struct fixture *f = *state;
    const char *path = add_unix(f, "sock");
    add_v4(f, "192.0.2.1", 0);
    refused(f, "192.0.2.1");
    struct stat st;
    assert_int_equal(stat(path, &st), -1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_worker_has_its_own_socket_on_one_port),
        TEST(connections_do_not_wait_to_fill_packets),
        TEST(a_second_instance_is_refused),
        TEST(any_address_and_a_listed_one_collide),
        TEST(v6_means_v6_alone),
        TEST(every_address_means_v4_too),
        TEST(pinned_workers_get_their_core_s_connections),
        TEST(an_address_that_is_not_here_is_refused),
        TEST(a_privileged_port_names_the_capability),
        TEST(a_unix_socket_is_shared_private_and_removed),
        TEST(a_unix_socket_belongs_to_whom_the_gateway_becomes),
        TEST(a_unix_socket_in_use_is_refused_and_kept),
        TEST(a_unix_socket_with_a_full_queue_is_kept),
        TEST(a_stale_unix_socket_is_replaced),
        TEST(a_file_in_the_way_is_refused_and_kept),
        TEST(a_socket_of_somebody_else_is_not_removed),
        TEST(a_missing_folder_is_named),
        TEST(one_bad_address_leaves_none_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
