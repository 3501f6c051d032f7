/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one process, one thread, one io_uring, its own listeners and pools. It runs until the
 * master has it drain, or the control channel closes (the master died), which also makes it drain.
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
    int fd;           /* listening, non-blocking; the worker closes it when it drains */
    unsigned service; /* index into config->services */
};

/* Everything that a worker inherits from the master across fork. */
struct gw_worker_env {
    const struct gw_config *config;
    struct gw_termset set;          /* the terms loaded at start */
    int files_fd;                   /* newer files, to load before the first connection; -1: none */
    struct gw_ticket_keys *tickets; /* one table per service */
    const struct ktls_probe *ktls;  /* the features of the kernel engine */
    bool standing;                  /* standing receives work (gateway/ring/ring.h) */
    const struct gw_choice *choice; /* the measured choice of engines and relays */
    unsigned index;                 /* the worker's number, from 0 */
    unsigned worker_count;
    struct gw_stats *stats; /* the blocks of all worker_count workers; this one's is stats[index] */
    struct gw_logring *log; /* this worker's */
    int log_wake_fd;        /* eventfd that the master waits on while the log is empty */
    int channel_fd;         /* SOCK_SEQPACKET socket to the master */
    struct gw_worker_listener listeners[GW_MAX_LISTENERS];
    unsigned listener_count;
};

/* Runs to the end and returns the process's exit code (gw_exit). Logs its own failures. */
int gw_worker_run(const struct gw_worker_env *env);
