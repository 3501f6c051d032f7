/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the gateway does to sockets. The real one (ring.c) is an io_uring of one worker; the
 * tests link a double instead that completes operations in seeded random order.
 *
 * An operation is named by a token: which kind, and whose (slot and generation of the
 * connection). There is at most one operation in flight per token, so a token also cancels.
 * Requests never fail by themselves: whatever goes wrong comes back as a completion. Nothing is
 * submitted before gw_ring_wait or gw_ring_flush.
 *
 * Not every call that io_uring knows goes through it: shutdown(2) always runs in a kernel thread
 * there (kernel-notes/), so it is a plain call here. So is splice(2), after a poll.
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
    X(NONE,       "none")                                                      \
    X(ACCEPT,     "accept")          /* slot: listener number */               \
    X(CHANNEL,    "channel")         /* readable: control channel */           \
    X(TLS_RECV,   "tls-recv")        /* slot: connection, from here on */      \
    X(TLS_SEND,   "tls-send")                                                  \
    X(TLS_POLL,   "tls-poll")                                                  \
    X(CONNECT,    "connect")                                                   \
    X(PLAIN_RECV, "plain-recv")                                                \
    X(PLAIN_SEND, "plain-send")                                                \
    X(TLS_ROOM,   "tls-room")        /* polls before a splice: writable */     \
    X(PLAIN_DATA, "plain-data")      /* … readable */                          \
    X(PLAIN_ROOM, "plain-room")      /* … writable */                          \
    X(TLS_STANDING, "tls-standing")     /* standing receives */                \
    X(PLAIN_STANDING, "plain-standing")                                        \
    X(CANCEL,     "cancel")          /* never reaches a handler */             \
    X(CLOSE,      "close")           /* never reaches a handler */
// clang-format on

enum gw_op {
#define X(id, word) GW_OP_##id,
    GW_OPS(X)
#undef X
    GW_OP_COUNT
};

struct gw_token {
    enum gw_op op;
    uint32_t slot;       /* below 2^24 */
    uint32_t generation; /* 0 where the kind has none */
};

struct gw_completion {
    struct gw_token token;
    int res;                    /* >= 0, or negative errno */
    bool more;                  /* a multishot operation goes on */
    struct gw_buf *buf;         /* picked by the kernel, now the handler's; else NULL */
    struct gw_snippet *snippet; /* … of a standing receive */
};

/* Handlers may start operations and give buffers back; they must not call gw_ring_wait. */
typedef void gw_ring_handler(void *arg, const struct gw_completion *c);

struct gw_ring_config {
    uint32_t max_conns; /* sizes the queues and the buffer limit */
    /* At most so many buffers ever, beside those that are lent to the kernel, which are as many at
     * most; 2 × max_conns never starves. */
    uint32_t max_buffers;
    bool standing;      /* use standing receives, which gw_ring_try_standing said that work */
    uint32_t max_pipes; /* 0: nothing can be spliced */
};

/* What set-up got, best first; for probe and the start-up log. */
struct gw_ring_features {
    unsigned setup_flags; /* IORING_SETUP_* in force */
    unsigned features;    /* IORING_FEAT_* of the kernel */
    char flags_text[128]; /* names of setup_flags */
};

/* Makes a ring for the calling thread. Returns 0; -EPERM / -ENOSYS when io_uring is forbidden or
 * absent (see gw_ring_why); -EOPNOTSUPP when the kernel lacks an operation we need (before 6.1);
 * -ENOMEM. */
gw_must_check int gw_ring_new(struct gw_ring **ret, const struct gw_ring_config *config);
/* NULL is allowed. Nothing may be in flight but closes and cancels, which are waited for. */
void gw_ring_free(struct gw_ring *ring);
/* Whether standing receives can be used in this kernel: tries them, on connections of its own over
 * loopback, in a millisecond, or some tens where it fails. Nothing may be in flight. */
bool gw_ring_try_standing(struct gw_ring *ring);
void gw_ring_get_features(const struct gw_ring *ring, struct gw_ring_features *ret);
/* One sentence for a person: why gw_ring_new failed with `error` and what to change. */
const char *gw_ring_why(int error);

/* Submits what was asked for, waits until something completes or timeout_ns passes (-1: no limit,
 * 0: do not wait), then hands every completion there is to the handler.
 * Returns 0; -EINTR on a signal; other errors are fatal for the ring. */
gw_must_check int gw_ring_wait(struct gw_ring *ring, int64_t timeout_ns, gw_ring_handler *handler,
                               void *arg);

/* A handler worked for long, some 100 us. After some of them what was asked for is submitted, so
 * that it need not wait for all the others that are to be handled in this turn. */
void gw_ring_flush(struct gw_ring *ring);

/* A buffer for explicit receives; NULL when the limit is reached. */
struct gw_buf *gw_ring_buffer_take(struct gw_ring *ring);
void gw_ring_buffer_give(struct gw_ring *ring, struct gw_buf *buf);
/* Buffers that a receive started now could get; after -ENOBUFS wait until it is not 0. While there
 * is no memory for more, each gw_ring_wait tries again. */
uint32_t gw_ring_buffers_free(const struct gw_ring *ring);
uint32_t gw_ring_buffers_in_use(const struct gw_ring *ring); /* not free, not lent to the kernel */

/* Lends fewer buffers to the kernel from now on, as at the start, and gives the pages of those that
 * are free now back to the system, a part with each gw_ring_wait. After a burst. */
void gw_ring_trim(struct gw_ring *ring);

/* Multishot accept: res is a new close-on-exec descriptor each time, until !more. It inherits
 * TCP_NODELAY from its listener. */
void gw_ring_accept(struct gw_ring *ring, struct gw_token token, int fd);
/* `addr` must live until the completion. */
void gw_ring_connect(struct gw_ring *ring, struct gw_token token, int fd,
                     const struct sockaddr *addr, socklen_t len);

enum gw_recv_flags {
    GW_RECV_DONTWAIT = 1, /* -EAGAIN instead of waiting */
    /* The last receive emptied the socket: wait for more instead of looking again first, in vain.
     */
    GW_RECV_EMPTIED = 2,
};

/* Receives at most `max` bytes (0: a whole buffer) into a buffer that is picked when bytes are
 * there; they lie at buf->data + GW_BUFFER_FRONT. res -ENOBUFS: no buffer was free; try again
 * after one was given back. res 0 (end of stream) comes with no buffer. */
void gw_ring_recv_pick(struct gw_ring *ring, struct gw_token token, int fd, size_t max,
                       unsigned flags);
/* Receives again and again, until it is cancelled, without being asked for each: whenever bytes
 * come, at most GW_SNIPPET_BYTES of them into a snippet. It waits first. It ends (!more) with the
 * stream or an error, as other receives do; with -ENOBUFS, which is no reason to wait: receive in
 * another way; or with bytes, for reasons of the kernel. When it is begun, the end of the stream
 * may be there already, behind bytes, and it may tell of the bytes only: after its first
 * completion look for it (kernel-notes/multishot-recv-end.md). */
void gw_ring_recv_standing(struct gw_ring *ring, struct gw_token token, int fd);
/* Whether it can be used now: standing receives work, and the kernel has snippets to pick from. */
bool gw_ring_can_stand(const struct gw_ring *ring);
/* Looks at what a receive would find, without taking bytes: 1: some; 0: the end of the stream;
 * -EAGAIN: nothing; or the socket's error, which is taken by that. */
int gw_ring_look(struct gw_ring *ring, int fd);
void gw_ring_snippet_give(struct gw_ring *ring, struct gw_snippet *snippet);
/* Gives back what came with a completion, if anything did. */
void gw_ring_completion_give(struct gw_ring *ring, const struct gw_completion *c);
/* Receives into memory that must live until the completion. */
void gw_ring_recv(struct gw_ring *ring, struct gw_token token, int fd, void *data, size_t len,
                  unsigned flags);
/* Into buf->msg, prepared by the caller. */
void gw_ring_recvmsg(struct gw_ring *ring, struct gw_token token, int fd, struct gw_buf *buf,
                     unsigned flags);
/* Sends may be short. Memory must live until the completion. */
void gw_ring_send(struct gw_ring *ring, struct gw_token token, int fd, const void *data,
                  size_t len);
void gw_ring_sendmsg(struct gw_ring *ring, struct gw_token token, int fd, const struct msghdr *msg);
/* Waits for poll(2) `events`; multishot: a completion at each wake-up, edge-like. res: revents. */
void gw_ring_poll(struct gw_ring *ring, struct gw_token token, int fd, unsigned events,
                  bool multishot);
/* Asks to end an operation; it then completes, usually with -ECANCELED. Harmless when it is
 * complete already. */
void gw_ring_cancel(struct gw_ring *ring, struct gw_token token);
/* Closes *fd in the background and sets it to -1. No operation may be in flight on it. */
void gw_ring_close(struct gw_ring *ring, int *fd);

/* Plain calls, here so that the tests' double sees them. */

/* gateway/ring/pipe.h, on the worker's own stock of pipes. */
struct gw_pipe *gw_ring_pipe_take(struct gw_ring *ring);
void gw_ring_pipe_give(struct gw_ring *ring, struct gw_pipe *pipe);
int gw_ring_pipe_fill(struct gw_ring *ring, struct gw_pipe *pipe, int fd, size_t max);
int gw_ring_pipe_empty(struct gw_ring *ring, struct gw_pipe *pipe, int fd);
int gw_ring_shutdown_write(struct gw_ring *ring, int fd);
/* Whether a close, also that of a process which dies, sends RST instead of FIN. A unix socket has
 * only an end. */
void gw_ring_abort_on_close(struct gw_ring *ring, int fd, bool abort);
/* Bytes sent and not yet acknowledged (SIOCOUTQ); -EPIPE when the connection is dead, or another
 * negative errno. */
int gw_ring_unacked(struct gw_ring *ring, int fd);
/* A non-blocking, close-on-exec stream socket with TCP_NODELAY; negative errno. */
int gw_ring_socket(struct gw_ring *ring, int family);
/* Addresses of an accepted socket; NULL: not wanted. An address that cannot be told is AF_UNSPEC.
 */
void gw_ring_addresses(struct gw_ring *ring, int fd, struct sockaddr_storage *peer,
                       struct sockaddr_storage *local);
/* Takes a pending socket error (SO_ERROR) away, which would fail the next send. */
void gw_ring_take_error(struct gw_ring *ring, int fd);
/* The content type of a record received from, or sent to, a socket that the kernel runs records on
 * (Documentation/networking/tls.rst): -1 when msg carries none. msg->msg_control must hold
 * CMSG_SPACE(1) bytes to set one. */
int gw_ring_control_type(const struct msghdr *msg);
void gw_ring_control_type_set(struct msghdr *msg, uint8_t type);
/* libktlsinstall on a socket. 0 or negative errno. */
struct ktls_keys;
int gw_ring_ktls_attach(struct gw_ring *ring, int fd);
int gw_ring_ktls_install(struct gw_ring *ring, int fd, int direction, const struct ktls_keys *keys);
int gw_ring_ktls_expect_unpadded(struct gw_ring *ring, int fd);
