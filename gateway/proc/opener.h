/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opener: a process that keeps the right to read every file (CAP_DAC_READ_SEARCH) where --user
 * removes it from the gateway. It opens files for the loader, which has no such right and parses
 * them. It opens only what the command line and the configuration file name. It parses nothing, and
 * holds no key, since it starts before the first one is read. Requests come by a socket that no
 * worker has.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"

#include <sys/types.h>

struct gw_opener {
    pid_t pid; /* 0: not running */
    int fd;    /* the end for requests, which loaders inherit; -1: none */
};

/*
 * Starts the opener, before a file with a secret is read. Does nothing where this process keeps its
 * right to read, or has none; logs the latter where root may expect otherwise. Returns 0, or a
 * negative errno with *err filled.
 */
gw_must_check int gw_opener_start(struct gw_opener *o, const struct gw_config *config,
                                  struct gw_error *err);

/* Closes the socket. The opener ends when no loader has it either. */
void gw_opener_stop(struct gw_opener *o);

/* The asking side. */
struct gw_opener_asker {
    int fd;                  /* of struct gw_opener */
    const char *config_file; /* the path of the opener's configuration file; NULL: none */
    uint32_t last;           /* number of the last question */
    bool silent;             /* it did not answer in time; cleared before a new attempt */
};

/*
 * A gw_files_opener, with a gw_opener_asker as `arg`: opens a path in this process if it may, else
 * by asking the opener. Always asks for the configuration file, so that the opener knows the paths
 * it names now. -EACCES if neither may; -ETIMEDOUT if no response comes for ten seconds, and
 * immediately from then on.
 */
gw_must_check int gw_opener_ask(void *arg, const char *path);
