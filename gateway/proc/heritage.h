/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that the master prepares before its first fork and keeps for later ones. A worker gets
 * its share as struct gw_worker_env, and nothing else.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/proc/expiry.h"
#include "gateway/proc/listener.h"
#include "gateway/proc/pidfile.h"
#include "gateway/proc/termset.h"
#include "gateway/proc/worker.h"
#include "gateway/tls/tickets.h"

typedef int gw_worker_main(const struct gw_worker_env *env);

struct gw_heritage {
    const struct gw_config *config; /* not owned */
    gw_worker_main *worker;         /* the main function of a worker: gw_worker_run, or a test's */
    struct gw_termset set;          /* the terms loaded at start */
    struct gw_files *files;         /* the files of that set; NULL once the loader has them */
    int files_fd;                   /* the newest files since then, sealed; -1: none */
    struct gw_expiry expiry;        /* the expiries of the set in force */
    struct ktls_probe ktls;
    bool standing;           /* standing receives work */
    struct gw_choice choice; /* empty unless it was measured */
    struct gw_listeners listeners;
    struct gw_pidfile pidfile;
    /* Shared with the workers. */
    /* one table per service: a ticket is valid only for its service */
    struct gw_ticket_keys *tickets;
    struct gw_stats *stats;  /* one block per worker; the last is the master's */
    struct gw_logring *logs; /* one ring per worker */
    int log_wake_fd;         /* eventfd */
};

/* Makes the shared memory, with the first ticket keys. Returns 0; -EIO with *err filled. Even on
 * failure gw_heritage_done may be called. */
gw_must_check int gw_heritage_init(struct gw_heritage *h, const struct gw_config *config,
                                   gw_worker_main *worker, struct gw_error *err);

/* The master's own block. */
struct gw_stats *gw_heritage_own_stats(const struct gw_heritage *h);

/* Frees listeners, contexts and shared memory, and wipes secrets. No worker may be alive. */
void gw_heritage_done(struct gw_heritage *h);

/* Fills the share of worker `index`, whose end of the control channel is channel_fd. */
void gw_heritage_share(const struct gw_heritage *h, unsigned index, int channel_fd,
                       struct gw_worker_env *ret);
