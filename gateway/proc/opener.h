/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opener: a process that keeps the right to read every file (CAP_DAC_READ_SEARCH) where
 * --user takes it from the gateway, and opens files for the loader, which has no right and parses
 * what is in them. It opens what the command line and the configuration file name, and nothing
 * else; it parses nothing, and holds no key, as it is made before the first one is read. It is
 * told where it is wanted by a socket that no worker has.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/base/files.h"
#include "gateway/config/config.h"

#include <sys/types.h>

struct gw_opener {
    pid_t pid; /* 0: it does not run */
    int fd;    /* where it is asked, for loaders to inherit; -1: nowhere */
};

/*
 * Starts it, before a file with a secret is read. Starts none where this process keeps its right to
 * read, or has none; the latter is logged where root may expect otherwise. Returns 0; negative
 * errno with *err filled.
 */
gw_must_check int gw_opener_start(struct gw_opener *o, const struct gw_config *config,
                                  struct gw_error *err);

/* Closes the socket; the opener ends when no loader has it either. */
void gw_opener_stop(struct gw_opener *o);

/* Whoever asks. */
struct gw_opener_asker {
    int fd;                  /* of struct gw_opener */
    const char *config_file; /* of the opener's configuration; NULL: none */
    uint32_t last;           /* number of the last question */
    bool silent;             /* it did not answer in time; to be cleared before a new attempt */
};

/*
 * Opens a path as gw_files_opener wants it, `arg` being a gw_opener_asker: by this process itself
 * where it may, else by asking. The opener is asked for the configuration file in any case, so that
 * it knows what is named there by now. -EACCES where neither may; -ETIMEDOUT where no answer comes
 * for ten seconds, and from then on at once.
 */
gw_must_check int gw_opener_ask(void *arg, const char *path);
