/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the ring's double share: the sockets and pipes of one ring, and the operations
 * in flight on them. */
#pragma once

#include "gateway/ring/token.h"
#include "tests/model/kernel_fake.h"
#include "tests/model/ring_fake.h"

enum {
    GW_FAKE_FIRST_FD = 1000,
    GW_FAKE_SOCKETS = 512,
    GW_FAKE_CONN_SLOTS = 128,
    GW_FAKE_OPS = GW_FAKE_CONN_SLOTS * 2 * GW_OP_COUNT,
    GW_FAKE_QUEUE = 2048,
    GW_FAKE_WINDOW = 1 << 16, /* bytes a peer lets wait unread */
    GW_FAKE_PIPES = 12,
    GW_FAKE_NOT_YET = INT32_MIN, /* instead of an operation's result */
};

struct gw_fake_sock {
    bool open;    /* on the gateway's side */
    bool held;    /* by the peer */
    bool fin_in;  /* the peer's FIN, after what is in `in` */
    bool reset;   /* the peer's RST */
    int urgent;   /* what is next in `in` only a receive gets at: splices that have met it */
    bool told;    /* a splice got that error: a receive finds only the end of the stream */
    bool fin_out; /* the gateway's FIN */
    bool abort;
    bool connected;
    int connect_result; /* 1: no answer yet */
    bool attached;      /* has the tls upper layer */
    bool woken;         /* a poll may have something new to report */
    struct gw_fake_kernel kernel;
    struct gw_queue in;  /* to the gateway */
    struct gw_queue out; /* from it */
};

enum gw_fake_kind {
    GW_FAKE_RECV_PICK,
    GW_FAKE_RECV,
    GW_FAKE_RECVMSG,
    GW_FAKE_STANDING,
    GW_FAKE_SEND,
    GW_FAKE_SENDMSG,
    GW_FAKE_CONNECT,
    GW_FAKE_POLL,
};

struct gw_fake_op {
    bool used; /* until its completion is delivered */
    bool done; /* the op is done and waits in the queue */
    bool cancelled;
    enum gw_fake_kind kind;
    struct gw_token token;
    int fd;
    void *data;
    size_t len;
    struct msghdr *msg;
    unsigned flags; /* GW_RECV_…; poll: events */
    bool multishot;
    bool hides; /* standing: with its next completion it misses an end that is there already */
    bool deaf;  /* the op did not report an end */
};

struct gw_fake_pipe {
    struct gw_pipe pipe; /* the first member */
    struct gw_queue queue;
    unsigned cuts; /* cuts of its content by the kernel's records, beyond its size */
    bool used;
};

struct gw_ring {
    struct gw_fake_config config;
    int send_error;
    bool polls_once;
    uint64_t rng;
    struct gw_buffers buffers;
    struct gw_snippets snippets;
    uint64_t stood;  /* completions of standing receives that went on */
    uint64_t hidden; /* ends that they did not report */
    struct gw_fake_sock socks[GW_FAKE_SOCKETS];
    struct gw_fake_pipe pipes[GW_FAKE_PIPES];
    struct gw_fake_op ops[GW_FAKE_OPS]; /* by token: one of a kind for each connection */
    uint16_t in_flight[GW_FAKE_OPS];    /* which of them are used, op_count of them, in any order */
    unsigned op_count;
    /* Of completions: delivered in order, and perhaps later. */
    struct gw_completion queue[GW_FAKE_QUEUE];
    unsigned queue_first, queue_len;
    unsigned open_count;
    unsigned next_sock;
    uint64_t events;
};

static inline bool gw_fake_chance(struct gw_ring *r, unsigned percent)
{
    return gw_fake_random(r) % 100 < percent;
}

/* ---- sock_fake.c ---- */

struct gw_fake_sock *gw_fake_sock(struct gw_ring *r, int fd);
struct gw_fake_sock *gw_fake_open_sock(struct gw_ring *r, int fd); /* asserts that it is open */
void gw_fake_drop_sock(struct gw_fake_sock *s);
/* How much of `want` moves this time: often all, sometimes a part, sometimes one byte. */
size_t gw_fake_some(struct gw_ring *r, size_t want);
/* Bytes that the gateway may still send before the peer reads some. */
size_t gw_fake_room(const struct gw_fake_sock *s);
/* What the kernel took and TCP had no room for leaves when there is some. */
void gw_fake_flush(struct gw_fake_sock *s);
/* Whether something is sent, or received, on it now. */
bool gw_fake_busy(const struct gw_ring *r, int fd, bool sending);

/* What an operation does; its result or GW_FAKE_NOT_YET. A receive may bring something that was
 * picked. */
int gw_fake_receive(struct gw_ring *r, struct gw_fake_op *op, struct gw_fake_sock *s,
                    struct gw_completion *ret);
int gw_fake_transmit(struct gw_ring *r, const struct gw_fake_op *op, struct gw_fake_sock *s);
int gw_fake_look(const struct gw_fake_op *op, struct gw_fake_sock *s);
int gw_fake_connect_result(struct gw_fake_sock *s);
