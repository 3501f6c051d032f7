/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one connection, from accept to close: steps (GW_STEPS) that completions drive.
 *
 *   server role: preface → handshake → connect → flush → relay → linger → deliver → closing
 *   client role: connect → handshake → flush → relay → linger → deliver → closing
 *
 * A connection has a TLS side, which carries records, and a plain side. In the server role the TLS
 * side is the accepted client and the plain side is the backend. In the client role it is the other
 * way round.
 *
 * In `relay` two flows run independently, each with one buffer and one operation in flight:
 *   rx  TLS side → plain side: receive, open records, send         (rx.c)
 *   tx  plain side → TLS side: receive, seal records, send         (tx.c)
 * A slow reader stops its flow, and the flow stops reading from its sender. This back-pressure
 * limits a connection to two relay buffers, or pipes (splice.c).
 *
 * A connection ends once, with one reason (ending.c). Its memory and descriptors are released when
 * no operation is in flight.
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
    X(PREFACE)   /* the PROXY header of a load balancer, if one is expected */          \
    X(HANDSHAKE) /* the TLS handshake */                                                \
    X(CONNECT)   /* connects to the target; a server's last handshake bytes leave */    \
    X(FLUSH)     /* the remaining handshake bytes leave */                              \
    X(RELAY)     /* both flows run */                                                   \
    X(LINGER)    /* the reason is set; the TLS side gets its alert */                   \
    X(DELIVER)   /* the TLS side is closed; the plain side gets the opened bytes */     \
    X(CLOSING)   /* waits for operations to end, then frees everything */
// clang-format on

enum gw_step {
#define X(id) GW_STEP_##id,
    GW_STEPS(X)
#undef X
    GW_STEP_COUNT
};

/* The state that all connections of a worker share. The worker fills it; it outlives them. */
struct gw_conn_env {
    struct gw_ring *ring;
    const struct gw_config *config;
    struct gw_terms *const *terms; /* one per service; may change between two turns */
    const struct ktls_probe *ktls;
    struct gw_stats *stats;     /* of this worker */
    struct gw_stats *all_stats; /* of all workers, for --max-conns */
    unsigned worker_count;
    struct gw_choice choice; /* for --relay auto and --records measured */
    /* Called once for each connection that ends; must not block. */
    void (*ended)(void *arg, const struct gw_conn_report *report, const struct gw_note *note);
    /* Called for each connection that is closed as soon as it is accepted; must not block. */
    void (*refused)(void *arg, enum gw_reason reason);
    void *arg;
    uint64_t run; /* random, chosen once per worker process: makes connection ids unique */

    int64_t now_ns; /* the loop's clock, read once per turn */
    struct gw_pool pool;
    struct gw_wheel wheel;
    struct gw_list starved; /* connections waiting for a buffer */
    struct gw_list eager;   /* connections that can continue without a completion */
    uint64_t next_id;
    bool rechecking;         /* a recheck by new terms is under way */
    uint32_t recheck_slot;   /* the next connection to recheck */
    uint32_t recheck_ended;  /* connections that this recheck ended */
    int64_t recheck_at_ns;   /* when to recheck even if no file has changed; 0: never */
    bool resting;            /* idle connections are giving memory back */
    uint32_t rest_slot;      /* the next connection to visit for that */
    bool long_step;          /* a step of a handshake was made since the last flush */
    uint32_t ticket_waiters; /* connections whose `tickets` is set */
};

/* Initializes the lower half of *env; the caller fills the upper half first. 0 or -ENOMEM. */
gw_must_check int gw_conn_env_init(struct gw_conn_env *env, int64_t now_ns);
/* Requires that every connection has ended. */
void gw_conn_env_done(struct gw_conn_env *env);

/* Starts a connection for a new client of service number `service`. Takes ownership of fd, even on
 * failure. */
void gw_conn_accepted(struct gw_conn_env *env, int fd, unsigned service);
/* Handles a completion of one of the connection kinds. A late one, whose connection is gone, only
 * frees its buffer. */
void gw_conn_complete(struct gw_conn_env *env, const struct gw_completion *c);
/* Call once per turn, after the completions: runs expired timers and hands buffers to the
 * connections that wait for one. */
void gw_conn_turn(struct gw_conn_env *env);
/* Ends every connection with reason `shutdown`, and with close_notify if it has a record layer. */
void gw_conn_end_all(struct gw_conn_env *env);
/* Announces that env->terms has changed: with --recheck-on-reload the next turns judge all
 * connections by the new terms. A recheck also begins by itself at env->recheck_at_ns. */
void gw_conn_terms_changed(struct gw_conn_env *env);
/* Call after a burst: in the next turns idle connections release the memory that they can allocate
 * again, then the heap returns its free pages. */
void gw_conn_rest(struct gw_conn_env *env);
/* Whether the next gw_conn_turn has work that no completion or timer announces. */
static inline bool gw_conn_eager(const struct gw_conn_env *env)
{
    return env->rechecking || env->resting || !gw_list_empty(&env->eager);
}
/* The number of connections that have not finished. */
static inline uint32_t gw_conn_count(const struct gw_conn_env *env)
{
    return env->pool.used;
}
