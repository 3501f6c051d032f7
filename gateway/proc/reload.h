/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master's part in a reload: when (HUP, --reload-interval), asking the loader, spreading what
 * it has read to the workers, and telling what came of it. Connections and workers stay.
 */
#pragma once

#include "gateway/proc/loader.h"
#include "gateway/proc/opener.h"

struct gw_reload {
    struct gw_heritage *h;
    struct gw_opener opener;
    struct gw_loader loader;
    int first_fd;         /* what the start has read, sealed; -1 once h->files_fd is in force */
    bool asked;           /* the loader is at it */
    bool by_signal;       /* … because somebody wants to know */
    bool again;           /* HUP came meanwhile */
    int64_t asked_ns;     /* when */
    int64_t due_ns;       /* of --reload-interval; INT64_MAX: never */
    int64_t number;       /* of the newest set; 0: what the start has read */
    unsigned outstanding; /* workers that have not answered to it */
    bool behind;          /* a worker could not load it, or we could not take it */
    char last_error[512]; /* told last, so that the interval does not tell it over and over */
};

/* Starts the opener: before rights are given up and before a key is read. Returns 0; negative errno
 * with *err filled. */
gw_must_check int gw_reload_init(struct gw_reload *r, struct gw_heritage *h, struct gw_error *err);
/* Starts the loader, which takes over h->files. Returns 0; negative errno with *err filled. */
gw_must_check int gw_reload_start(struct gw_reload *r, struct gw_error *err);
/* Stops both. A zeroed one is allowed. */
void gw_reload_done(struct gw_reload *r);

/* From when on the interval counts. */
void gw_reload_begin(struct gw_reload *r, int64_t now_ns);
/* HUP. */
void gw_reload_hup(struct gw_reload *r, int64_t now_ns);
/* At due_ns. */
void gw_reload_due(struct gw_reload *r, int64_t now_ns);

/* The descriptor whose input wakes gw_reload_take; -1: none. */
static inline int gw_reload_fd(const struct gw_reload *r)
{
    return r->loader.channel_fd;
}
/* The loader's answer. True: there are new files, h->files_fd, to be sent to `workers` workers. */
bool gw_reload_take(struct gw_reload *r, unsigned workers, int64_t now_ns);

/* A worker's answer to set `number`; also the death of one that owes it (`adopted`: the next one
 * will begin with the newest). */
void gw_reload_answered(struct gw_reload *r, int64_t number, bool adopted, int64_t now_ns);

/* A child has ended; perhaps one of those two. The next question starts another loader. */
void gw_reload_reap(struct gw_reload *r, int64_t now_ns);
