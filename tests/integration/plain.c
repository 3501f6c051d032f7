/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/plain.h"

#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/pattern.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CHUNK = 65536
};

struct plain {
    const struct plain_work *work;
    struct plain_result *result;
    int fd;
    bool fin_sent;
    bool broken; /* it takes no more of us */
    bool reset;  /* a send found the RST; the kernel reports one once, so a receive then sees an end
                  */
    bool ended;
};

static bool would_block(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void send_some(struct plain *p)
{
    static uint8_t chunk[CHUNK];
    uint64_t left = p->work->up_bytes - p->result->sent;
    size_t len = left < CHUNK ? (size_t)left : CHUNK;
    pattern_fill(chunk, len, p->work->up_seed, p->result->sent);
    ssize_t n = send(p->fd, chunk, len, MSG_NOSIGNAL);
    if (n > 0) {
        p->result->sent += (uint64_t)n;
    } else if (!would_block(n)) {
        p->broken = true;
        p->reset = errno == ECONNRESET;
    }
}

static void receive_some(struct plain *p)
{
    static uint8_t chunk[CHUNK];
    struct plain_result *r = p->result;
    ssize_t n = recv(p->fd, chunk, sizeof(chunk), 0);
    if (would_block(n))
        return;
    if (n <= 0) {
        p->ended = true;
        r->end = n == 0 && !p->reset ? PLAIN_FIN : PLAIN_RESET;
        return;
    }
    size_t good = pattern_match(chunk, (size_t)n, p->work->down_seed, r->received);
    if (!r->wrong)
        r->received += good;
    r->wrong |= good < (size_t)n;
}

static bool sending(const struct plain *p)
{
    return !p->broken && p->result->sent < p->work->up_bytes;
}

static void step(struct plain *p, int64_t deadline)
{
    int64_t left = deadline - net_now_ms();
    struct pollfd poll_fd = {.fd = p->fd, .events = POLLIN};
    if (sending(p))
        poll_fd.events |= POLLOUT;
    if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0) {
        p->result->end = PLAIN_STUCK;
        p->ended = true;
        return;
    }
    if (sending(p) && poll_fd.revents & POLLOUT)
        send_some(p);
    if (poll_fd.revents & (POLLIN | POLLERR | POLLHUP))
        receive_some(p);
    if (!p->fin_sent && !p->broken && !sending(p) && p->result->received >= p->work->fin_after) {
        p->fin_sent = true;
        (void)shutdown(p->fd, SHUT_WR);
    }
}

void plain_run(const struct plain_work *work, struct plain_result *ret)
{
    struct plain p = {.work = work, .result = ret, .fd = net_connect(work->port)};
    int64_t deadline = net_now_ms() + 3 * (int64_t)DEADLINE_MS;
    *ret = (struct plain_result){.end = PLAIN_STUCK};
    if (p.fd == -ECONNRESET) { /* already, before we had looked */
        ret->end = PLAIN_RESET;
        return;
    }
    assert_true(p.fd >= 0);
    if (work->head)
        assert_true(net_send(p.fd, work->head, strlen(work->head), 0));
    while (!p.ended)
        step(&p, deadline);
    (void)close(p.fd);
}
