/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker adopts new files: a thread beside the loop makes terms from them, the loop exchanges the
 * pointers between two turns, and another thread frees the old terms once no handshake holds them.
 * A thousand certificates take a good part of a second; traffic continues meanwhile.
 */
#pragma once

#include "gateway/base/list.h"
#include "gateway/proc/termset.h"

#include <pthread.h>

enum gw_adopt_job {
    GW_ADOPT_IDLE,
    GW_ADOPT_LOAD,
    GW_ADOPT_BURY,
};

struct gw_adopt {
    const struct gw_config *config;
    struct gw_ticket_keys *tickets;
    int done_fd; /* eventfd, readable when the thread is done; -1 before init */
    enum gw_adopt_job job;
    pthread_t thread;
    int files_fd; /* the files being loaded; -1: none */
    int64_t number;
    int next_fd; /* the files to load next; -1: none */
    int64_t next_number;
    int result;
    struct gw_error err;
    struct gw_termset fresh; /* the set being made or freed */
    struct gw_list old;      /* sets that handshakes may still hold */
    int64_t due_ns;          /* when to check those; 0: there are none */
};

/* Initializes *a, with nothing to adopt. Returns 0 or a negative errno. */
gw_must_check int gw_adopt_init(struct gw_adopt *a, const struct gw_config *config,
                                struct gw_ticket_keys *tickets);
/* Waits for the thread and frees the sets that are still held, so no handshake may be alive. */
void gw_adopt_done(struct gw_adopt *a);

/* Loads without a thread, for a worker that starts. `files_fd` stays the caller's. Returns 0, or a
 * negative errno with *err filled. */
gw_must_check int gw_adopt_now(struct gw_termset *ret, const struct gw_config *config,
                               struct gw_ticket_keys *tickets, int files_fd, struct gw_error *err);

/* Starts to load set `number`. Takes ownership of files_fd. While another set is being loaded, this
 * one waits and replaces any that waited before. */
void gw_adopt_begin(struct gw_adopt *a, int files_fd, int64_t number);

enum gw_adopt_outcome {
    GW_ADOPT_NOTHING, /* nothing finished */
    GW_ADOPT_CHANGED, /* *current is new: set *ret_number */
    /* set *ret_number could not be loaded: a->err has the reason, *current is unchanged */
    GW_ADOPT_KEPT,
};

/* Call it when done_fd is readable. Exchanges *current on success, and starts the waiting load. */
enum gw_adopt_outcome gw_adopt_take(struct gw_adopt *a, struct gw_termset *current, int64_t now_ns,
                                    int64_t *ret_number);

/* Call it at due_ns: frees sets that are no longer held. */
void gw_adopt_bury(struct gw_adopt *a, int64_t now_ns);
