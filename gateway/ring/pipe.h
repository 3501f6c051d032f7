/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipes of one worker, through which splice(2) moves bytes between two sockets without a copy.
 * A flow holds one only while bytes are in it.
 *
 * Plaintext must never cross from one connection to another: a pipe returns to the stock only when
 * both our count and the kernel show it empty; otherwise it is closed. A pipe that did not get its
 * full size is not used: the kernel shrinks those of a user with too many
 * (kernel-notes/pipes-shrink.md).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    GW_PIPE_SLOTS = 64, /* each holds a page, part of a page, or several pages */
    GW_PIPES_KEPT =
        16, /* open pipes kept in the stock; other workers of this user may need the rest */
    GW_PIPES_MAX = 256, /* a user's quota under the usual pipe-user-pages-soft */
    /* Bytes written at once. A slot may hold more than a page, so the number of slots is no
     * limit. */
    GW_PIPE_BYTES = GW_PIPE_SLOTS * 4096,
};

struct gw_pipe {
    int in;  /* the write end; -1 if not open */
    int out; /* the read end; -1 if not open */
    uint32_t bytes;
};

struct gw_pipes {
    struct gw_pipe pipes[GW_PIPES_MAX];
    struct gw_pipe *free[GW_PIPES_MAX]; /* a stack; those not open are at the bottom */
    uint32_t free_count;
    uint32_t kept; /* open pipes among the free ones */
    uint32_t limit;
    uint32_t pause; /* refusals left before the kernel is asked again */
};

/* `limit`: the maximum number of pipes, up to GW_PIPES_MAX; 0: none. */
void gw_pipes_init(struct gw_pipes *p, uint32_t limit);
void gw_pipes_done(struct gw_pipes *p);
/* Takes an empty pipe of full size. NULL when there is none. */
struct gw_pipe *gw_pipes_take(struct gw_pipes *p);
void gw_pipes_give(struct gw_pipes *p, struct gw_pipe *pipe);

/* Moves at most `max` bytes from a socket into the pipe, without waiting. Returns their number, 0,
 * or a negative errno; -EAGAIN: nothing was available, or the pipe is full. */
int gw_pipe_fill(struct gw_pipe *pipe, int fd, size_t max);
/* Moves the pipe's content to a socket, without waiting if the socket is non-blocking. Returns the
 * number of bytes moved, or a negative errno; -EPIPE: it can never be emptied. */
int gw_pipe_empty(struct gw_pipe *pipe, int fd);
