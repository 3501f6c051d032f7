/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipes of one worker, through which splice(2) moves bytes between two sockets without copying
 * them. A flow holds one only while bytes are in it.
 *
 * Plaintext must never cross from one connection to another: a pipe goes back to the stock only
 * when both our count and the kernel say that it is empty, else it is closed. A pipe that did not
 * get its full size is not used at all: the kernel shrinks those of a user that holds too many
 * (kernel-notes/pipes-shrink.md).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    GW_PIPE_SLOTS = 64, /* each holds a page or a piece of one, sometimes several pages */
    GW_PIPES_KEPT =
        16, /* open ones in the stock: another worker of this user may need the others */
    GW_PIPES_MAX = 256, /* what a user may have under pipe-user-pages-soft as it usually is */
    /* Bytes put in at once. A slot may hold more than a page, so the slots alone bound nothing. */
    GW_PIPE_BYTES = GW_PIPE_SLOTS * 4096,
};

struct gw_pipe {
    int in;  /* write to this … */
    int out; /* … and read from this; both -1: not open */
    uint32_t bytes;
};

struct gw_pipes {
    struct gw_pipe pipes[GW_PIPES_MAX];
    struct gw_pipe *free[GW_PIPES_MAX]; /* a stack; those not open at its bottom */
    uint32_t free_count;
    uint32_t kept; /* of the free ones are open */
    uint32_t limit;
    uint32_t pause; /* so many more are refused without asking the kernel again */
};

/* `limit`: most pipes ever, at most GW_PIPES_MAX; 0: none. */
void gw_pipes_init(struct gw_pipes *p, uint32_t limit);
void gw_pipes_done(struct gw_pipes *p);
/* An empty pipe of full size; NULL when there is none. */
struct gw_pipe *gw_pipes_take(struct gw_pipes *p);
void gw_pipes_give(struct gw_pipes *p, struct gw_pipe *pipe);

/* Moves at most `max` bytes of a socket into the pipe, without waiting; their number, 0, or a
 * negative errno: -EAGAIN when there is nothing, or the pipe is full. */
int gw_pipe_fill(struct gw_pipe *pipe, int fd, size_t max);
/* Moves what is in the pipe to a socket, without waiting if the socket is non-blocking; the number
 * of bytes that left, or a negative errno. -EPIPE: it can never be emptied. */
int gw_pipe_empty(struct gw_pipe *pipe, int fd);
