/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ring/pipe.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    PAUSE = 1000 /* refusals after a failed attempt */
};

void gw_pipes_init(struct gw_pipes *p, uint32_t limit)
{
    memset(p, 0, sizeof(*p));
    p->limit = GW_MIN(limit, (uint32_t)GW_PIPES_MAX);
    for (uint32_t i = 0; i < p->limit; i++) {
        p->pipes[i] = (struct gw_pipe){.in = -1, .out = -1};
        p->free[p->free_count++] = &p->pipes[i];
    }
}

static void close_pipe(struct gw_pipe *pipe)
{
    if (pipe->in >= 0) {
        (void)close(pipe->in);
        (void)close(pipe->out);
    }
    *pipe = (struct gw_pipe){.in = -1, .out = -1};
}

void gw_pipes_done(struct gw_pipes *p)
{
    for (uint32_t i = 0; i < p->limit; i++)
        close_pipe(&p->pipes[i]);
    memset(p, 0, sizeof(*p));
}

static bool open_pipe(struct gw_pipe *pipe)
{
    const int size = GW_PIPE_SLOTS * (int)sysconf(_SC_PAGESIZE);
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC))
        return false;
    *pipe = (struct gw_pipe){.in = fds[1], .out = fds[0]};
    (void)fcntl(pipe->in, F_SETPIPE_SZ, size);
    if (fcntl(pipe->in, F_GETPIPE_SZ) >= size)
        return true;
    close_pipe(pipe);
    return false;
}

struct gw_pipe *gw_pipes_take(struct gw_pipes *p)
{
    if (p->free_count == 0)
        return NULL;
    struct gw_pipe *pipe = p->free[p->free_count - 1];
    bool kept = pipe->in >= 0;
    if (!kept) {
        if (p->pause > 0) {
            p->pause--;
            return NULL;
        }
        if (!open_pipe(pipe)) {
            p->pause = PAUSE;
            return NULL;
        }
    }
    p->kept -= kept;
    p->free_count--;
    return pipe;
}

static bool proven_empty(const struct gw_pipe *pipe)
{
    int left = -1;
    return pipe->bytes == 0 && ioctl(pipe->out, FIONREAD, &left) == 0 && left == 0;
}

void gw_pipes_give(struct gw_pipes *p, struct gw_pipe *pipe)
{
    gw_require(p->free_count < p->limit && pipe->in >= 0);
    if (proven_empty(pipe) && p->kept < GW_PIPES_KEPT) {
        p->kept++;
        p->free[p->free_count++] = pipe;
        return;
    }
    close_pipe(pipe);
    /* Insert below the open ones, which are taken first. */
    memmove(&p->free[1], &p->free[0], p->free_count * sizeof(p->free[0]));
    p->free[0] = pipe;
    p->free_count++;
}

int gw_pipe_fill(struct gw_pipe *pipe, int fd, size_t max)
{
    ssize_t n = splice(fd, NULL, pipe->in, NULL, max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0)
        return -errno;
    pipe->bytes += (uint32_t)n;
    return (int)n;
}

/* Moves exactly the content, never with SPLICE_F_MORE: the kernel would leave a record open
 * (kernel-notes/splice-to-tls.md). */
int gw_pipe_empty(struct gw_pipe *pipe, int fd)
{
    int left = 0;
    ssize_t n = splice(pipe->out, NULL, fd, NULL, pipe->bytes, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n > 0) {
        gw_require((size_t)n <= pipe->bytes);
        pipe->bytes -= (uint32_t)n;
        return (int)n;
    }
    if (n == 0)
        return -EPIPE;
    int error = -errno;
    /* Either the socket is full, or bytes were lost and no wait would end. */
    if (error == -EAGAIN && (ioctl(pipe->out, FIONREAD, &left) || (uint32_t)left < pipe->bytes))
        return -EPIPE;
    return error;
}
