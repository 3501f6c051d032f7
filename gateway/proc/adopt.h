/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker adopts new files: a thread beside the loop makes terms of them, the loop exchanges the
 * pointers between two turns, and another thread frees the old terms once no handshake holds them.
 * A thousand certificates take a good part of a second; traffic goes on meanwhile.
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
    int files_fd; /* being loaded; -1: none */
    int64_t number;
    int next_fd; /* came meanwhile; -1: none */
    int64_t next_number;
    int result;
    struct gw_error err;
    struct gw_termset fresh; /* being made, or being freed */
    struct gw_list old;      /* sets that handshakes may still hold */
    int64_t due_ns;          /* when to look after those; 0: there are none */
};

/* Nothing is adopted yet. Returns 0 or negative errno. */
gw_must_check int gw_adopt_init(struct gw_adopt *a, const struct gw_config *config,
                                struct gw_ticket_keys *tickets);
/* Waits for the thread; frees what is still held, so no handshake may be alive. */
void gw_adopt_done(struct gw_adopt *a);

/* Without a thread, for a worker that begins. `files_fd` stays the caller's. Returns 0; negative
 * errno with *err filled. */
gw_must_check int gw_adopt_now(struct gw_termset *ret, const struct gw_config *config,
                               struct gw_ticket_keys *tickets, int files_fd, struct gw_error *err);

/* Begins with set `number`; owns files_fd from here. While another is being loaded it waits, and
 * takes the place of one that waited already. */
void gw_adopt_begin(struct gw_adopt *a, int files_fd, int64_t number);

enum gw_adopt_outcome {
    GW_ADOPT_NOTHING, /* no news */
    GW_ADOPT_CHANGED, /* *current is new: set *ret_number */
    GW_ADOPT_KEPT,    /* set *ret_number could not be loaded: a->err; *current is as it was */
};

/* When done_fd is readable. Exchanges *current, if all went well, and goes on with what waits. */
enum gw_adopt_outcome gw_adopt_take(struct gw_adopt *a, struct gw_termset *current, int64_t now_ns,
                                    int64_t *ret_number);

/* At due_ns: frees what nobody holds any more. */
void gw_adopt_bury(struct gw_adopt *a, int64_t now_ns);
