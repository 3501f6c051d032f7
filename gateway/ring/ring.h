/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All operations on sockets. The real ring (ring.c) is an io_uring per worker. The tests link a
 * double that completes operations in seeded random order.
 *
 * A token names an operation: its kind, and its owner (slot and generation of the connection, and
 * the leg, one of its two sockets). At most one operation per token is in flight, so a token also
 * identifies it for a cancel. Requests
 * never fail directly: every error comes as a completion. Nothing is submitted before gw_ring_wait
 * or gw_ring_flush.
 *
 * Not every call that io_uring supports uses it: shutdown(2) always runs in a kernel thread there
 * (kernel-notes/), so it is a plain call here. So is splice(2), after a poll.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/ring/buffer.h"
#include "gateway/ring/pipe.h"
#include "gateway/ring/snippet.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct gw_ring;

// clang-format off
#define GW_OPS(X)                                                              \
    X(NONE)                                                                    \
    X(ACCEPT)    /* slot: listener number */                                   \
    X(CHANNEL)   /* readable: control channel */                               \
    X(CONNECT)   /* slot and leg: a connection and its socket, from here on */ \
    X(RECV)                                                                    \
    X(SEND)                                                                    \
    X(POLL)      /* readable */                                                \
    X(ROOM)      /* writable */                                                \
    X(STANDING)  /* a standing receive */                                      \
    X(CANCEL)    /* never reaches a handler */                                 \
    X(CLOSE)     /* never reaches a handler */
// clang-format on

enum gw_op {
#define X(id) GW_OP_##id,
    GW_OPS(X)
#undef X
    GW_OP_COUNT
};

struct gw_token {
    enum gw_op op;
    unsigned leg;        /* 0 or 1; 0 for kinds without one */
    uint32_t slot;       /* below 2^24 */
    uint32_t generation; /* 0 for kinds without one */
};

struct gw_completion {
    struct gw_token token;
    int res;                    /* >= 0, or negative errno */
    bool more;                  /* the multishot operation continues */
    struct gw_buf *buf;         /* picked by the kernel, now owned by the handler; else NULL */
    struct gw_snippet *snippet; /* a standing receive's; else NULL */
};

/* Handlers may start operations and return buffers. They must not call gw_ring_wait. */
typedef void gw_ring_handler(void *arg, const struct gw_completion *c);

struct gw_ring_config {
    uint32_t max_conns; /* sizes the queues and the buffer limit */
    /* The maximum number of buffers, not counting those lent to the kernel, which are at most as
     * many. 2 × max_conns never starves. */
    uint32_t max_buffers;
    bool standing;      /* use standing receives; requires that gw_ring_try_standing succeeded */
    uint32_t max_pipes; /* 0: nothing can be spliced */
};

/* The features that set-up got, for the probe and the start-up log. */
struct gw_ring_features {
    unsigned setup_flags; /* IORING_SETUP_* in force */
    unsigned features;    /* IORING_FEAT_* of the kernel */
    char flags_text[128]; /* names of setup_flags */
};

/* Makes a ring for the calling thread. Returns 0; -EPERM or -ENOSYS when io_uring is forbidden or
 * absent (see gw_ring_why); -EOPNOTSUPP when the kernel lacks a required operation (before 6.1);
 * -ENOMEM. */
gw_must_check int gw_ring_new(struct gw_ring **ret, const struct gw_ring_config *config);
/* NULL is allowed. Waits for closes and cancels; nothing else may be in flight. */
void gw_ring_free(struct gw_ring *ring);
/* Whether standing receives work in this kernel: tries them on loopback connections of its own.
 * Takes a millisecond, or some tens on failure. Nothing may be in flight. */
bool gw_ring_try_standing(struct gw_ring *ring);
void gw_ring_get_features(const struct gw_ring *ring, struct gw_ring_features *ret);
/* A sentence for people: why gw_ring_new failed with `error`, and how to fix it. */
const char *gw_ring_why(int error);

/* Submits the queued requests, waits until something completes or timeout_ns passes (-1: no limit,
 * 0: do not wait), then passes every available completion to the handler. Returns 0; -EINTR on a
 * signal. Other errors are fatal for the ring. */
gw_must_check int gw_ring_wait(struct gw_ring *ring, int64_t timeout_ns, gw_ring_handler *handler,
                               void *arg);

/* Call after a handler worked for long, some 100 us. After several such calls the queued requests
 * are submitted, so that they need not wait for the rest of this turn. */
void gw_ring_flush(struct gw_ring *ring);

/* Takes a buffer for an explicit receive. NULL when the limit is reached. */
struct gw_buf *gw_ring_buffer_take(struct gw_ring *ring);
void gw_ring_buffer_give(struct gw_ring *ring, struct gw_buf *buf);
/* The number of buffers that a receive started now could get. After -ENOBUFS wait until it is not
 * 0. While there is no memory for more, each gw_ring_wait tries again. */
uint32_t gw_ring_buffers_free(const struct gw_ring *ring);
/* neither free nor lent to the kernel */
uint32_t gw_ring_buffers_in_use(const struct gw_ring *ring);

/* Call after a burst: lends fewer buffers to the kernel from now on, as at the start, and returns
 * the pages of free buffers to the system, a part with each gw_ring_wait. */
void gw_ring_trim(struct gw_ring *ring);

/* Multishot accept: each res is a new close-on-exec descriptor, until !more. It inherits
 * TCP_NODELAY from its listener. */
void gw_ring_accept(struct gw_ring *ring, struct gw_token token, int fd);
/* `addr` must live until the completion. */
void gw_ring_connect(struct gw_ring *ring, struct gw_token token, int fd,
                     const struct sockaddr *addr, socklen_t len);

enum gw_recv_flags {
    GW_RECV_DONTWAIT = 1, /* -EAGAIN instead of waiting */
    /* The last receive emptied the socket: wait for more data before trying. */
    GW_RECV_EMPTIED = 2,
};

/* Receives at most `max` bytes (0: a whole buffer) into a buffer that is picked when bytes arrive.
 * They are at buf->data + GW_BUFFER_FRONT. res -ENOBUFS: no buffer was free; try again after one
 * was returned. res 0 (end of stream) comes without a buffer. */
void gw_ring_recv_pick(struct gw_ring *ring, struct gw_token token, int fd, size_t max,
                       unsigned flags);
/* Receives repeatedly until it is cancelled, without further requests: whenever bytes arrive, puts
 * at most GW_SNIPPET_BYTES of them into a snippet. It waits first. It ends (!more) with the stream
 * or an error, like other receives; with -ENOBUFS: receive in another way, do not wait; or with
 * bytes, for reasons of the kernel. If the end of the stream follows bytes that are there at the
 * start, the operation may report the bytes only: call gw_ring_look after its first completion
 * (kernel-notes/multishot-recv-end.md). */
void gw_ring_recv_standing(struct gw_ring *ring, struct gw_token token, int fd);
/* Whether a standing receive can begin now: they work, and the kernel has snippets to pick from. */
bool gw_ring_can_stand(const struct gw_ring *ring);
/* What a receive would find, without taking bytes. 1: some bytes; 0: the end of the stream;
 * -EAGAIN: nothing; or the socket's error, which this call clears. */
int gw_ring_look(struct gw_ring *ring, int fd);
void gw_ring_snippet_give(struct gw_ring *ring, struct gw_snippet *snippet);
/* Returns the buffer or snippet of a completion, if it has one. */
void gw_ring_completion_give(struct gw_ring *ring, const struct gw_completion *c);
/* Receives into memory that must live until the completion. */
void gw_ring_recv(struct gw_ring *ring, struct gw_token token, int fd, void *data, size_t len,
                  unsigned flags);
/* Receives into buf->msg, which the caller prepares. */
void gw_ring_recvmsg(struct gw_ring *ring, struct gw_token token, int fd, struct gw_buf *buf,
                     unsigned flags);
/* Sends may be short. Memory must live until the completion. */
void gw_ring_send(struct gw_ring *ring, struct gw_token token, int fd, const void *data,
                  size_t len);
void gw_ring_sendmsg(struct gw_ring *ring, struct gw_token token, int fd, const struct msghdr *msg);
/* Waits for poll(2) `events`. Multishot: one completion per wake-up, like an edge trigger. res is
 * revents. */
void gw_ring_poll(struct gw_ring *ring, struct gw_token token, int fd, unsigned events,
                  bool multishot);
/* Cancels an operation, which then completes, usually with -ECANCELED. Harmless if it is
 * complete. */
void gw_ring_cancel(struct gw_ring *ring, struct gw_token token);
/* Closes *fd in the background and sets it to -1. No operation may be in flight on it. */
void gw_ring_close(struct gw_ring *ring, int *fd);

/* Plain calls, part of the ring so that the tests' double sees them. */

/* As in gateway/ring/pipe.h, on the worker's own stock of pipes. */
struct gw_pipe *gw_ring_pipe_take(struct gw_ring *ring);
void gw_ring_pipe_give(struct gw_ring *ring, struct gw_pipe *pipe);
int gw_ring_pipe_fill(struct gw_ring *ring, struct gw_pipe *pipe, int fd, size_t max);
int gw_ring_pipe_empty(struct gw_ring *ring, struct gw_pipe *pipe, int fd);
int gw_ring_shutdown_write(struct gw_ring *ring, int fd);
/* Whether a close, including that of a dying process, sends RST instead of FIN. A unix socket has
 * only one kind of end. */
void gw_ring_abort_on_close(struct gw_ring *ring, int fd, bool abort);
/* The number of bytes sent but not acknowledged (SIOCOUTQ); -EPIPE when the connection is dead, or
 * another negative errno. */
int gw_ring_unacked(struct gw_ring *ring, int fd);
/* A non-blocking, close-on-exec stream socket with TCP_NODELAY; negative errno. */
int gw_ring_socket(struct gw_ring *ring, int family);
/* The addresses of an accepted socket. NULL: not wanted. An unknown address is AF_UNSPEC. */
void gw_ring_addresses(struct gw_ring *ring, int fd, struct sockaddr_storage *peer,
                       struct sockaddr_storage *local);
/* Clears a pending socket error (SO_ERROR), which would make the next send fail. */
void gw_ring_take_error(struct gw_ring *ring, int fd);
/* The content type of a record received from, or sent to, a socket whose records the kernel runs
 * (Documentation/networking/tls.rst). -1 when msg carries none. To set one, msg->msg_control must
 * hold CMSG_SPACE(1) bytes. */
int gw_ring_control_type(const struct msghdr *msg);
void gw_ring_control_type_set(struct msghdr *msg, uint8_t type);
/* libktlsinstall on a socket. 0 or a negative errno. */
struct ktls_keys;
int gw_ring_ktls_attach(struct gw_ring *ring, int fd);
int gw_ring_ktls_install(struct gw_ring *ring, int fd, int direction, const struct ktls_keys *keys);
int gw_ring_ktls_expect_unpadded(struct gw_ring *ring, int fd);
