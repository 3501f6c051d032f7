/* SPDX-License-Identifier: Apache-2.0 */
/* What the connections of a load do once they are open: a row of functions for each subcommand. */
#pragma once

#include "bench/load/thread.h"

struct bench_work {
    const char *unit; /* what is counted, for one of them: "handshake"; NULL: bytes are */
    const char *time; /* what its histogram holds; NULL: nothing */
    bool replaces;    /* a connection that ended is followed by another */
    bool streams;     /* bytes either way are an answer: a transfer may take any time */
    bool is_http;     /* heads are no payload; the work counts what it receives itself */
    bool rests;       /* no answer is ever awaited */
    void (*opened)(struct bench_conn *c);
    /* Begins the next unit on a connection that stays; NULL: bench_work_go_on is never called. */
    void (*next)(struct bench_conn *c);
    /* len > 0; false: not what it must be, and the connection is failed already. */
    bool (*received)(struct bench_conn *c, const uint8_t *data, size_t len);
    void (*sent)(struct bench_conn *c);  /* all of bench_conn_send was taken */
    void (*ended)(struct bench_conn *c); /* after our close, the server ended its side too */
    void (*ask)(struct bench_conn *c, int64_t due_ns); /* at a given rate */
    void (*tick)(struct bench_thread *t);
    int64_t (*wait_ns)(const struct bench_thread *t); /* until tick is wanted; -1: not */
    /* Called when the measured time is over; NULL: nothing to do. */
    void (*finish)(struct bench_thread *t);
};

const struct bench_work *bench_work_of(const struct bench_config *config);
/* Begins the next unit, or waits for the next phase: with --units each has a number of them. */
void bench_work_go_on(struct bench_conn *c);
/* A phase has begun: the connections that waited for it continue. */
void bench_work_wake(struct bench_thread *t);
