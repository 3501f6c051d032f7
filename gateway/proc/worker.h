/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one process, one thread, one io_uring, its own listeners and pools. It runs until the
 * master tells it to drain, or the control channel ends (the master died: then it drains too).
 */
#pragma once

#include "gateway/base/logring.h"
#include "gateway/base/stats.h"
#include "gateway/config/config.h"
#include "gateway/proc/channel.h"
#include "gateway/proc/termset.h"
#include "gateway/record/choice.h"

#include "ktlsinstall.h"

struct gw_worker_listener {
    int fd;           /* listening, non-blocking; closed by the worker when it drains */
    unsigned service; /* index into config->services */
};

/* All that crosses fork from the master to a worker. */
struct gw_worker_env {
    const struct gw_config *config;
    struct gw_termset set; /* what the start has loaded */
    int files_fd;          /* newer files, to be loaded before the first connection; -1: none */
    struct gw_ticket_keys *tickets; /* one table a service */
    const struct ktls_probe *ktls;  /* what the kernel engine can do */
    bool standing;                  /* standing receives work (gateway/ring/ring.h) */
    const struct gw_choice *choice; /* … and what is cheaper */
    unsigned index;                 /* of this worker, from 0 */
    unsigned worker_count;
    struct gw_stats *stats; /* of all workers, worker_count blocks; ours is stats[index] */
    struct gw_logring *log; /* ours */
    int log_wake_fd;        /* eventfd the master reads when it sleeps on the log */
    int channel_fd;         /* SOCK_SEQPACKET to the master */
    struct gw_worker_listener listeners[GW_MAX_LISTENERS];
    unsigned listener_count;
};

/* Runs to the end and returns the process's exit code (gw_exit). Logs its own failures. */
int gw_worker_run(const struct gw_worker_env *env);
