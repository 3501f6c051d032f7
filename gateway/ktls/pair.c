/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ktls/pair.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int remaining_ms(const struct ktls_pair *pair)
{
    int64_t left_ns = pair->deadline_ns - gw_clock_ns();
    return left_ns <= 0 ? 0 : (int)(left_ns / GW_NS_PER_MS) + 1;
}

int ktls_pair_wait(const struct ktls_pair *pair, int fd, short events)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int ms = remaining_ms(pair);
        int n = ms ? poll(&p, 1, ms) : 0;
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

/* The kernel finishes a non-blocking connect to a listening loopback socket before it returns, but
 * does not guarantee that: wait for the accept, then for the connection. */
static int connect_and_accept(struct ktls_pair *pair, int listener, const struct sockaddr *addr,
                              socklen_t len)
{
    if (connect(pair->near, addr, len) && errno != EINPROGRESS)
        return -errno;
    int r = ktls_pair_wait(pair, listener, POLLIN);
    if (!r)
        r = ktls_pair_wait(pair, pair->near, POLLOUT);
    if (r)
        return r;
    pair->far = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return pair->far < 0 ? -errno : 0;
}

static int connect_family(struct ktls_pair *pair, const struct sockaddr *loopback, socklen_t len)
{
    struct sockaddr_storage addr;
    socklen_t addr_len = sizeof(addr);
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int listener = socket(loopback->sa_family, type, 0);
    pair->near = socket(loopback->sa_family, type, 0);

    int r = 0;
    if (listener < 0 || pair->near < 0 || bind(listener, loopback, len) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&addr, &addr_len))
        r = -errno;
    if (!r)
        r = connect_and_accept(pair, listener, (struct sockaddr *)&addr, addr_len);
    if (listener >= 0)
        (void)close(listener);
    return r;
}

static void set_options(int fd)
{
    const int on = 1;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void start_clock(struct ktls_pair *pair)
{
    pair->deadline_ns = gw_clock_ns() + KTLS_PAIR_LIMIT_MS * GW_NS_PER_MS;
}

int ktls_pair_connect(struct ktls_pair *pair)
{
    const struct sockaddr_in v4 = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6,
        .sin6_addr = IN6ADDR_LOOPBACK_INIT,
    };
    memset(pair, 0, sizeof(*pair));
    pair->near = pair->far = -1;
    start_clock(pair);

    int r = connect_family(pair, (const struct sockaddr *)&v4, sizeof(v4));
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL || r == -ENETUNREACH) {
        if (pair->near >= 0)
            (void)close(pair->near);
        r = connect_family(pair, (const struct sockaddr *)&v6, sizeof(v6));
    }
    if (!r) {
        set_options(pair->near);
        set_options(pair->far);
    }
    return r;
}

void ktls_pair_close(struct ktls_pair *pair)
{
    if (pair->far >= 0)
        (void)close(pair->far);
    if (pair->near >= 0)
        (void)close(pair->near);
    ktls_wipe(pair, sizeof(*pair));
    pair->near = pair->far = -1;
}

/* Sets sequence numbers and nonces that carry into the next byte at the second record. */
static void set_counters(struct ktls_keys *keys)
{
    keys->seq = UINT64_C(0x01020304050607ff);
    keys->explicit_nonce = UINT64_C(0x11121314151617ff);
}

int ktls_pair_derive(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    static const uint8_t to_far[KTLS_HASH_MAX] = "to far", from_far[KTLS_HASH_MAX] = "from far";
    int r;
    if (suite->version == KTLS_TLS_1_2) {
        r = ktls_derive_tls12(suite, to_far, to_far, from_far, &pair->to_far, &pair->from_far);
    } else {
        size_t len = ktls_hash_len(suite->hash);
        r = ktls_derive_tls13(suite, to_far, len, &pair->to_far);
        if (!r)
            r = ktls_derive_tls13(suite, from_far, len, &pair->from_far);
    }
    set_counters(&pair->to_far);
    set_counters(&pair->from_far);
    return r;
}

int ktls_pair_start(struct ktls_pair *pair, const struct ktls_suite *suite, unsigned directions)
{
    int r = ktls_pair_derive(pair, suite);
    if (!r)
        r = ktls_attach(pair->far);
    if (!r && directions & KTLS_RX)
        r = ktls_install(pair->far, KTLS_RX, &pair->to_far);
    if (!r && directions & KTLS_TX)
        r = ktls_install(pair->far, KTLS_TX, &pair->from_far);
    /* The first key of a cipher may have loaded its module, which is slow on some machines:
     * kernel-notes/first-key-loads-the-cipher.md. */
    start_clock(pair);
    return r;
}

int ktls_pair_seal(struct ktls_pair *pair, uint8_t type, const void *data, size_t len, size_t pad)
{
    if (len + pad + KTLS_SOFT_OVERHEAD > sizeof(pair->out) - pair->sealed)
        return -ENOBUFS;
    int n = ktls_soft_seal(&pair->to_far, type, data, len, pad, pair->out + pair->sealed);
    if (n < 0)
        return n;
    pair->sealed += (size_t)n;
    return 0;
}

static int send_all(const struct ktls_pair *pair, int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len) {
        ssize_t n = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            at += n;
            len -= (size_t)n;
            continue;
        }
        int r = errno == EAGAIN ? ktls_pair_wait(pair, fd, POLLOUT) : -errno;
        if (r && r != -EINTR)
            return r;
    }
    return 0;
}

int ktls_pair_flush(struct ktls_pair *pair)
{
    int r = send_all(pair, pair->near, pair->out, pair->sealed);
    pair->sealed = 0;
    return r;
}

/* No event reports the acknowledgement; it is immediate unless the machine is very busy. */
int ktls_pair_settle(const struct ktls_pair *pair)
{
    for (;;) {
        int unacked = 0;
        if (ioctl(pair->near, SIOCOUTQ, &unacked))
            return -errno;
        if (!unacked)
            return 0;
        if (!remaining_ms(pair))
            return -ETIMEDOUT;
        (void)poll(NULL, 0, 1);
    }
}

static int receive_exactly(const struct ktls_pair *pair, uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = recv(pair->near, data, len, MSG_DONTWAIT);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        if (!n)
            return -ECONNRESET;
        int r = errno == EAGAIN ? ktls_pair_wait(pair, pair->near, POLLIN) : -errno;
        if (r && r != -EINTR)
            return r;
    }
    return 0;
}

int ktls_pair_expect(struct ktls_pair *pair, uint8_t type, const void *data, size_t len)
{
    int r = receive_exactly(pair, pair->in, KTLS_SOFT_HEADER_LEN);
    if (r)
        return r;
    size_t body_len = (size_t)pair->in[3] << 8 | pair->in[4];
    if (body_len > sizeof(pair->in) - KTLS_SOFT_HEADER_LEN)
        return -EBADMSG;
    r = receive_exactly(pair, pair->in + KTLS_SOFT_HEADER_LEN, body_len);
    if (r)
        return r;

    uint8_t got_type = 0;
    int n = ktls_soft_open(&pair->from_far, pair->in, KTLS_SOFT_HEADER_LEN + body_len, &got_type,
                           pair->plain);
    if (n < 0)
        return n;
    return got_type == type && (size_t)n == len && !memcmp(pair->plain, data, len) ? 0 : -EBADMSG;
}

int ktls_pair_far_send(struct ktls_pair *pair, const void *data, size_t len)
{
    return send_all(pair, pair->far, data, len);
}

static ssize_t receive_typed(int fd, void *data, size_t len, uint8_t *ret_type)
{
    union {
        struct cmsghdr header;
        uint8_t room[CMSG_SPACE(sizeof(*ret_type))];
    } control;
    struct iovec iov = {.iov_base = data, .iov_len = len};
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
    if (n < 0)
        return -errno;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    bool typed = c && c->cmsg_level == SOL_TLS && c->cmsg_type == TLS_GET_RECORD_TYPE;
    *ret_type = typed ? *CMSG_DATA(c) : 0;
    return n;
}

ssize_t ktls_pair_far_recv(struct ktls_pair *pair, void *data, size_t len, uint8_t *ret_type)
{
    for (;;) {
        ssize_t n = receive_typed(pair->far, data, len, ret_type);
        if (n == 0)
            return -ECONNRESET;
        if (n != -EAGAIN && n != -EINTR)
            return n;
        int r = ktls_pair_wait(pair, pair->far, POLLIN);
        if (r)
            return r;
    }
}

int ktls_pair_far_expect(struct ktls_pair *pair, uint8_t type, const void *data, size_t len)
{
    const uint8_t *want = data;
    while (len) {
        uint8_t got_type = 0;
        /* A larger buffer reveals any records that follow. */
        ssize_t n = ktls_pair_far_recv(pair, pair->plain, sizeof(pair->plain), &got_type);
        if (n < 0)
            return (int)n;
        if (got_type != type || (size_t)n > len || memcmp(pair->plain, want, (size_t)n) != 0)
            return -EBADMSG;
        want += n;
        len -= (size_t)n;
    }
    return 0;
}
