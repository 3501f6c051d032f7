/* SPDX-License-Identifier: Apache-2.0 */
/* The connection's inside, for the files of this folder only. */
#pragma once

#include "gateway/conn/conn.h"
#include "gateway/record/control.h"

enum {
    GW_CONN_MAGIC = 0x636f6e6e
};

enum gw_up_state {
    GW_UP_HELD,    /* not reading yet: the backend is not connected */
    GW_UP_READ,    /* wants bytes of the client: receiving, waiting for poll, or starved */
    GW_UP_CONTROL, /* kernel engine: fetching a control record */
    GW_UP_HEADER,  /* sending the PROXY header */
    GW_UP_WRITE,   /* sending to the backend */
    GW_UP_DONE,    /* the client's stream ended; the backend was told */
    GW_UP_DISCARD, /* lingering: read and thrown away */
};

enum gw_down_state {
    GW_DOWN_HELD,
    GW_DOWN_READ,  /* wants bytes of the backend */
    GW_DOWN_READY, /* bytes in the buffer; waits for its turn to send */
    GW_DOWN_WRITE, /* sending to the client */
    GW_DOWN_CLOSE, /* an alert (close_notify or fatal) waits for its turn or is being sent */
    GW_DOWN_DRAIN, /* kernel TX: waiting until all that was accepted has left */
    GW_DOWN_DONE,  /* nothing more goes to the client; its FIN is sent */
};

/* Whose bytes the send in flight to the client carries. */
enum gw_tx_owner {
    GW_TX_NOBODY,
    GW_TX_HANDSHAKE,
    GW_TX_CONTROL,
    GW_TX_DATA,
};

struct gw_up {
    enum gw_up_state state;
    bool eof;      /* the client's stream ended (close_notify); finish after what is in buf */
    bool broken;   /* the backend takes no more */
    bool rx_ready; /* kernel engine: there may be something to read */
    bool rx_again; /* … and a wake-up came while a receive was in flight */
    struct gw_buf *buf;
    uint32_t start; /* user engine: bytes of buf not opened yet are [start, end) */
    uint32_t end;
    uint32_t need;   /* bytes missing to the end of a record header or record */
    uint32_t iov_at; /* iovs of buf to send next, and their number */
    uint32_t iov_count;
};

struct gw_down {
    enum gw_down_state state;
    bool eof; /* the backend's stream ended */
    bool hot; /* user engine: the last read filled a slot; read several at once */
    struct gw_buf *buf;
    uint32_t len; /* READY: payload bytes, in slots (user) or from GW_BUFFER_FRONT (kernel) */
    uint32_t iov_at;
    uint32_t iov_count;
    uint8_t drain_empty; /* times in a row that nothing was unacknowledged */
    uint8_t drain_full;  /* … that something was, up to DRAIN_SLOWEST */
};

struct gw_conn {
    uint32_t magic;
    uint32_t slot;
    uint32_t generation;
    enum gw_step step;
    enum gw_reason reason;
    uint16_t in_flight; /* bit per gw_op */
    uint16_t starved;   /* ops that wait for a buffer: either receive, or the header's send */
    struct gw_list starved_node;
    struct gw_timer timer;
    int64_t began_ns;
    int64_t moved_ns; /* when a payload byte moved last */
    struct gw_conn_env *env;
    const struct gw_service *service;
    unsigned service_index;

    int client_fd;
    int backend_fd;
    unsigned target_at; /* address of the target being tried */

    struct gw_handshake *hs; /* until all its bytes are sent */
    bool has_record;
    bool attached; /* the socket has the tls upper layer */
    bool connect_timed_out;
    bool want_kernel_tx;
    bool want_kernel_rx;
    struct gw_record rec;
    struct gw_up up;
    struct gw_down down;

    enum gw_tx_owner tx_owner;
    int16_t alert;   /* AlertDescription to send, -1: none */
    bool key_update; /* a KeyUpdate is to be sent */
    uint8_t control[GW_RECORD_SEAL_ROOM_FRONT + GW_CONTROL_MAX + GW_RECORD_SEAL_ROOM_BACK];
    uint8_t *control_at; /* bytes of it not sent yet: the record, or (kernel engine) its body */
    size_t control_left;
    struct msghdr control_msg; /* kernel engine */
    struct iovec control_iov;
    uint8_t control_cmsg[CMSG_SPACE(1)] __attribute__((aligned(8))); /* as struct cmsghdr */

    struct gw_buf *header; /* PROXY header being sent */
    size_t lingered;       /* bytes thrown away */
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
/* The op found no buffer; it is tried again when there is one. */
void gw_conn_starve(struct gw_conn *c, enum gw_op op);
void gw_conn_give_buffer(struct gw_conn *c, struct gw_buf **buf);
/* Sends to the client whatever comes next: handshake bytes, control records, data. */
void gw_conn_drive_tx(struct gw_conn *c);
/* One iovec list of a buffer, resumed after a short send; false when all is sent. */
bool gw_conn_iov_advance(struct gw_buf *buf, uint32_t *at, uint32_t count, size_t sent);
void gw_conn_iov_send(struct gw_conn *c, enum gw_op op, int fd, struct gw_buf *buf, uint32_t at,
                      uint32_t count);

/* Payload bytes went through: counts them and notes that the connection is alive. */
void gw_conn_moved(struct gw_conn *c, enum gw_counter counter, size_t bytes);
/* One side ended: from now on the other must not be silent for longer than --close-timeout. */
void gw_conn_half_closed(struct gw_conn *c);
/* Copies as much as fits, always terminated; NULL copies "". */
void gw_conn_copy_text(char *dst, size_t size, const char *src);

/* ---- opening.c: handshake and connect ---- */

void gw_opening_begin(struct gw_conn *c);
void gw_opening_read(struct gw_conn *c);
void gw_opening_received(struct gw_conn *c, const struct gw_completion *done);
void gw_opening_connected(struct gw_conn *c, int res);
void gw_opening_connect_timeout(struct gw_conn *c);
/* All handshake bytes are sent: the SSL object goes, TX may move to the kernel. */
void gw_opening_flushed(struct gw_conn *c);
/* Moves to relay when the backend is connected and the handshake bytes are sent. */
void gw_opening_check(struct gw_conn *c);
/* The kernel did not take the keys: notes why; with --records kernel the connection ends. */
void gw_opening_kernel_refused(struct gw_conn *c, const char *direction, int error);

/* ---- up.c ---- */

void gw_up_begin(struct gw_conn *c);
void gw_up_read(struct gw_conn *c);
void gw_up_received(struct gw_conn *c, const struct gw_completion *done);
void gw_up_polled(struct gw_conn *c, const struct gw_completion *done);
void gw_up_sent(struct gw_conn *c, int res);
/* The client's TCP stream ended (res 0) or failed. */
void gw_up_client_gone(struct gw_conn *c, int res);
/* Whether the error is the kernel engine's, of a record it could not open: the connection then
 * ends for that, and the socket can be sent on again. */
bool gw_up_record_failed(struct gw_conn *c, int res);

/* ---- down.c ---- */

void gw_down_read(struct gw_conn *c);
void gw_down_received(struct gw_conn *c, const struct gw_completion *done);
/* READY: seals and sends. The client send must be free. */
void gw_down_send(struct gw_conn *c);
void gw_down_sent(struct gw_conn *c, size_t sent);
/* Starts the end of the client's direction with an alert; what is already sealed goes first. */
void gw_down_close(struct gw_conn *c, uint8_t alert);
void gw_down_alert_sent(struct gw_conn *c);
void gw_down_drain_look(struct gw_conn *c);

/* ---- ending.c ---- */

/* Ends the connection for `reason`, telling the client `alert`; a second call changes nothing. */
void gw_end_with(struct gw_conn *c, enum gw_reason reason, uint8_t alert);
/* … without a word to the client. */
void gw_end_now(struct gw_conn *c, enum gw_reason reason);
/* … after the bytes (an alert) that the handshake still has to send. */
void gw_end_handshake(struct gw_conn *c, enum gw_reason reason);
/* LINGER: something changed; close when the client was told and has closed. */
void gw_end_check(struct gw_conn *c);
/* Reads more to throw away, unless it is doing so. */
void gw_end_discard(struct gw_conn *c);
void gw_end_discarded(struct gw_conn *c, const struct gw_completion *done);
/* The connection ended as it should: both streams are over. */
void gw_end_finished(struct gw_conn *c);
/* Closes the backend as soon as nothing is in flight on it. */
void gw_end_drop_backend(struct gw_conn *c);
/* Enters CLOSING. */
void gw_end_close(struct gw_conn *c);
/* CLOSING: frees everything once nothing is in flight. */
void gw_end_try_free(struct gw_conn *c);
