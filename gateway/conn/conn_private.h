/* SPDX-License-Identifier: Apache-2.0 */
/* The internals of a connection, for the files of this folder only. */
#pragma once

#include "gateway/conn/conn.h"
#include "gateway/conn/facts.h"
#include "gateway/record/control.h"
#include "gateway/wire/proxy_in.h"

#include <errno.h>

enum {
    GW_CONN_MAGIC = 0x636f6e6e,
    /* While a peer takes nothing, its queue is polled at growing intervals, up to 2^5 ticks, so
     * that many such peers do not keep the worker busy. */
    GW_DRAIN_SLOWEST = 5
};

enum gw_rx_state {
    GW_RX_HELD,    /* not reading yet: the plain side is not connected */
    GW_RX_READ,    /* wants bytes from the TLS side: receiving, waiting for poll, or starved */
    GW_RX_CONTROL, /* kernel engine: fetching a control record */
    GW_RX_HEADER,  /* sending the PROXY header */
    GW_RX_WRITE,   /* sending to the plain side */
    GW_RX_DONE,    /* the TLS side's stream ended; the plain side gets its FIN or RST */
    GW_RX_DISCARD, /* lingering: reads and discards */
};

enum gw_tx_state {
    GW_TX_HELD,
    GW_TX_READ,  /* wants bytes from the plain side */
    GW_TX_READY, /* bytes in the buffer; waits until it may send */
    GW_TX_WRITE, /* sending to the TLS side */
    GW_TX_CLOSE, /* an alert (close_notify or fatal) waits or is being sent */
    GW_TX_DRAIN, /* kernel TX: waits until all accepted bytes have left */
    GW_TX_DONE,  /* nothing more goes to the TLS side; its FIN is sent, or it is broken */
};

/* The state of the plain side after the connection has its reason (delivery.c). */
enum gw_plain_end {
    GW_PLAIN_OPEN,  /* the connection has no reason yet */
    GW_PLAIN_WRITE, /* the bytes opened from the TLS side's stream are still being sent */
    GW_PLAIN_DRAIN, /* all of them are sent, but not all are acknowledged */
    GW_PLAIN_OVER,  /* nothing more is sent: closes once nothing is in flight on it */
};

/* The source of the bytes in the send that is in flight to the TLS side. */
enum gw_send_owner {
    GW_SEND_NOBODY,
    GW_SEND_HANDSHAKE,
    GW_SEND_CONTROL,
    GW_SEND_DATA,
};

/* How large a flow's reads are; decides whether splicing is worth it. */
struct gw_pace {
    bool big;         /* the last read was large */
    uint8_t in_a_row; /* large reads, or small ones, in a row */
    bool bulk;        /* for now the flow is a bulk transfer */
    bool spliced;     /* bytes went through a pipe at least once */
};

/* How a connection is to end. */
enum gw_end_way {
    GW_END_NOT,        /* it is not */
    GW_END_WITH_ALERT, /* the TLS side gets `alert`, if there is a record layer */
    GW_END_HANDSHAKE,  /* the TLS side gets the bytes that the handshake still has to send */
    GW_END_AT_ONCE,    /* the TLS side gets nothing more */
};

/* What a file found: the connection must end. Whoever finds it records it and returns; ending.c
 * acts on it when the call into the connection is over. */
struct gw_end {
    enum gw_end_way way;
    enum gw_reason reason;
    uint8_t alert;
};

/* The results of a splice that replaces a receive; else a negative errno. */
enum gw_splice {
    GW_SPLICE_NOT = 1, /* receive instead */
    GW_SPLICE_WAITS,   /* a poll reports when there is more */
    GW_SPLICE_FILLED,  /* the flow's pipe holds bytes */
};

enum {
    /* The result of a send that has not ended; a completion follows. */
    GW_SEND_IN_FLIGHT = -EINPROGRESS
};

/* Flows that could continue but let all others go first. */
enum gw_eager {
    GW_EAGER_RX = 1,
    GW_EAGER_TX = 2,
};

/* The sides of a connection: the peer that connected to us, and the one that we connect to. */
enum gw_side {
    GW_FRONT,
    GW_BACK,
    GW_SIDES
};

/* A standing receive, and the received bytes that are still to be read (standing.c). */
struct gw_standing {
    /* Consecutive reads that were small and emptied the socket. 0 while a receive stands: cancel
     * it. */
    uint8_t small;
    struct gw_snippet *first;
    struct gw_snippet *last;
    uint32_t held; /* the number of snippets */
    bool looked;   /* checked for an end that the receive may not report */
    bool stopping; /* cancellation was requested */
    bool over;     /* the stream ended after the held bytes */
    int told;      /* with `over`: 0 or a negative errno */
};

/* One socket of a connection. */
struct gw_leg {
    int fd;             /* -1: none */
    uint16_t in_flight; /* one bit per gw_op */
    uint8_t side;       /* enum gw_side */
    bool starved;       /* its receive waits for a buffer */
    bool emptied;       /* the last read emptied the socket */
    struct gw_standing standing;
};

_Static_assert(GW_OP_COUNT <= 16, "an op has its bit in in_flight");

struct gw_rx {
    enum gw_rx_state state;
    bool eof;     /* the TLS side's stream ended (close_notify); finish after the bytes in buf */
    bool broken;  /* the plain side accepts no more data */
    bool cut;     /* the TLS side's stream ended without close_notify, and that is tolerated */
    bool ready;   /* kernel engine: there may be something to read */
    bool again;   /* a wake-up came while a receive was in flight */
    bool receive; /* splice met something other than data: one receive must find out what */
    int told;     /* the result of that splice: 0 or a negative errno */
    struct gw_pace pace;
    struct gw_pipe *pipe; /* WRITE: spliced bytes, used instead of buf */
    struct gw_buf *buf;
    uint32_t start; /* user engine: the unopened bytes of buf are [start, end) */
    uint32_t end;
    uint32_t need;   /* bytes missing to complete a record header or record */
    uint32_t iov_at; /* the next iovs of buf to send, and their number */
    uint32_t iov_count;
};

struct gw_tx {
    enum gw_tx_state state;
    bool eof;      /* the plain side's stream ended */
    bool broken;   /* the TLS side accepts no more data */
    bool hot;      /* user engine: the last read filled a slot; read into several at once */
    bool promised; /* splice: poll reported that there is data */
    struct gw_pace pace;
    struct gw_pipe *pipe; /* READY, WRITE: spliced bytes, used instead of buf */
    struct gw_buf *buf;
    uint32_t len; /* READY: payload bytes, in slots (user) or from GW_BUFFER_FRONT (kernel) */
    uint32_t iov_at;
    uint32_t iov_count;
    uint8_t drain_empty; /* consecutive looks that found nothing unacknowledged */
    /* consecutive looks that found unacknowledged bytes, up to GW_DRAIN_SLOWEST */
    uint8_t drain_full;
    int64_t look_ns; /* DRAIN: when to look again */
};

struct gw_delivery {
    enum gw_plain_end state;
    bool hurried;     /* `until_ns` is final */
    uint8_t looks;    /* DRAIN: consecutive looks that found unacknowledged bytes */
    int unacked;      /* DRAIN: unacknowledged bytes at the last look */
    int64_t look_ns;  /* DRAIN: when to look again */
    int64_t until_ns; /* the end of delivery, even if bytes are left */
};

struct gw_conn {
    uint32_t magic;
    uint32_t slot;
    uint32_t generation;
    enum gw_step step;
    enum gw_reason reason; /* why it ends; NONE until ending.c has begun to end it */
    struct gw_end end;
    struct gw_list starved_node; /* in env->starved while a leg is starved */
    uint8_t eager;               /* enum gw_eager */
    struct gw_list eager_node;
    struct gw_timer timer;
    int64_t began_ns;
    /* when a payload byte last moved; before the relay, when the handshake began */
    int64_t moved_ns;
    struct gw_conn_env *env;
    const struct gw_service *service;
    unsigned service_index;

    struct gw_leg leg[GW_SIDES];
    struct gw_leg *tls;   /* the front leg in the server role, the back leg in the client role */
    struct gw_leg *plain; /* the other leg */
    unsigned target_at;   /* the address of the target that is being tried */
    /* The ends that a trusted load balancer named. AF_UNSPEC: use the socket's own addresses. */
    union gw_proxy_end told_client, told_local;

    struct gw_passport *passport; /* for --recheck-on-reload; owned */
    struct gw_note *note;         /* the certificate that the TLS side showed; owned */
    struct gw_terms *terms;       /* held while `hs` or `tickets` is set */
    struct gw_handshake *hs;      /* set until all its bytes are sent */
    struct gw_handshake *tickets; /* client role: takes over from `hs` while tickets may come */
    int64_t tickets_until_ns;
    bool handshaking; /* counted in the gauge */
    bool has_record;
    bool attached; /* the socket has the tls ULP */
    bool connect_timed_out;
    bool want_kernel_tx;
    bool want_kernel_rx;
    struct gw_record rec;
    struct gw_rx rx;
    struct gw_tx tx;
    struct gw_delivery delivery;
    int64_t linger_until_ns;

    enum gw_send_owner send_owner;
    uint8_t failed_sends; /* failed sends that were retried */
    int16_t alert;        /* the AlertDescription to send; -1: none */
    /* a warning alert to send before it, after which the connection continues; 0: none */
    uint8_t warning;
    bool key_update;         /* a KeyUpdate must be sent */
    bool key_update_sent;    /* the KeyUpdate is being sent; the next TX key follows it */
    bool update_asked;       /* the peer was asked for its next key and has not switched yet */
    int64_t updates_paid_ns; /* until when the peer's KeyUpdates are paid for */
    uint8_t control[GW_RECORD_SEAL_ROOM_FRONT + GW_CONTROL_MAX + GW_RECORD_SEAL_ROOM_BACK];
    uint8_t *control_at; /* the unsent bytes: of the record, or (kernel engine) of its body */
    size_t control_left;
    struct msghdr control_msg; /* kernel engine */
    struct iovec control_iov;
    uint8_t control_cmsg[CMSG_SPACE(1)] __attribute__((aligned(8))); /* used as struct cmsghdr */

    uint8_t *header; /* the PROXY header until it is sent; NULL: none */
    uint32_t header_len;
    uint32_t header_sent;
    struct gw_facts facts;
};

/* Whether the connection is in this step and nothing has been found that ends it. */
static inline bool gw_conn_is_in(const struct gw_conn *c, enum gw_step step)
{
    return c->step == step && c->end.way == GW_END_NOT;
}

/* ---- op.c: the ground ---- */

static inline struct gw_token gw_conn_token(const struct gw_conn *c, const struct gw_leg *leg,
                                            enum gw_op op)
{
    return (struct gw_token){
        .op = op, .leg = leg->side, .slot = c->slot, .generation = c->generation};
}

/* Ends the leg's wait for a buffer. */
void gw_conn_fed(struct gw_conn *c, struct gw_leg *leg);

static inline bool gw_leg_busy(const struct gw_leg *leg, enum gw_op op)
{
    return leg->in_flight & 1U << op;
}

/* Marks the op in flight and returns its token. At most one op of a kind may be in flight on a leg.
 * A receive ends the leg's wait for a buffer, whichever caller starts it. */
static inline struct gw_token gw_conn_begin(struct gw_conn *c, struct gw_leg *leg, enum gw_op op)
{
    gw_require(!gw_leg_busy(leg, op));
    leg->in_flight |= (uint16_t)(1U << op);
    if (leg->starved && op == GW_OP_RECV)
        gw_conn_fed(c, leg);
    return gw_conn_token(c, leg, op);
}

void gw_conn_set_timer(struct gw_conn *c, int64_t after_ns);
/* Like gw_conn_set_timer, unless the timer fires earlier already. */
void gw_conn_wake_in(struct gw_conn *c, int64_t after_ns);
/* Queues a leg whose receive found no buffer. The receive is retried when one is free. */
void gw_conn_starve(struct gw_conn *c, struct gw_leg *leg);
/* Takes a buffer for the leg's receive. NULL if there is none: the leg then waits for one. */
struct gw_buf *gw_conn_take_buffer(struct gw_conn *c, struct gw_leg *leg);
void gw_conn_give_buffer(struct gw_conn *c, struct gw_buf **buf);
/* Advances past `sent` bytes of a buffer's iovec list, to resume after a short send. False when all
 * is sent. */
bool gw_conn_iov_advance(struct gw_buf *buf, uint32_t *at, uint32_t count, size_t sent);
/* Sends the iovecs [at, count) of a buffer to the leg. */
void gw_conn_iov_send(struct gw_conn *c, struct gw_leg *leg, struct gw_buf *buf, uint32_t at,
                      uint32_t count);

/* Whether the flow runs up: from the accepted peer to the target, in both roles. */
static inline bool gw_conn_is_up(const struct gw_conn *c, enum gw_flow flow)
{
    return (flow == GW_FLOW_RX) == (c->service->role == GW_ROLE_SERVER);
}

/* Counts payload bytes that a flow moved, and records that the connection is alive. */
void gw_conn_moved(struct gw_conn *c, enum gw_flow flow, size_t bytes);
/* Nanoseconds without payload after which a connection ends. 0: never. */
int64_t gw_conn_silence_limit(const struct gw_service *service, bool half_closed);
/* One side ended: from now on --close-timeout limits how long the other may be silent. */
void gw_conn_half_closed(struct gw_conn *c);

/* Cancels those operations of the leg (one bit per gw_op) that are in flight. */
void gw_conn_cancel(struct gw_conn *c, const struct gw_leg *leg, unsigned ops);
/* Receives once from the TLS side, into a picked buffer. */
void gw_conn_read(struct gw_conn *c);
/* Frees *hs, which is or was c->hs, and releases the terms with it. */
void gw_conn_free_handshake(struct gw_conn *c, struct gw_handshake **hs);
/* Removes the connection from the gauge of handshakes, if it is counted there. */
void gw_conn_left_handshake(struct gw_conn *c);
/* Attaches the tls ULP to the TLS side's socket, once, if the kernel may run records. Call it while
 * the connection is certainly ESTABLISHED: after the peer's FIN the kernel refuses
 * (kernel-notes/attach-needs-established.md). */
void gw_conn_attach(struct gw_conn *c);
/* The kernel refused the keys: records why. With --records kernel the connection ends. */
void gw_conn_kernel_refused(struct gw_conn *c, const char *direction, int error);

/* Record that the connection ends, and why. Reasons are given as in the server role, where the TLS
 * side is the client; gw_reason_in translates them for the connection's role. The first reason
 * counts. */

/* The TLS side gets `alert`. Has no effect on a connection that is ending. */
void gw_conn_end_with(struct gw_conn *c, enum gw_reason reason, uint8_t alert);
/* Without an alert. On a connection that is ending, drops the pending alert. */
void gw_conn_end_now(struct gw_conn *c, enum gw_reason reason);
/* After the bytes (an alert) that the handshake still has to send. */
void gw_conn_end_handshake(struct gw_conn *c, enum gw_reason reason);
/* Both streams are over. */
void gw_conn_end_finished(struct gw_conn *c);

/* ---- authorize.c ---- */

/* Judges the peer by the rules of the terms: NONE or NOT_ALLOWED. Records the deciding rule in the
 * report, or that none matched. */
enum gw_reason gw_authorize(struct gw_conn *c, const struct gw_terms *terms,
                            const struct gw_identity *id);
/* The alert for a refused peer. */
uint8_t gw_authorize_alert(enum gw_reason refused);
/* Logs the notes that judging a peer left in the terms. */
void gw_authorize_log_notes(const struct gw_terms *terms);

/* ---- send.c: to the TLS side ---- */

/* Starts the next send, unless one is in flight. True when all bytes of the handshake are sent:
 * call gw_opening_flushed, then gw_send_drive again. */
gw_must_check bool gw_send_drive(struct gw_conn *c);
/* Handles the end of the send. `res`: bytes sent or a negative errno. */
void gw_send_sent(struct gw_conn *c, int res);
/* The socket has room for more of the pipe. */
void gw_send_room(struct gw_conn *c);

/* ---- opening.c: handshake and connect ---- */

void gw_opening_begin(struct gw_conn *c);
/* Enters the next step in the order of the connection's role. */
void gw_opening_next(struct gw_conn *c);
/* HANDSHAKE: receives if nothing is in flight. */
void gw_opening_settle(struct gw_conn *c);
void gw_opening_received(struct gw_conn *c, const struct gw_completion *done);
void gw_opening_preface_received(struct gw_conn *c, const struct gw_completion *done);
void gw_opening_connected(struct gw_conn *c, int res);
void gw_opening_connect_timeout(struct gw_conn *c);
/* All handshake bytes are sent: frees the SSL object; TX may move to the kernel. */
void gw_opening_flushed(struct gw_conn *c);

/* ---- preface.c: the PROXY header of the accepted peer ---- */

/* True when the service expects no header. */
gw_must_check bool gw_preface_begin(struct gw_conn *c);
/* True when the header is complete. */
gw_must_check bool gw_preface_received(struct gw_conn *c, const struct gw_completion *done);
void gw_preface_timeout(struct gw_conn *c);

/* ---- announce.c: the PROXY header that the backend gets ---- */

/* Makes the PROXY header for the client of this identity, if the backend gets one. NONE, or why the
 * connection must end. Call it once, while the handshake exists. */
enum gw_reason gw_announce_make(struct gw_conn *c, const struct gw_identity *id);
/* Sends the header or its remainder. False when there is none. */
bool gw_announce_send(struct gw_conn *c);
/* Handles `sent` bytes of the header as sent, and sends more. False when all are sent. */
bool gw_announce_sent(struct gw_conn *c, size_t sent);
void gw_announce_drop(struct gw_conn *c);

/* ---- recheck.c ---- */

/* Keeps what admitted the peer, if a recheck may need it. NONE; the reason why the peer may not
 * pass by the terms that are in force now; or NO_MEMORY. */
enum gw_reason gw_recheck_keep(struct gw_conn *c, const struct gw_identity *id);
void gw_recheck_drop(struct gw_conn *c);
/* Schedules the next recheck of all connections. */
void gw_recheck_plan(struct gw_conn_env *env);
/* Does one turn's share of a recheck that gw_conn_terms_changed or the schedule began. Calls
 * `leave` with each connection that it finds must end. */
void gw_recheck_some(struct gw_conn_env *env, void (*leave)(struct gw_conn *c));
/* When the first of the certificates that admitted the peer expires, in seconds since 1970.
 * INT64_MAX if that is not kept. */
int64_t gw_recheck_end(const struct gw_conn *c);
/* Judges this connection now. True if that ended it. */
bool gw_recheck_ended(struct gw_conn *c);

/* ---- tenure.c: how long a connection may last, whatever it does ---- */

/* Ends the connection if it has reached its maximum age. True if it did. */
bool gw_tenure_over(struct gw_conn *c);
/* Nanoseconds until the next check of the age: at most `after_ns` (0: unlimited). 0: no check is
 * needed. */
int64_t gw_tenure_before(const struct gw_conn *c, int64_t after_ns);

/* ---- rest.c ---- */

/* Does one turn's share of what gw_conn_rest began. */
void gw_rest_some(struct gw_conn_env *env);

/* ---- resume.c: the client role waits for tickets ---- */

/* The handshake's bytes are sent: keeps the handshake for a while if tickets may come, else frees
 * it. */
void gw_resume_begin(struct gw_conn *c);
/* Takes a whole record that is about to be opened. */
void gw_resume_see(struct gw_conn *c, const uint8_t *data, size_t len);
/* RX is at a record boundary and wants more. Afterwards RX may move to the kernel. */
void gw_resume_look(struct gw_conn *c);
void gw_resume_end(struct gw_conn *c);
/* `after_ns`, or less if the wait for tickets ends earlier. */
int64_t gw_resume_before(const struct gw_conn *c, int64_t after_ns);

/* ---- rx.c ---- */

void gw_rx_begin(struct gw_conn *c);
void gw_rx_read(struct gw_conn *c);
void gw_rx_received(struct gw_conn *c, const struct gw_completion *done);
void gw_rx_polled(struct gw_conn *c, const struct gw_completion *done);
void gw_rx_sent(struct gw_conn *c, int res);
/* The plain side has room for more of the pipe. */
void gw_rx_room(struct gw_conn *c);
void gw_rx_standing_received(struct gw_conn *c, const struct gw_completion *done);
/* The TLS side's TCP stream ended (res 0) or failed (res a negative errno). */
void gw_rx_gone(struct gw_conn *c, int res);
/* Whether the error is the kernel engine's report of a record that it could not open. The
 * connection then ends with that reason, and the socket can be sent on again. */
bool gw_rx_record_failed(struct gw_conn *c, int res);

/* ---- tx.c ---- */

void gw_tx_read(struct gw_conn *c);
void gw_tx_received(struct gw_conn *c, const struct gw_completion *done);
/* The poll that splicing waited for has ended with `res`. */
void gw_tx_polled(struct gw_conn *c, int res);
void gw_tx_standing_received(struct gw_conn *c, const struct gw_completion *done);
/* READY: seals and sends. No send to the TLS side may be in flight. GW_SEND_IN_FLIGHT, or the
 * result of a send that has ended already. */
gw_must_check int gw_tx_send(struct gw_conn *c);
void gw_tx_sent(struct gw_conn *c, size_t sent);
/* Ends the TLS side's direction with an alert, which follows the bytes that are already sealed. */
void gw_tx_close(struct gw_conn *c, uint8_t alert);
void gw_tx_alert_sent(struct gw_conn *c);
/* DRAIN: checks the queue if a check is due. The state changes when the drain is over. */
void gw_tx_drain_look(struct gw_conn *c);
/* The TLS side accepts no more data, since it reset the connection. Bytes that it sent before may
 * still be unread. */
void gw_tx_broken(struct gw_conn *c);
/* Discards what the plain side sends while the plain side gets what is due to it. The end of each
 * receive calls this function again. */
void gw_tx_discard(struct gw_conn *c);

/* ---- rekey.c ---- */

/* Follows the peer's KeyUpdate with its next key, and answers it. False when the connection ends
 * here. */
gw_must_check bool gw_rekey_follow(struct gw_conn *c, const struct gw_control *update);
/* Whether our key has run so many records that it must change before more data is sent. */
bool gw_rekey_is_due(const struct gw_conn *c);
/* Payload arrived: asks the peer for its next key once the current one is old. */
void gw_rekey_look_at_rx(struct gw_conn *c);
/* Writes the body of our KeyUpdate, which is sent next. Returns its length. */
size_t gw_rekey_make(struct gw_conn *c, uint8_t body[GW_CONTROL_MAX]);
/* Our KeyUpdate has left: switches TX to the next key. */
void gw_rekey_sent(struct gw_conn *c);

/* ---- standing.c ---- */

/* Records a read of `bytes` bytes; leg->emptied says whether it emptied the socket. */
void gw_standing_note(struct gw_leg *leg, size_t bytes);
/* Begins a standing receive if the last reads were small; none may be in flight. False: use an
 * ordinary receive. */
bool gw_standing_begin(struct gw_conn *c, struct gw_leg *leg);
/* Moves held bytes to dst, at most `room`. Returns their number. */
size_t gw_standing_take(struct gw_conn *c, struct gw_leg *leg, uint8_t *dst, size_t room);
/* Discards the held bytes. */
void gw_standing_drop(struct gw_conn *c, struct gw_leg *leg);
/* Takes a completion of the standing receive. Then read, and call gw_standing_stop. `wanted`: the
 * bytes are still wanted. */
void gw_standing_received(struct gw_conn *c, struct gw_leg *leg, const struct gw_completion *done,
                          bool wanted);
/* Cancels the receive if its bytes are not wanted, or ordinary receives must follow. */
void gw_standing_stop(struct gw_conn *c, struct gw_leg *leg, bool wanted);

/* ---- splice.c ---- */

/* Fills the flow's pipe from its source: enum gw_splice, or (tx) a negative errno that a receive
 * would not see again. Requires that the kernel runs the records of the direction. */
gw_must_check int gw_splice_rx(struct gw_conn *c);
gw_must_check int gw_splice_tx(struct gw_conn *c);
/* Counts the bytes in the flow's pipe. */
void gw_splice_moved(struct gw_conn *c, enum gw_flow flow);
/* Takes the result of the receive that followed a splice, and puts into *res what applies: the
 * receive's own result or the splice's. True when splice took an empty record and nothing more was
 * there. */
bool gw_splice_rx_received(struct gw_conn *c, int *res);
/* Records a read of `bytes` bytes, by splice or receive. */
void gw_splice_note(struct gw_pace *pace, size_t bytes);
/* Sends the content of tx.pipe. No send to the TLS side may be in flight. GW_SEND_IN_FLIGHT, or the
 * result of the last send. */
gw_must_check int gw_splice_tx_send(struct gw_conn *c);
void gw_splice_tx_sent(struct gw_conn *c);
/* Sends the content of rx.pipe. GW_SEND_IN_FLIGHT while a poll waits for room; else 0 or a negative
 * errno, and the pipe is returned. */
gw_must_check int gw_splice_rx_send(struct gw_conn *c);
/* How many more records than its size implies a pipe's content may become. */
uint32_t gw_splice_records_more(void);
/* Continues the flow in the next turn, behind all other connections. */
void gw_splice_go_on_later(struct gw_conn *c, enum gw_eager flow);
/* Return the pipes, with their content. */
void gw_splice_drop_rx(struct gw_conn *c);
void gw_splice_drop_tx(struct gw_conn *c);

/* ---- ending.c ---- */

/* Does what c->end demands. */
void gw_end_perform(struct gw_conn *c);
/* LINGER, DELIVER: continues when the TLS side has its alert and has closed, or when everything is
 * delivered. */
void gw_end_settle(struct gw_conn *c);
/* LINGER, DELIVER: a timer fired. */
void gw_end_timer(struct gw_conn *c);
/* Shortens the time that is left for an end under way. */
void gw_end_hurry(struct gw_conn *c);
/* Whether the TLS side is closed, or is about to be. */
static inline bool gw_end_left_tls(const struct gw_conn *c)
{
    return c->step >= GW_STEP_DELIVER;
}
/* Reads more bytes to discard, unless such a read is in flight. */
void gw_end_discard(struct gw_conn *c);
void gw_end_discarded(struct gw_conn *c, const struct gw_completion *done);
/* Closes each side that is over once nothing is in flight on it. */
void gw_end_drop_sides(struct gw_conn *c);
/* CLOSING: frees everything once nothing is in flight. */
void gw_end_try_free(struct gw_conn *c);

/* ---- delivery.c ----
 *
 * After the connection has its reason, the bytes opened from the TLS side's stream are sent to the
 * plain side. Then their acknowledgement is awaited until --close-timeout passes in silence, since
 * a RST discards what is in the send queue. */

/* Whether the plain side is still due bytes. */
bool gw_delivery_goes_on(const struct gw_conn *c);
/* Called once, while c->step still shows how far the connection came. */
void gw_delivery_begin(struct gw_conn *c);
/* A send to the plain side has ended. `res`: bytes sent or a negative errno. */
void gw_delivery_sent(struct gw_conn *c, int res);
/* The plain side has room for more of the pipe. */
void gw_delivery_room(struct gw_conn *c);
/* Checks the queue if a check is due, and sets the timer for the next one. */
void gw_delivery_look(struct gw_conn *c);
void gw_delivery_hurry(struct gw_conn *c);
