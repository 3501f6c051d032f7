/* SPDX-License-Identifier: Apache-2.0 */
/* One function per operation: it fills a submission entry and never fails. */
#include "gateway/ring/ring.h"
#include "gateway/ring/ring_private.h"
#include "gateway/ring/token.h"

#include "ktlsinstall.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

static struct io_uring_sqe *entry(struct gw_ring *r)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);
    /* A submission empties a full queue. EBUSY or EAGAIN: the kernel is temporarily short of
     * memory. */
    for (int tries = 0; !sqe && tries < 1000; tries++) {
        (void)io_uring_submit(&r->uring);
        sqe = io_uring_get_sqe(&r->uring);
    }
    gw_require(sqe != NULL);
    return sqe;
}

static void finish(struct io_uring_sqe *sqe, struct gw_token token)
{
    sqe->user_data = gw_token_pack(token);
}

void gw_ring_accept(struct gw_ring *r, struct gw_token token, int fd)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    finish(sqe, token);
}

void gw_ring_connect(struct gw_ring *r, struct gw_token token, int fd, const struct sockaddr *addr,
                     socklen_t len)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_connect(sqe, fd, addr, len);
    finish(sqe, token);
}

static int recv_flags(unsigned flags)
{
    return flags & GW_RECV_DONTWAIT ? MSG_DONTWAIT : 0;
}

void gw_ring_recv_pick(struct gw_ring *r, struct gw_token token, int fd, size_t max, unsigned flags)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_recv(sqe, fd, NULL, max, recv_flags(flags));
    if (flags & GW_RECV_EMPTIED)
        sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GW_LENT_BUFFERS;
    finish(sqe, token);
}

void gw_ring_recv_standing(struct gw_ring *r, struct gw_token token, int fd)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GW_LENT_SNIPPETS;
    finish(sqe, token);
}

void gw_ring_recv(struct gw_ring *r, struct gw_token token, int fd, void *data, size_t len,
                  unsigned flags)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_recv(sqe, fd, data, len, recv_flags(flags));
    finish(sqe, token);
}

void gw_ring_recvmsg(struct gw_ring *r, struct gw_token token, int fd, struct gw_buf *buf,
                     unsigned flags)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_recvmsg(sqe, fd, &buf->msg, (unsigned)recv_flags(flags));
    finish(sqe, token);
}

/* Never uses MSG_WAITALL or zero-copy: a socket whose TX the kernel seals refuses them
 * (kernel-notes/ktls-send-flags.md). */
void gw_ring_send(struct gw_ring *r, struct gw_token token, int fd, const void *data, size_t len)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_send(sqe, fd, data, len, MSG_NOSIGNAL);
    finish(sqe, token);
}

void gw_ring_sendmsg(struct gw_ring *r, struct gw_token token, int fd, const struct msghdr *msg)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_sendmsg(sqe, fd, msg, MSG_NOSIGNAL);
    finish(sqe, token);
}

void gw_ring_poll(struct gw_ring *r, struct gw_token token, int fd, unsigned events, bool multishot)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_poll_add(sqe, fd, events);
    if (multishot)
        sqe->len = IORING_POLL_ADD_MULTI;
    finish(sqe, token);
}

void gw_ring_cancel(struct gw_ring *r, struct gw_token token)
{
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_cancel64(sqe, gw_token_pack(token), 0);
    finish(sqe, (struct gw_token){.op = GW_OP_CANCEL});
}

void gw_ring_close(struct gw_ring *r, int *fd)
{
    if (*fd < 0)
        return;
    struct io_uring_sqe *sqe = entry(r);
    io_uring_prep_close(sqe, *fd);
    finish(sqe, (struct gw_token){.op = GW_OP_CLOSE});
    r->closes++;
    *fd = -1;
}

/* ---- plain calls ---- */

struct gw_pipe *gw_ring_pipe_take(struct gw_ring *r)
{
    return gw_pipes_take(&r->pipes);
}

void gw_ring_pipe_give(struct gw_ring *r, struct gw_pipe *pipe)
{
    gw_pipes_give(&r->pipes, pipe);
}

int gw_ring_pipe_fill(struct gw_ring *r gw_unused, struct gw_pipe *pipe, int fd, size_t max)
{
    return gw_pipe_fill(pipe, fd, max);
}

int gw_ring_pipe_empty(struct gw_ring *r gw_unused, struct gw_pipe *pipe, int fd)
{
    return gw_pipe_empty(pipe, fd);
}

int gw_ring_shutdown_write(struct gw_ring *r gw_unused, int fd)
{
    return shutdown(fd, SHUT_WR) ? -errno : 0;
}

void gw_ring_abort_on_close(struct gw_ring *r gw_unused, int fd, bool abort)
{
    struct linger linger = {.l_onoff = abort, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* A connection that was reset keeps its count forever, so its state is checked too. */
int gw_ring_unacked(struct gw_ring *r gw_unused, int fd)
{
    int bytes = 0;
    uint8_t state = TCP_CLOSE; /* the first byte of struct tcp_info */
    socklen_t len = sizeof(state);
    if (ioctl(fd, SIOCOUTQ, &bytes))
        return -errno;
    if (bytes > 0 && (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) || state == TCP_CLOSE))
        return -EPIPE;
    return bytes;
}

int gw_ring_socket(struct gw_ring *r gw_unused, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int one = 1;
    if (family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

void gw_ring_addresses(struct gw_ring *r gw_unused, int fd, struct sockaddr_storage *peer,
                       struct sockaddr_storage *local)
{
    socklen_t len = sizeof(*peer);
    if (peer && getpeername(fd, (struct sockaddr *)peer, &len))
        peer->ss_family = AF_UNSPEC;
    len = sizeof(*local);
    if (local && getsockname(fd, (struct sockaddr *)local, &len))
        local->ss_family = AF_UNSPEC;
}

void gw_ring_take_error(struct gw_ring *r gw_unused, int fd)
{
    int error;
    socklen_t len = sizeof(error);
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

int gw_ring_look(struct gw_ring *r gw_unused, int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 ? -errno : (int)n;
}

int gw_ring_ktls_attach(struct gw_ring *r gw_unused, int fd)
{
    return ktls_attach(fd);
}

int gw_ring_ktls_install(struct gw_ring *r gw_unused, int fd, int direction,
                         const struct ktls_keys *keys)
{
    return ktls_install(fd, (enum ktls_direction)direction, keys);
}

int gw_ring_ktls_expect_unpadded(struct gw_ring *r gw_unused, int fd)
{
    return ktls_expect_unpadded(fd);
}
