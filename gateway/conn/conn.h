/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one connection, from accept to close, as steps (GW_STEPS) driven by completions.
 *
 *   server role: preface → handshake → connect → flush → relay → linger → deliver → closing
 *   client role: connect → handshake → flush → relay → linger → deliver → closing
 *
 * It has a TLS side, where records are, and a plain side. In the server role the TLS side is the
 * client that was accepted and the plain side the backend; in the client role it is the other way
 * round.
 *
 * In `relay` two flows run on their own, each with one buffer and one operation in flight:
 *   rx  TLS side → plain side: receive, open records, send         (rx.c)
 *   tx  plain side → TLS side: receive, seal records, send         (tx.c)
 * A slow reader stops its flow, which stops reading from its sender: that is the back-pressure, and
 * it bounds the memory of a connection to two relay buffers, or pipes (splice.c).
 *
 * A connection ends once, with one reason (ending.c). Memory and descriptors are given back when
 * nothing is in flight any more.
 */
#pragma once

#include "gateway/base/list.h"
#include "gateway/base/pool.h"
#include "gateway/base/stats.h"
#include "gateway/base/wheel.h"
#include "gateway/config/config.h"
#include "gateway/conn/report.h"
#include "gateway/record/choice.h"
#include "gateway/record/record.h"
#include "gateway/ring/ring.h"
#include "gateway/route/terms.h"
#include "gateway/tls/handshake.h"

// clang-format off
#define GW_STEPS(X)                                                                        \
    X(PREFACE)   /* the PROXY header of a load balancer, where one is accepted */       \
    X(HANDSHAKE) /* of TLS */                                                           \
    X(CONNECT)   /* to the backend; a server's last handshake bytes leave meanwhile */  \
    X(FLUSH)     /* what is left of the handshake leaves */                             \
    X(RELAY)     /* both flows run */                                                   \
    X(LINGER)    /* the reason is set; the TLS side gets its alert */                   \
    X(DELIVER)   /* the TLS side is closed; the plain side gets what came of it */      \
    X(CLOSING)   /* waiting for operations to end, then everything is freed */
// clang-format on

enum gw_step {
#define X(id) GW_STEP_##id,
    GW_STEPS(X)
#undef X
    GW_STEP_COUNT
};

/* What all connections of a worker share. Filled by the worker; outlives them. */
struct gw_conn_env {
    struct gw_ring *ring;
    const struct gw_config *config;
    struct gw_terms *const *terms; /* one a service; may change between two turns */
    const struct ktls_probe *ktls;
    struct gw_stats *stats;     /* ours */
    struct gw_stats *all_stats; /* of all workers, for --max-conns */
    unsigned worker_count;
    struct gw_choice choice; /* of --relay auto and --records measured */
    /* Told once for each connection that ends; must not block. */
    void (*ended)(void *arg, const struct gw_conn_report *report, const struct gw_note *note);
    void *arg;
    uint64_t run; /* random, of this worker's life: makes connections' numbers unique */

    int64_t now_ns; /* the loop's clock, read once a turn */
    struct gw_pool pool;
    struct gw_wheel wheel;
    struct gw_list starved; /* connections waiting for a buffer */
    struct gw_list eager;   /* connections that can go on at once */
    uint64_t next_id;
    bool rechecking;         /* connections are being judged by new terms … */
    uint32_t recheck_slot;   /* … from this one on */
    uint32_t recheck_ended;  /* … and so many were ended */
    int64_t recheck_at_ns;   /* then all are judged though no file has changed; 0: never */
    bool resting;            /* idle connections are giving memory back … */
    uint32_t rest_slot;      /* … from this one on */
    uint32_t ticket_waiters; /* connections with a `tickets` */
};

/* Initialises the lower half of *env; the upper must be filled. 0 or -ENOMEM. */
gw_must_check int gw_conn_env_init(struct gw_conn_env *env, int64_t now_ns);
/* Every connection must have ended. */
void gw_conn_env_done(struct gw_conn_env *env);

/* A new client of service number `service`; owns fd from here, whatever happens. */
void gw_conn_accepted(struct gw_conn_env *env, int fd, unsigned service);
/* A completion of one of the connection kinds. Late ones find nobody and only free their buffer. */
void gw_conn_complete(struct gw_conn_env *env, const struct gw_completion *c);
/* Once a turn, after completions: expired timers, and buffers for those that wait. */
void gw_conn_turn(struct gw_conn_env *env);
/* Ends every connection with close_notify where there is a record layer; reason `shutdown`. */
void gw_conn_end_all(struct gw_conn_env *env);
/* Other terms are in force (env->terms): with --recheck-on-reload the next turns judge connections
 * by them. At env->recheck_at_ns a turn begins with that by itself. */
void gw_conn_terms_changed(struct gw_conn_env *env);
/* After a burst: in the next turns idle connections give back what they can have again, and then
 * the heap its free pages. */
void gw_conn_rest(struct gw_conn_env *env);
/* Whether the next gw_conn_turn has something to do that no completion or timer will tell of. */
static inline bool gw_conn_eager(const struct gw_conn_env *env)
{
    return env->rechecking || env->resting || !gw_list_empty(&env->eager);
}
/* Connections that are not finished yet. */
static inline uint32_t gw_conn_count(const struct gw_conn_env *env)
{
    return env->pool.used;
}
