/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master's part of a reload: when (HUP, --reload-interval), the request to the loader, the
 * distribution of the files to the workers, and the log. Connections and workers continue.
 */
#pragma once

#include "gateway/proc/loader.h"
#include "gateway/proc/opener.h"

struct gw_reload {
    struct gw_heritage *h;
    struct gw_opener opener;
    struct gw_loader loader;
    int first_fd;         /* the sealed files of the start; -1 once h->files_fd is in force */
    bool asked;           /* a request is under way */
    bool by_signal;       /* it came from a signal, so its result is logged */
    bool again;           /* HUP came meanwhile */
    int64_t asked_ns;     /* when it was made */
    int64_t due_ns;       /* the next run of --reload-interval; INT64_MAX: never */
    int64_t number;       /* number of the newest set; 0: the files of the start */
    unsigned outstanding; /* workers that have not answered it */
    bool behind;          /* a worker failed to load it, or the master failed to receive it */
    char last_error[512]; /* logged last, so that the interval does not repeat it */
};

/* Starts the opener. Call it before rights are dropped and before a key is read. Returns 0, or a
 * negative errno with *err filled. */
gw_must_check int gw_reload_init(struct gw_reload *r, struct gw_heritage *h, struct gw_error *err);
/* Starts the loader, which takes over h->files. Returns 0, or a negative errno with *err filled. */
gw_must_check int gw_reload_start(struct gw_reload *r, struct gw_error *err);
/* Stops both. A zeroed object is allowed. */
void gw_reload_done(struct gw_reload *r);

/* Starts the interval. */
void gw_reload_begin(struct gw_reload *r, int64_t now_ns);
/* Handles HUP. */
void gw_reload_hup(struct gw_reload *r, int64_t now_ns);
/* Call it at due_ns. */
void gw_reload_due(struct gw_reload *r, int64_t now_ns);

/* The descriptor that is readable when gw_reload_take has work; -1: none. */
static inline int gw_reload_fd(const struct gw_reload *r)
{
    return r->loader.channel_fd;
}
/* Takes the loader's response. True: new files are in h->files_fd and must be sent to `workers`
 * workers. */
bool gw_reload_take(struct gw_reload *r, unsigned workers, int64_t now_ns);

/* Handles a worker's answer to set `number`, or the death of a worker that owes one (`adopted`: its
 * replacement will start with the newest). */
void gw_reload_answered(struct gw_reload *r, int64_t number, bool adopted, int64_t now_ns);

/* A child has ended, possibly the opener or the loader. The next request starts another loader. */
void gw_reload_reap(struct gw_reload *r, int64_t now_ns);
