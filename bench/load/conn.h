/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of a load: connect, handshake, then bytes either way until one side ends it. What
 * the bytes are is its work's matter (work.h). Used by its thread alone (thread.h).
 *
 * Life: CONNECTING → HANDSHAKING (not with --plain) → OPEN → CLOSING when we end it → GONE. In GONE
 * nothing happens any more but the completion of what was in flight; then it is freed.
 */
#pragma once

#include "bench/load/tlsclient.h"
#include "gateway/record/control.h"
#include "gateway/ring/ring.h"

struct bench_thread;

enum bench_conn_state {
    BENCH_CONN_CONNECTING,
    BENCH_CONN_HANDSHAKING,
    BENCH_CONN_OPEN,
    BENCH_CONN_CLOSING, /* our close_notify or FIN is sent; the end of the server's is awaited */
    BENCH_CONN_GONE,
};

/* A control record that waits for its turn. */
struct bench_control {
    uint8_t type;
    uint8_t body[GW_CONTROL_MAX];
    size_t len; /* 0: none */
};

struct bench_conn {
    struct bench_thread *thread;
    uint32_t slot;
    uint32_t generation;
    enum bench_conn_state state;
    uint16_t in_flight; /* bit per gw_op */
    int fd;
    int64_t began_ns; /* of the connect */
    int64_t since_ns; /* the server's answer is awaited since then */

    struct bench_tls_handshake *hs;
    struct gw_record rec;
    bool has_record;
    bool cut_off; /* the server took no more before we had ended */

    struct gw_buf *rx; /* bytes [start, end) are not opened yet */
    uint32_t start, end;

    struct gw_buf *tx; /* sealed bytes on their way */
    uint32_t iov_at, iov_count;
    uint32_t tx_payload; /* bytes of the work in them */
    const uint8_t *data; /* --plain: bytes on their way */
    size_t left;
    struct bench_control control;
    bool sending_control;

    /* Of the work. */
    uint64_t sent, received; /* bytes of the request and the answer so far */
    int64_t asked_ns;        /* when the request was due */
    uint64_t body_left;      /* HTTP: bytes of the answer's body still to come */
    uint8_t *head; /* HTTP: the beginning of an answer's head that came in pieces; else NULL */
    size_t head_len;
    bool in_body;
    bool to_compare; /* the body is known byte by byte */
    bool waits;      /* for the next request that is due */
};

/* Opens one more; what fails is counted by the thread. */
void bench_conn_open(struct bench_thread *t);
/* Sends the bytes (1 to BENCH_PATTERN_RUN, one send at a time); then the work hears of it. They
 * must stay until then. */
void bench_conn_send(struct bench_conn *c, const uint8_t *data, size_t len);
/* Ends our direction properly, and waits for the server to do so. */
void bench_conn_close(struct bench_conn *c);
/* Drops it when the server has left it without an answer for too long. */
void bench_conn_check(struct bench_conn *c);
/* Drops it with RST, now. */
void bench_conn_drop(struct bench_conn *c);
/* Drops it and counts an error. */
void bench_conn_fail(struct bench_conn *c, const char *fmt, ...) gw_printf(2, 3);

void bench_conn_completed(struct bench_conn *c, const struct gw_completion *done);
