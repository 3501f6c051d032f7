/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int64_t net_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
}

static int tcp_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

int net_listen(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in addr = loopback(0);
    socklen_t len = sizeof(addr);
    int fd = tcp_socket();
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, backlog) ||
        getsockname(fd, (struct sockaddr *)&addr, &len)) {
        int error = errno;
        (void)close(fd);
        return -error;
    }
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

int net_listen_unix(int backlog, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
        listen(fd, backlog) == 0)
        return fd;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    return -error;
}

int net_connect_begin(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = tcp_socket();
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) && errno != EINPROGRESS) {
        int error = errno;
        (void)close(fd);
        return -error;
    }
    return fd;
}

int net_connect(uint16_t port)
{
    int fd = net_connect_begin(port);
    if (fd < 0)
        return fd;
    int error = 0;
    socklen_t len = sizeof(error);
    if (!net_await(fd, POLLOUT, net_now_ms() + DEADLINE_MS))
        error = ETIMEDOUT;
    else
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (!error)
        return fd;
    (void)close(fd);
    return -error;
}

int net_connect_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
        return fd;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    return -error;
}

enum {
    GIVES_UP_AFTER_MS = 10000
};

static bool given_up;

void net_give_up(int64_t waited_ms)
{
    given_up |= waited_ms >= GIVES_UP_AFTER_MS;
}

int net_patience_ms(void)
{
    if (given_up)
        return 3000;
    return getenv("KTLSGATE_TEST_SMALL") ? 60000 : 30000;
}

bool net_await(int fd, short events, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t began = net_now_ms();
    for (;;) {
        int64_t left = deadline_ms - net_now_ms();
        int n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n > 0)
            return true;
        if (n == 0 && left <= 0) {
            net_give_up(net_now_ms() - began);
            return false;
        }
    }
}

bool net_send(int fd, const void *data, size_t len, size_t piece)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t n = send(fd, at, piece && piece < len ? piece : len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0 && !net_await(fd, POLLOUT, deadline))
            return false;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return true;
}

size_t net_receive(int fd, void *data, size_t len, int *ret_error)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    size_t got = 0;
    *ret_error = 0;
    while (got < len) {
        ssize_t n = recv(fd, (uint8_t *)data + got, len - got, 0);
        if (n == 0)
            return got;
        if (n > 0)
            got += (size_t)n;
        else if (errno != EAGAIN || !net_await(fd, POLLIN, deadline)) {
            *ret_error = errno == EAGAIN ? ETIMEDOUT : errno;
            return got;
        }
    }
    return got;
}

void net_reset(int fd)
{
    const struct linger hard = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    (void)close(fd);
}
