/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: a process that reads the files again on the master's request, checks them as a start
 * would, and hands over what it read. So neither the master nor a worker waits for a disk or fails
 * on a broken file. It has no rights of its own: where --user removes the gateway's right to read a
 * key, the opener opens the files for it. It communicates only with the master and the opener.
 */
#pragma once

#include "gateway/proc/heritage.h"

#include <sys/types.h>

struct gw_loader {
    pid_t pid;      /* 0: not running */
    int channel_fd; /* -1: none */
};

enum gw_loader_result {
    GW_LOADER_FRESH,  /* the files are good and differ from those before */
    GW_LOADER_SAME,   /* they are good and unchanged */
    GW_LOADER_BROKEN, /* they have an error */
    GW_LOADER_LOST,   /* like FRESH, but the set was lost: no descriptor was free for it */
};

struct gw_loader_answer {
    enum gw_loader_result result;
    int files_fd;            /* FRESH: the sealed set, owned by the caller; else -1 */
    char text[512];          /* BROKEN: the error, its place and the remedy */
    struct gw_expiry expiry; /* FRESH: the new set's expiries */
};

/* The files in force, which a loader compares with and falls back on. */
struct gw_loader_base {
    /* the files read at start, of which the loader keeps a copy; NULL: use `fd` */
    struct gw_files *files;
    int fd; /* sealed files, for a loader started later; stays the caller's */
};

/* Starts the loader. `opener_fd` comes from struct gw_opener. Returns 0, or a negative errno with
 * *err filled. */
gw_must_check int gw_loader_start(struct gw_loader *l, const struct gw_heritage *h,
                                  const struct gw_loader_base *base, int opener_fd,
                                  struct gw_error *err);

/* Flags of a request to the loader, in any combination. */
enum gw_loader_manner {
    /* hand over good files even if they are unchanged: the response is FRESH */
    GW_LOADER_ANYWAY = 1,
    GW_LOADER_ALOUD = 2, /* log warnings about them even if they are unchanged */
    GW_LOADER_MANNERS = 4,
};

/* Sends a request; at most one at a time. 0 or a negative errno. */
gw_must_check int gw_loader_ask(struct gw_loader *l, unsigned manner);

/* 1: *ret is the response; 0: the loader is gone; negative errno, -EAGAIN when there is none
 * yet. */
gw_must_check int gw_loader_take(struct gw_loader *l, struct gw_loader_answer *ret);

/* Closes the channel, which ends the loader. */
void gw_loader_stop(struct gw_loader *l);
