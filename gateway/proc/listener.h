/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets. The master opens them once, before it gives up its privileges, and keeps
 * them to the end. A worker inherits its share by fork, and so does the replacement of a dead
 * worker, with every connection that waited meanwhile.
 *
 * TCP: one SO_REUSEPORT socket per worker and address. `unix:`: one socket for all.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

#include <sys/types.h>

struct gw_listener {
    unsigned service;               /* index into config->services */
    char name[GW_ADDRESS_TEXT_MAX]; /* the real address, with the kernel's choice for port 0 */
    const char *path;               /* the path of a unix: socket, owned by the config; else NULL */
    dev_t device;                   /* identifies its file, with `inode` */
    ino_t inode;
    int *fds; /* fd_count non-blocking sockets; -1 once closed */
    unsigned fd_count;
};

struct gw_listeners {
    struct gw_listener rows[GW_MAX_LISTENERS];
    unsigned count;
};

/*
 * Opens every --listen address of every service. Refuses an address that another process listens
 * on, even another instance of ours, which SO_REUSEPORT would admit. Replaces a socket file that
 * nothing listens on. Returns 0; -EIO with *err filled (GW_EXIT_START), naming flag, address and
 * remedy; or -EINVAL (GW_EXIT_USAGE: too many addresses). On failure nothing stays open.
 */
gw_must_check int gw_listeners_open(struct gw_listeners *ret, const struct gw_config *config,
                                    struct gw_error *err);

/* The socket of a row for worker `worker`; -1 once closed. */
int gw_listener_fd(const struct gw_listener *row, unsigned worker);

/* Removes the socket files that are still our own, and closes this process's descriptors. May be
 * called twice. */
void gw_listeners_done(struct gw_listeners *l);
