/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters. Each worker has one block in memory shared with the master. A word has one writer (its
 * worker) and any number of readers, so adding is a plain load and store, never a locked
 * instruction. A worker's block outlives it: its replacement continues to count, after
 * gw_stats_restart set the gauges to 0.
 */
#pragma once

#include "gateway/base/reason.h"

#include <stdint.h>

// clang-format off
#define GW_COUNTERS(X)                                                                      \
    X(ACCEPTED,           "accepted",           "connections accepted")                     \
    X(ACCEPT_ERRORS,      "accept-errors",      "accepts that failed (descriptors, memory)") \
    X(HANDSHAKES_FULL,    "handshakes-full",    "full handshakes completed")                \
    X(HANDSHAKES_RESUMED, "handshakes-resumed", "resumed handshakes completed")             \
    X(TICKETS_SENT,       "tickets-sent",       "session tickets sent")                     \
    X(TX_KERNEL,          "tx-kernel",          "connections sealed by the kernel")         \
    X(TX_USER,            "tx-user",            "connections sealed by the user engine")    \
    X(RX_KERNEL,          "rx-kernel",          "connections opened by the kernel")         \
    X(RX_USER,            "rx-user",            "connections opened by the user engine")    \
    X(KEY_UPDATES_IN,     "key-updates-in",     "KeyUpdate messages received")              \
    X(KEY_UPDATES_OUT,    "key-updates-out",    "KeyUpdate messages sent")                  \
    X(BYTES_UP,           "bytes-up",           "payload bytes from clients to backends")   \
    X(BYTES_DOWN,         "bytes-down",         "payload bytes from backends to clients")   \
    X(SPLICED_UP,         "spliced-up",         "of bytes-up: moved through a pipe, not copied") \
    X(SPLICED_DOWN,       "spliced-down",       "of bytes-down: the same")                  \
    X(PIPES_REFUSED,      "pipes-refused",      "reads that were copied because no pipe was free") \
    X(RELOADS,            "reloads",            "reloads that brought new files into force") \
    X(RELOADS_FAILED,     "reloads-failed",     "reloads that failed, so that the old files stay") \
    X(CRL_TOLERATED,      "crl-tolerated",      "handshakes with a certificate of a CA without a current CRL (--crl-soft)") \
    X(LOG_DROPPED,        "log-dropped",        "log entries lost because the log was full")

/* Gauges: they go up and down and start at 0 with each worker. */
#define GW_GAUGES(X)                                                                        \
    X(OPEN,        "open",        "connections open now")                                   \
    X(HANDSHAKING, "handshaking", "handshakes in progress now")                             \
    X(BUFFERS,     "buffers",     "relay buffers in use now")
// clang-format on

enum gw_counter {
#define X(id, word, help) GW_COUNTER_##id,
    GW_COUNTERS(X)
    GW_GAUGES(X)
#undef X
        GW_COUNTER_COUNT
};

struct gw_stats {
    uint64_t counters[GW_COUNTER_COUNT];
    uint64_t ended[GW_REASON_COUNT]; /* connections by close reason */
} __attribute__((aligned(64)));

struct gw_counter_info {
    const char *word;
    const char *help;
    bool is_gauge;
};

const struct gw_counter_info *gw_counter_info(enum gw_counter counter);

static inline void gw_stats_word_add(uint64_t *word, int64_t n)
{
    uint64_t v = __atomic_load_n(word, __ATOMIC_RELAXED);
    __atomic_store_n(word, v + (uint64_t)n, __ATOMIC_RELAXED);
}

static inline void gw_stats_add(struct gw_stats *s, enum gw_counter counter, int64_t n)
{
    gw_stats_word_add(&s->counters[counter], n);
}

static inline void gw_stats_end(struct gw_stats *s, enum gw_reason reason)
{
    gw_stats_word_add(&s->ended[reason], 1);
}

static inline uint64_t gw_stats_get(const struct gw_stats *s, enum gw_counter counter)
{
    return __atomic_load_n(&s->counters[counter], __ATOMIC_RELAXED);
}

/* Sets all gauges to 0. The master calls it before it starts a worker on this block. */
void gw_stats_restart(struct gw_stats *s);
/* For the block of a dead worker: counts its open connections as ended. Returns their number. The
 * master calls it. */
uint64_t gw_stats_bury(struct gw_stats *s);
/* *sum += *s, word by word. */
void gw_stats_sum(struct gw_stats *sum, const struct gw_stats *s);
