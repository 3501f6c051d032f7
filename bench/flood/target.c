/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/target.h"

#include "bench/compare/child.h"
#include "gateway/base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    READ_MAX = 65536,
};

struct bench_target_counters *bench_target_counters_new(void)
{
    void *at = mmap(NULL, sizeof(struct bench_target_counters), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

int bench_target_drop(const struct bench_arena *arena, unsigned link, struct gw_error *err)
{
    static const char *const words[] = {"nft", "-f", "-", NULL};
    const struct bench_arena_end *end = &arena->links[link].near;
    char rules[256];
    (void)snprintf(rules, sizeof(rules),
                   "table netdev bench {\n"
                   "  chain everything {\n"
                   "    type filter hook ingress device \"%s\" priority filter; policy drop;\n"
                   "  }\n"
                   "}\n",
                   end->name);
    return bench_space_run(arena->spaces[end->space], words, rules, err);
}

static int open_listener(const struct bench_arena *arena, const struct bench_arena_end *end,
                         bool v6, uint16_t port, struct gw_error *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&at.sin_addr, end->v4, sizeof(end->v4));
    memcpy(&at6.sin6_addr, end->v6, sizeof(end->v6));
    int fd =
        bench_space_socket(arena->spaces[end->space], v6 ? AF_INET6 : AF_INET, SOCK_STREAM, err);
    if (fd < 0)
        return fd;
    if (bind(fd, v6 ? (const struct sockaddr *)&at6 : (const struct sockaddr *)&at,
             v6 ? sizeof(at6) : sizeof(at)) ||
        listen(fd, BACKLOG)) {
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
