/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages between two processes over a SOCK_SEQPACKET pair, perhaps with a descriptor
 * (unix(7), SCM_RIGHTS). Nothing here blocks or raises a signal. */
#pragma once

#include "gateway/base/attr.h"

#include <sys/types.h>

enum {
    GW_PASSAGE_LOST = -2
};

/* `passed` stays the caller's; -1: none. 0 or negative errno. */
gw_must_check int gw_passage_send(int fd, const void *data, size_t len, int passed);

/*
 * The length of the next message, also when that is more than `size`; 0: the other side is gone;
 * negative errno, -EAGAIN when none is there. *ret_fd is the descriptor that came along, now the
 * caller's; -1 where none did; GW_PASSAGE_LOST where the process had no room for it, as it may have
 * no more open. Where ret_fd is NULL the kernel drops it.
 */
gw_must_check ssize_t gw_passage_receive(int fd, void *data, size_t size, int *ret_fd);
