/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the master has ready before its first fork and keeps for every later one. A worker sees its
 * own share of it as struct gw_worker_env; nothing else crosses.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/proc/expiry.h"
#include "gateway/proc/listener.h"
#include "gateway/proc/termset.h"
#include "gateway/proc/worker.h"
#include "gateway/tls/tickets.h"

typedef int gw_worker_main(const struct gw_worker_env *env);

struct gw_heritage {
    const struct gw_config *config; /* not owned */
    gw_worker_main *worker;         /* what a worker runs: gw_worker_run, or a test's */
    struct gw_termset set;          /* what the start has loaded */
    struct gw_files *files;         /* … and from what; NULL once the loader has it */
    int files_fd;                   /* what was loaded since, sealed; -1: nothing */
    struct gw_expiry expiry;        /* of what is in force */
    struct ktls_probe ktls;
    bool standing;           /* standing receives work */
    struct gw_choice choice; /* nothing, unless it was measured */
    struct gw_listeners listeners;
    /* Shared with the workers. */
    struct gw_ticket_keys *tickets; /* one table a service: a ticket is good where it was given */
    struct gw_stats *stats;         /* one block a worker, and the last for the master itself */
    struct gw_logring *logs;        /* one ring a worker */
    int log_wake_fd;                /* eventfd */
};

/* Makes the shared memory, with first ticket keys. Returns 0; -EIO with *err filled. On failure
 * too, gw_heritage_done may be called. */
gw_must_check int gw_heritage_init(struct gw_heritage *h, const struct gw_config *config,
                                   gw_worker_main *worker, struct gw_error *err);

/* The block of the master. */
struct gw_stats *gw_heritage_own_stats(const struct gw_heritage *h);

/* Listeners, contexts and shared memory, secrets wiped. No worker may be alive. */
void gw_heritage_done(struct gw_heritage *h);

/* The share of worker `index`, whose end of the control channel is channel_fd. */
void gw_heritage_share(const struct gw_heritage *h, unsigned index, int channel_fd,
                       struct gw_worker_env *ret);
