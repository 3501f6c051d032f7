/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's servers as child processes: each has a folder of its own with a configuration that
 * the test writes, and a listening socket that it inherits, in whose backlog connections wait until
 * it is ready; or, where it can inherit none, a Unix socket in its folder.
 */
#pragma once

#include "tests/integration/logbook.h"
#include "tests/support/folder.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct foreign;

enum {
    FOREIGN_ARGS = 16
};

struct foreign_kind {
    const char *program;            /* path */
    const char *args[FOREIGN_ARGS]; /* run in its folder, whose path stands for a leading '@' */
    const char *ready; /* what it says once its Unix socket listens; NULL: it inherits one */
    void (*configure)(FILE *out, const struct foreign *f); /* writes the file `config` */
};

struct foreign {
    const struct foreign_kind *kind;
    pid_t pid;
    uint16_t port;   /* its port on 127.0.0.1 */
    int listener;    /* its listening descriptor */
    uint16_t target; /* where it is to connect to; 0: nowhere */
    char folder[FOLDER_MAX];
    char path[FOLDER_MAX + 8]; /* of its Unix socket; "": none */
    struct logbook log;
};

/* Starts it, or ends the test as skipped when it is not installed. */
void foreign_start(struct foreign *f, const struct foreign_kind *kind, uint16_t target);
/* Kills it, with its children, and removes its folder. Twice is harmless. */
void foreign_stop(struct foreign *f);
/* A connection to it, not blocking; asserts. */
int foreign_connect(const struct foreign *f);
