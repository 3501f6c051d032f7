/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: a process that reads the files again when the master asks, checks them as a start
 * would, and hands over what it has read. So neither the master nor a worker waits for a disk or
 * trips over a broken file. It has no rights of its own: where --user takes the right to read a key
 * from the gateway, the opener opens the files for it. It talks to nobody but the master and that.
 */
#pragma once

#include "gateway/proc/heritage.h"

#include <sys/types.h>

struct gw_loader {
    pid_t pid;      /* 0: it does not run */
    int channel_fd; /* -1: none */
};

enum gw_loader_result {
    GW_LOADER_FRESH,  /* the files are good and differ from those before */
    GW_LOADER_SAME,   /* they are good, and as before */
    GW_LOADER_BROKEN, /* something is wrong with them */
    GW_LOADER_LOST,   /* as FRESH, but the set did not get here: no descriptor was free for it */
};

struct gw_loader_answer {
    enum gw_loader_result result;
    int files_fd;            /* FRESH: sealed, the caller's; else -1 */
    char text[512];          /* BROKEN: what, where, what to do */
    struct gw_expiry expiry; /* FRESH: of the new set */
};

/* What is in force, against which a loader compares, and on which it falls back. */
struct gw_loader_base {
    struct gw_files *files; /* what the start has read; a copy stays in the loader. NULL: `fd` */
    int fd;                 /* the same sealed, for one that comes later; stays the caller's */
};

/* Starts it. `opener_fd` is that of struct gw_opener. Returns 0; negative errno with *err filled.
 */
gw_must_check int gw_loader_start(struct gw_loader *l, const struct gw_heritage *h,
                                  const struct gw_loader_base *base, int opener_fd,
                                  struct gw_error *err);

/* How it is asked to look at the files; any of them. */
enum gw_loader_manner {
    GW_LOADER_ANYWAY = 1, /* for good ones even if they are as before: the answer is FRESH then */
    GW_LOADER_ALOUD = 2,  /* it warns of them even if they are as before */
    GW_LOADER_MANNERS = 4,
};

/* One question at a time. 0 or negative errno. */
gw_must_check int gw_loader_ask(struct gw_loader *l, unsigned manner);

/* 1: *ret is its answer; 0: it is gone; negative errno, -EAGAIN when there is none yet. */
gw_must_check int gw_loader_take(struct gw_loader *l, struct gw_loader_answer *ret);

/* Closes the channel, at which the loader ends. */
void gw_loader_stop(struct gw_loader *l);
