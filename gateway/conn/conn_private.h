/* SPDX-License-Identifier: Apache-2.0 */
/* The connection's inside, for the files of this folder only. */
#pragma once

#include "gateway/conn/conn.h"
#include "gateway/record/control.h"
#include "gateway/wire/proxy_in.h"

enum {
    GW_CONN_MAGIC = 0x636f6e6e,
    /* While a peer takes nothing its queue is looked at ever less often, to 2^5 ticks: many of them
     * must not keep the worker busy. */
    GW_DRAIN_SLOWEST = 5
};

enum gw_rx_state {
    GW_RX_HELD,    /* not reading yet: the plain side is not connected */
    GW_RX_READ,    /* wants bytes of the TLS side: receiving, waiting for poll, or starved */
    GW_RX_CONTROL, /* kernel engine: fetching a control record */
    GW_RX_HEADER,  /* sending the PROXY header */
    GW_RX_WRITE,   /* sending to the plain side */
    GW_RX_DONE,    /* the TLS side's stream ended; the plain side was told, or is by its end */
    GW_RX_DISCARD, /* lingering: read and thrown away */
};

enum gw_tx_state {
    GW_TX_HELD,
    GW_TX_READ,  /* wants bytes of the plain side */
    GW_TX_READY, /* bytes in the buffer; waits for its turn to send */
    GW_TX_WRITE, /* sending to the TLS side */
    GW_TX_CLOSE, /* an alert (close_notify or fatal) waits for its turn or is being sent */
    GW_TX_DRAIN, /* kernel TX: waiting until all that was accepted has left */
    GW_TX_DONE,  /* nothing more goes to the TLS side; its FIN is sent, or it is broken */
};

/* What becomes of the plain side once the connection has its reason (delivery.c). */
enum gw_plain_end {
    GW_PLAIN_OPEN,  /* it has none yet */
    GW_PLAIN_WRITE, /* what was opened of the TLS side's stream is still being sent */
    GW_PLAIN_DRAIN, /* … was sent, and not all of it is acknowledged */
    GW_PLAIN_OVER,  /* nothing more goes there: closed as soon as nothing is in flight on it */
};

/* Whose bytes the send in flight to the TLS side carries. */
enum gw_send_owner {
    GW_SEND_NOBODY,
    GW_SEND_HANDSHAKE,
    GW_SEND_CONTROL,
    GW_SEND_DATA,
};

/* How large the reads of a flow are: whether splicing is worth it. */
struct gw_pace {
    bool big;         /* the last one was */
    uint8_t in_a_row; /* … as were so many before it */
    bool bulk;        /* for now the flow is a bulk transfer */
    bool spliced;     /* bytes went through a pipe at least once */
};

/* Flows that could go on but let the others go first. */
enum gw_eager {
    GW_EAGER_RX = 1,
    GW_EAGER_TX = 2,
};

_Static_assert(GW_OP_COUNT <= 16, "an op has its bit in in_flight and starved");

/* A standing receive, and what it brought that is still to be read (standing.c). */
struct gw_standing {
    /* Reads in a row that brought little and emptied the socket; 0 while one stands: it is to be
     * cancelled. */
    uint8_t small;
    struct gw_snippet *first;
    struct gw_snippet *last;
    uint32_t held; /* their number */
    bool looked;   /* for an end that it may not tell of */
    bool stopping; /* it was asked to end */
    bool over;     /* behind them the stream ended: with `told`, 0 or a negative errno */
    int told;
};

struct gw_rx {
    enum gw_rx_state state;
    bool eof;     /* the TLS side's stream ended (close_notify); finish after what is in buf */
    bool broken;  /* the plain side takes no more */
    bool cut;     /* the TLS side's stream ended without close_notify, which is no warning */
    bool emptied; /* user engine: the last receive took all there was */
    bool ready;   /* kernel engine: there may be something to read */
    bool again;   /* … and a wake-up came while a receive was in flight */
    bool receive; /* splice met something else than data: one receive is to tell what */
    int told;     /* … what splice said: 0 or a negative errno */
    struct gw_standing standing;
    struct gw_pace pace;
    struct gw_pipe *pipe; /* WRITE: spliced bytes, instead of buf */
    struct gw_buf *buf;
    uint32_t start; /* user engine: bytes of buf not opened yet are [start, end) */
    uint32_t end;
    uint32_t need;   /* bytes missing to the end of a record header or record */
    uint32_t iov_at; /* iovs of buf to send next, and their number */
    uint32_t iov_count;
};

struct gw_tx {
    enum gw_tx_state state;
    bool eof;      /* the plain side's stream ended */
    bool broken;   /* the TLS side takes no more */
    bool hot;      /* user engine: the last read filled a slot; read several at once */
    bool emptied;  /* the last read took all there was */
    bool promised; /* splice: poll said that there is something */
    struct gw_standing standing;
    struct gw_pace pace;
    struct gw_pipe *pipe; /* READY, WRITE: spliced bytes, instead of buf */
    struct gw_buf *buf;
    uint32_t len; /* READY: payload bytes, in slots (user) or from GW_BUFFER_FRONT (kernel) */
    uint32_t iov_at;
    uint32_t iov_count;
    uint8_t drain_empty; /* times in a row that nothing was unacknowledged */
    uint8_t drain_full;  /* … that something was, up to GW_DRAIN_SLOWEST */
    int64_t look_ns;     /* DRAIN: when to look again */
};

struct gw_delivery {
    enum gw_plain_end state;
    bool hurried;     /* `until_ns` stays */
    uint8_t looks;    /* DRAIN: times in a row that something was unacknowledged */
    int unacked;      /* … so many bytes, as seen last */
    int64_t look_ns;  /* … when to look again */
    int64_t until_ns; /* however little went */
};

struct gw_conn {
    uint32_t magic;
    uint32_t slot;
    uint32_t generation;
    enum gw_step step;
    enum gw_reason reason;
    uint16_t in_flight; /* bit per gw_op */
    uint16_t starved;   /* ops that wait for a buffer: the receives */
    struct gw_list starved_node;
    uint8_t eager; /* enum gw_eager */
    struct gw_list eager_node;
    struct gw_timer timer;
    int64_t began_ns;
    int64_t moved_ns; /* when a payload byte moved last; before the relay, the handshake's begin */
    struct gw_conn_env *env;
    const struct gw_service *service;
    unsigned service_index;

    int tls_fd;         /* server role: the client; client role: the backend */
    int plain_fd;       /* … and the other */
    unsigned target_at; /* address of the target being tried */
    /* By a load balancer, and believed; AF_UNSPEC: the socket's own are the client's. */
    union gw_proxy_end told_client, told_local;

    struct gw_passport *passport; /* --recheck-on-reload; owned */
    struct gw_note *note;         /* of the certificate that the TLS side showed; owned */
    struct gw_terms *terms;       /* held as long as one of the next two is there */
    struct gw_handshake *hs;      /* until all its bytes are sent */
    struct gw_handshake *tickets; /* client role: then here, while tickets may come */
    int64_t tickets_until_ns;
    bool handshaking; /* counted in the gauge */
    bool has_record;
    bool attached; /* the socket has the tls upper layer */
    bool connect_timed_out;
    bool want_kernel_tx;
    bool want_kernel_rx;
    struct gw_record rec;
    struct gw_rx rx;
    struct gw_tx tx;
    struct gw_delivery delivery;
    int64_t linger_until_ns;

    enum gw_send_owner send_owner;
    uint8_t failed_sends;    /* that were sent again */
    int16_t alert;           /* AlertDescription to send, -1: none */
    uint8_t warning;         /* … before it, and the connection goes on; 0: none */
    bool key_update;         /* a KeyUpdate is to be sent */
    bool key_update_sent;    /* … is being sent; the next TX key follows it */
    bool update_asked;       /* the peer was asked for its next key, and this is not it yet */
    int64_t updates_paid_ns; /* the peer's KeyUpdates are paid for until then */
    uint8_t control[GW_RECORD_SEAL_ROOM_FRONT + GW_CONTROL_MAX + GW_RECORD_SEAL_ROOM_BACK];
    uint8_t *control_at; /* bytes of it not sent yet: the record, or (kernel engine) its body */
    size_t control_left;
    struct msghdr control_msg; /* kernel engine */
    struct iovec control_iov;
    uint8_t control_cmsg[CMSG_SPACE(1)] __attribute__((aligned(8))); /* as struct cmsghdr */

    uint8_t *header; /* PROXY header until it is sent; NULL: none */
    uint32_t header_len;
    uint32_t header_sent;
    struct gw_conn_report report;
};

/* ---- conn.c ---- */

static inline struct gw_token gw_conn_token(const struct gw_conn *c, enum gw_op op)
{
    return (struct gw_token){.op = op, .slot = c->slot, .generation = c->generation};
}

/* The op waits for a buffer no more. */
void gw_conn_fed(struct gw_conn *c, enum gw_op op);

static inline bool gw_conn_busy(const struct gw_conn *c, enum gw_op op)
{
    return c->in_flight & 1U << op;
}

/* Marks the op in flight and gives its token; at most one of a kind. It waits for a buffer no
 * more, whoever started it. */
static inline struct gw_token gw_conn_begin(struct gw_conn *c, enum gw_op op)
{
    gw_require(!gw_conn_busy(c, op));
    c->in_flight |= (uint16_t)(1U << op);
    if (c->starved & 1U << op)
        gw_conn_fed(c, op);
    return gw_conn_token(c, op);
}

void gw_conn_set_timer(struct gw_conn *c, int64_t after_ns);
/* The same, unless it is to fire before. */
void gw_conn_wake_in(struct gw_conn *c, int64_t after_ns);
/* The op found no buffer; it is tried again when there is one. */
void gw_conn_starve(struct gw_conn *c, enum gw_op op);
/* Instead of by that op; NULL: it starves. */
struct gw_buf *gw_conn_take_buffer(struct gw_conn *c, enum gw_op op);
void gw_conn_give_buffer(struct gw_conn *c, struct gw_buf **buf);
/* Sends to the TLS side whatever comes next: handshake bytes, control records, data. */
void gw_conn_drive_tx(struct gw_conn *c);
/* Sends one control record; the send to the TLS side must be free. */
void gw_conn_send_control(struct gw_conn *c, uint8_t type, const uint8_t *body, size_t len);
/* The send in flight to the TLS side has ended: bytes or negative errno. */
void gw_conn_tls_sent(struct gw_conn *c, int res);
/* One iovec list of a buffer, resumed after a short send; false when all is sent. */
bool gw_conn_iov_advance(struct gw_buf *buf, uint32_t *at, uint32_t count, size_t sent);
void gw_conn_iov_send(struct gw_conn *c, enum gw_op op, int fd, struct gw_buf *buf, uint32_t at,
                      uint32_t count);

/* The descriptor of who connected to us, and of whom we connect to. */
static inline int *gw_conn_accepted_fd(struct gw_conn *c)
{
    return c->service->role == GW_ROLE_SERVER ? &c->tls_fd : &c->plain_fd;
}

static inline int *gw_conn_target_fd(struct gw_conn *c)
{
    return c->service->role == GW_ROLE_SERVER ? &c->plain_fd : &c->tls_fd;
}

/* Up is from who connected to us to the target, in both roles. */
static inline bool gw_conn_is_up(const struct gw_conn *c, enum gw_flow flow)
{
    return (flow == GW_FLOW_RX) == (c->service->role == GW_ROLE_SERVER);
}

/* Payload bytes went through: counts them and notes that the connection is alive. */
void gw_conn_moved(struct gw_conn *c, enum gw_flow flow, size_t bytes);
/* One side ended: from now on the other must not be silent for longer than --close-timeout. */
void gw_conn_half_closed(struct gw_conn *c);
/* Copies as much as fits, always terminated; NULL copies "". */
void gw_conn_copy_text(char *dst, size_t size, const char *src);

/* ---- opening.c: handshake and connect ---- */

void gw_opening_begin(struct gw_conn *c);
/* Enters the step that follows in the order of the connection's role. */
void gw_opening_next(struct gw_conn *c);
/* Takes it out of the gauge of handshakes, unless it is. */
void gw_opening_left_handshake(struct gw_conn *c);
/* Logs the notes that were taken while a peer was judged by the terms. */
void gw_opening_tell(const struct gw_terms *terms);
/* Judges the peer by the rules of the terms: NONE or NOT_ALLOWED. Writes into the report which rule
 * decided, or that none matches. */
enum gw_reason gw_opening_judge(struct gw_conn *c, const struct gw_terms *terms,
                                const struct gw_identity *id);
/* The alert for a client that may not pass. */
uint8_t gw_opening_refusal_alert(enum gw_reason refused);
/* Frees *hs, which is c->hs or was it, and lets go of the terms with it. */
void gw_conn_free_handshake(struct gw_conn *c, struct gw_handshake **hs);
/* Gives the TLS side its upper layer, where the kernel may run records; once. While the connection
 * is surely ESTABLISHED: later its FIN may have come, and the kernel refuses
 * (kernel-notes/attach-needs-established.md). */
void gw_opening_attach(struct gw_conn *c);
void gw_opening_read(struct gw_conn *c);
void gw_opening_received(struct gw_conn *c, const struct gw_completion *done);
void gw_opening_connected(struct gw_conn *c, int res);
void gw_opening_connect_timeout(struct gw_conn *c);
/* All handshake bytes are sent: the SSL object goes, TX may move to the kernel. */
void gw_opening_flushed(struct gw_conn *c);
/* The kernel did not take the keys: notes why; with --records kernel the connection ends. */
void gw_opening_kernel_refused(struct gw_conn *c, const char *direction, int error);

/* ---- preface.c: the PROXY header of who connects to us ---- */

void gw_preface_begin(struct gw_conn *c);
void gw_preface_received(struct gw_conn *c, const struct gw_completion *done);
void gw_preface_timeout(struct gw_conn *c);

/* ---- announce.c: the PROXY header that the backend gets ---- */

/* The client of this identity may pass: makes the header that tells so, where one is to be sent.
 * NONE; or why the connection must end. Call it while the handshake is there, once. */
enum gw_reason gw_announce_make(struct gw_conn *c, const struct gw_identity *id);
/* Sends it, or what is left of it; false when there is none. */
bool gw_announce_send(struct gw_conn *c);
/* So many bytes of it were sent: sends more; false when all are. */
bool gw_announce_sent(struct gw_conn *c, size_t sent);
void gw_announce_drop(struct gw_conn *c);

/* Every way into a connection ends here: only now may it be freed. */
void gw_conn_leave(struct gw_conn *c);

/* ---- recheck.c ---- */

/* Keeps what the peer is let in by, if that is wanted. NONE; or why it may not pass by the terms
 * that are in force now; or NO_MEMORY. */
enum gw_reason gw_recheck_keep(struct gw_conn *c, const struct gw_identity *id);
void gw_recheck_drop(struct gw_conn *c);
/* Plans when all connections are judged next. */
void gw_recheck_plan(struct gw_conn_env *env);
/* A turn's share of what gw_conn_terms_changed, or the time that was planned, has begun. */
void gw_recheck_some(struct gw_conn_env *env);
/* When the first certificate of what the peer was let in by ends, seconds since 1970; INT64_MAX
 * where that is not kept. */
int64_t gw_recheck_end(const struct gw_conn *c);
/* Judges it now; true when that ended the connection. */
bool gw_recheck_ended(struct gw_conn *c);

/* ---- tenure.c: how long a connection may last, whatever it does ---- */

/* True when it has lasted that long, and was ended here. */
bool gw_tenure_over(struct gw_conn *c);
/* Nanoseconds until the next look at that: `after_ns` (0: never) or less; 0: no look is needed. */
int64_t gw_tenure_before(const struct gw_conn *c, int64_t after_ns);

/* ---- rest.c ---- */

/* A turn's share of what gw_conn_rest has begun. */
void gw_rest_some(struct gw_conn_env *env);

/* ---- resume.c: the client role waits for tickets ---- */

/* The handshake's bytes are sent: keeps it for a while where tickets may come, else frees it. */
void gw_resume_begin(struct gw_conn *c);
/* A whole record is about to be opened. */
void gw_resume_see(struct gw_conn *c, const uint8_t *data, size_t len);
/* RX is at a record boundary and wants more: it may move to the kernel once this is over. */
void gw_resume_look(struct gw_conn *c);
void gw_resume_end(struct gw_conn *c);
/* `after_ns`, or less where the wait for tickets ends before. */
int64_t gw_resume_before(const struct gw_conn *c, int64_t after_ns);

/* ---- rx.c ---- */

void gw_rx_begin(struct gw_conn *c);
void gw_rx_read(struct gw_conn *c);
void gw_rx_received(struct gw_conn *c, const struct gw_completion *done);
void gw_rx_polled(struct gw_conn *c, const struct gw_completion *done);
void gw_rx_sent(struct gw_conn *c, int res);
/* The TLS side's TCP stream ended (res 0) or failed. */
void gw_rx_gone(struct gw_conn *c, int res);
/* The plain side takes no more. */
void gw_rx_broken(struct gw_conn *c);
/* Application data came; false when the connection ends here. */
bool gw_rx_saw_data(struct gw_conn *c);
/* Whether the error is the kernel engine's, of a record it could not open: the connection then
 * ends for that, and the socket can be sent on again. */
bool gw_rx_record_failed(struct gw_conn *c, int res);

/* ---- tx.c ---- */

void gw_tx_read(struct gw_conn *c);
void gw_tx_received(struct gw_conn *c, const struct gw_completion *done);
/* READY: seals and sends. The TLS send must be free. */
void gw_tx_send(struct gw_conn *c);
void gw_tx_sent(struct gw_conn *c, size_t sent);
/* Starts the end of the TLS side's direction with an alert; what is already sealed goes first. */
void gw_tx_close(struct gw_conn *c, uint8_t alert);
void gw_tx_alert_sent(struct gw_conn *c);
/* DRAIN: looks, if it is time to; the state is another one when it is over. */
void gw_tx_drain_look(struct gw_conn *c);
/* The TLS side takes no more, since it reset the connection. What it sent before may still be
 * there. */
void gw_tx_broken(struct gw_conn *c);
/* Discards what the plain side sends while the plain side gets what is due to it. The end of each
 * receive calls it again. */
void gw_tx_discard(struct gw_conn *c);

/* ---- rekey.c ---- */

/* The peer's KeyUpdate came: its next key, and our answer. False when the connection ends here. */
gw_must_check bool gw_rekey_follow(struct gw_conn *c, const struct gw_control *update);
/* Our key has run so many records that it must be changed before more data is sent. */
bool gw_rekey_is_due(const struct gw_conn *c);
/* Payload came: asks the peer for its next key once the one in use is old. */
void gw_rekey_look_at_rx(struct gw_conn *c);
/* Sends our KeyUpdate; the send to the TLS side must be free. */
void gw_rekey_send(struct gw_conn *c);
/* … has left: our next key. */
void gw_rekey_sent(struct gw_conn *c);

/* ---- standing.c ---- */

/* A read brought so many bytes, and there were no more. */
void gw_standing_note(struct gw_conn *c, enum gw_flow flow, size_t bytes, bool emptied);
/* Begins one, which must not be in flight, if the last reads were small; false: receive. */
bool gw_standing_begin(struct gw_conn *c, enum gw_flow flow);
bool gw_standing_busy(const struct gw_conn *c, enum gw_flow flow);
/* Moves what is held, as far as it fits; in bytes. */
size_t gw_standing_take(struct gw_conn *c, enum gw_flow flow, uint8_t *dst, size_t room);
/* Throws away what is held. */
void gw_standing_drop(struct gw_conn *c, enum gw_flow flow);
void gw_standing_received(struct gw_conn *c, const struct gw_completion *done);

/* ---- splice.c ---- */

/* True when splicing does the next read, or waits; false when it is to be received. The kernel runs
 * the records of the direction. */
bool gw_splice_rx(struct gw_conn *c);
bool gw_splice_tx(struct gw_conn *c);
/* A receive after splice met something else than data: what to go by, which is its own result or
 * what splice said. True when splice took an empty record, and nothing more was there. */
bool gw_splice_rx_received(struct gw_conn *c, int *res);
/* A read of so many bytes, however it was made. */
void gw_splice_note(struct gw_pace *pace, size_t bytes);
/* READY: sends what is in tx.pipe. The TLS send must be free. */
void gw_splice_tx_send(struct gw_conn *c);
void gw_splice_tx_sent(struct gw_conn *c);
/* Sends what is in rx.pipe, or waits until that is possible. */
void gw_splice_rx_send(struct gw_conn *c);
/* How many records more than its bytes tell may become of a pipe's content. */
uint32_t gw_splice_records_more(void);
void gw_splice_plain_room(struct gw_conn *c, const struct gw_completion *done);
void gw_splice_plain_data(struct gw_conn *c, const struct gw_completion *done);
void gw_splice_tls_room(struct gw_conn *c, const struct gw_completion *done);
/* From env->eager, of which it is taken: the next step of the flows that let others go first. */
void gw_splice_go_on(struct gw_conn *c);
/* Give pipes back, with what is in them. */
void gw_splice_drop_rx(struct gw_conn *c);
void gw_splice_drop_tx(struct gw_conn *c);

/* ---- ending.c ----
 *
 * Reasons are given as in the server role, where the TLS side is the client; gw_reason_in turns
 * them into those of the connection's role.
 */

/* Ends the connection for `reason`, telling the TLS side `alert`; a second call changes nothing. */
void gw_end_with(struct gw_conn *c, enum gw_reason reason, uint8_t alert);
/* … without a word to it; or, if it has ended already, without another one. */
void gw_end_now(struct gw_conn *c, enum gw_reason reason);
/* … after the bytes (an alert) that the handshake still has to send. */
void gw_end_handshake(struct gw_conn *c, enum gw_reason reason);
/* LINGER, DELIVER: something changed; goes on when the TLS side was told and has closed, or when
 * all is delivered. */
void gw_end_check(struct gw_conn *c);
/* LINGER, DELIVER: time has passed. */
void gw_end_timer(struct gw_conn *c);
/* Little time is left for an end that has begun. */
void gw_end_hurry(struct gw_conn *c);
/* Whether the TLS side is closed, or is about to be. */
static inline bool gw_end_left_tls(const struct gw_conn *c)
{
    return c->step >= GW_STEP_DELIVER;
}
/* Reads more to throw away, unless it is doing so. */
void gw_end_discard(struct gw_conn *c);
void gw_end_discarded(struct gw_conn *c, const struct gw_completion *done);
/* The connection ended as it should: both streams are over. */
void gw_end_finished(struct gw_conn *c);
/* Closes each side that is over as soon as nothing is in flight on it. */
void gw_end_drop_sides(struct gw_conn *c);
void gw_end_cancel(struct gw_conn *c, unsigned ops);
/* CLOSING: frees everything once nothing is in flight. */
void gw_end_try_free(struct gw_conn *c);

/* ---- delivery.c ----
 *
 * Once the connection has its reason: what was opened of the TLS side's stream is sent to the plain
 * side and, until --close-timeout passes in silence, its acknowledgement awaited, since a RST
 * throws away what lies in the send queue.
 */

/* Operations on the plain side. */
enum {
    GW_PLAIN_OPS = 1U << GW_OP_CONNECT | 1U << GW_OP_PLAIN_RECV | 1U << GW_OP_PLAIN_SEND |
                   1U << GW_OP_PLAIN_DATA | 1U << GW_OP_PLAIN_ROOM | 1U << GW_OP_PLAIN_STANDING,
};

/* Whether the plain side still gets what is due to it. */
bool gw_delivery_goes_on(const struct gw_conn *c);
/* Called once, while c->step still tells how far the connection came. */
void gw_delivery_begin(struct gw_conn *c);
/* Bytes went: the time-out begins anew. */
void gw_delivery_moved(struct gw_conn *c);
/* A send to the plain side has ended: bytes or negative errno. */
void gw_delivery_sent(struct gw_conn *c, int res);
/* A pipe was emptied into the plain side, or cannot be: 0 or negative errno. */
void gw_delivery_spliced(struct gw_conn *c, int res);
/* Looks, if it is time to, and sets the timer for the next look. */
void gw_delivery_look(struct gw_conn *c);
void gw_delivery_hurry(struct gw_conn *c);
