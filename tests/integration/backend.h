/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plaintext TCP server on 127.0.0.1 that follows a plan for each connection, in a thread of its
 * own, and keeps an account of each. Nothing in it waits for time: a connection that holds back
 * does so until the test releases it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BACKEND_HEAD_MAX = 2048,
};

#define NO_LIMIT UINT64_MAX

/* What to do with a connection. All zero: send FIN at once, take what comes. */
struct backend_plan {
    bool echo;             /* send back what comes; FIN after the client's FIN or fin_after_up */
    bool http;             /* GET /N gives N bytes of `down_seed`; PUT checks them by `up_seed` */
    uint64_t up_seed;      /* check what comes against this stream; 0: take anything */
    uint64_t down_seed;    /* the stream to send */
    uint64_t down_bytes;   /* the length of that stream */
    uint64_t fin_after_up; /* FIN only once so many bytes have come, or the client's FIN */
    bool fin_after_fin;    /* FIN only once the client's has come */
    bool down_after_fin;   /* begin to send only then */
    bool no_fin;           /* never FIN */
    bool urgent;           /* a byte of TCP's urgent data goes before the stream */
    uint64_t pause_after;  /* stop reading after so many bytes, until backend_resume; 0: no */
    uint64_t reset_after;  /* RST once so many bytes have come; 0: no */
    int receive_buffer;    /* SO_RCVBUF; 0: the system's */
};

#define BACKEND_PLAN(...) ((struct backend_plan){__VA_ARGS__})

struct backend_account {
    bool finished; /* closed, the rest is final */
    bool got_fin;
    bool got_reset;
    bool wrong; /* a byte that came was not the stream's, at position `received` */
    uint64_t received;
    uint64_t sent;
    size_t head_len; /* the first bytes that came */
    uint8_t head[BACKEND_HEAD_MAX];
};

struct backend;

/* Listens on a free port; `plan` is for the connections that come until the next
 * backend_set_plan. */
struct backend *backend_start(const struct backend_plan *plan);
/* Like backend_start, on a Unix socket, which it makes. */
struct backend *backend_start_unix(const struct backend_plan *plan, const char *path);
void backend_stop(struct backend *b);
uint16_t backend_port(const struct backend *b);

/* For connections that come from now on. Those that came before are forgotten: the next one is
 * number 0. */
void backend_set_plan(struct backend *b, const struct backend_plan *plan);
/* Connections that stopped reading continue. */
void backend_resume(struct backend *b);
/* Connections accepted since the plan was set. */
unsigned backend_accepted(struct backend *b);
/* The account of connection `number` once it is closed; false when that does not happen. */
bool backend_await(struct backend *b, unsigned number, struct backend_account *ret);
/* Waits until connection `number` has sent us `bytes`; false when that does not happen. */
bool backend_await_received(struct backend *b, unsigned number, uint64_t bytes);
/* How it stands now. */
struct backend_account backend_look(struct backend *b, unsigned number);
