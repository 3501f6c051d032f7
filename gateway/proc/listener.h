/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets: opened once by the master, before it gives up its privileges, and owned
 * by it to the end. A worker inherits its share by fork, and so does the one that takes a dead
 * worker's place, with every connection that waited meanwhile.
 *
 * TCP: one SO_REUSEPORT socket a worker and address. `unix:`: one socket for all.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

#include <sys/types.h>

struct gw_listener {
    unsigned service;               /* index into config->services */
    char name[GW_ADDRESS_TEXT_MAX]; /* the real address: port 0 is replaced by what was got */
    const char *path;               /* of a unix: socket, in the config; else NULL */
    dev_t device;                   /* which file that is */
    ino_t inode;
    int *fds; /* fd_count of them, non-blocking; -1 once closed */
    unsigned fd_count;
};

struct gw_listeners {
    struct gw_listener rows[GW_MAX_LISTENERS];
    unsigned count;
};

/*
 * Opens every --listen address of every service. An address that another process listens on is
 * refused, also when that is an instance of ours: SO_REUSEPORT would let both in. A socket file
 * that nobody answers on is replaced.
 * Returns 0; -EIO with *err filled (GW_EXIT_START), naming flag, address and what to do; or
 * -EINVAL (GW_EXIT_USAGE: too many addresses). On failure nothing stays open.
 */
gw_must_check int gw_listeners_open(struct gw_listeners *ret, const struct gw_config *config,
                                    struct gw_error *err);

/* The socket of a row that worker `worker` listens on; -1 once closed. */
int gw_listener_fd(const struct gw_listener *row, unsigned worker);

/* Removes the socket files that are still the ones made here and closes this process's copies.
 * Twice is harmless. */
void gw_listeners_done(struct gw_listeners *l);
