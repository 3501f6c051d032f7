/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/target.h"

#include "bench/compare/child.h"
#include "gateway/base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    READ_MAX = 65536,
};

int bench_target_drop(const struct bench_arena *arena, unsigned link, struct gw_error *err)
{
    const struct bench_arena_end *end = &arena->links[link].near;
    char rules[256];
    (void)snprintf(rules, sizeof(rules),
                   "table netdev bench {\n"
                   "  chain everything {\n"
                   "    type filter hook ingress device \"%s\" priority filter; policy drop;\n"
                   "  }\n"
                   "}\n",
                   end->name);
    return bench_space_nft(arena->spaces[end->space], rules, err);
}

static int open_listener(const struct bench_arena *arena, const struct bench_arena_end *end,
                         bool v6, uint16_t port, struct gw_error *err)
{
    int family = v6 ? AF_INET6 : AF_INET;
    socklen_t len;
    const struct sockaddr_storage at = bench_arena_address(end, family, port, &len);
    int fd = bench_space_socket(arena->spaces[end->space], family, SOCK_STREAM, err);
    if (fd < 0)
        return fd;
    if (bind(fd, (const struct sockaddr *)&at, len) || listen(fd, BACKLOG)) {
        gw_fd_close(&fd);
        return gw_error_set(err, GW_EXIT_START, "no listener at %s port %u: %s",
                            v6 ? end->v6_text : end->v4_text, port, strerror(errno));
    }
    return fd;
}

static gw_noreturn void be_listener(int listener, struct bench_target_counters *counters)
{
    static uint8_t buffer[READ_MAX];
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        ssize_t len = fd < 0 ? 0 : recv(fd, buffer, sizeof(buffer), 0);
        if (fd >= 0)
            atomic_fetch_add_explicit(&counters->accepted, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&counters->bytes, (uint64_t)GW_MAX(len, 0), memory_order_relaxed);
        gw_fd_close(&fd);
    }
}

pid_t bench_target_listen(const struct bench_arena *arena, unsigned link, bool v6, uint16_t port,
                          struct bench_target_counters *counters, struct gw_error *err)
{
    static const struct bench_cpus anywhere = {.count = 0};
    gw_auto_fd fd = open_listener(arena, &arena->links[link].near, v6, port, err);
    if (fd < 0)
        return fd;
    pid_t pid = bench_child_fork(&anywhere);
    if (pid < 0)
        return gw_error_set(err, GW_EXIT_OTHER, "no process: %s", strerror(-pid));
    if (pid == 0)
        be_listener(fd, counters);
    return pid;
}
