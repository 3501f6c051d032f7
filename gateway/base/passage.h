/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages between two processes over a SOCK_SEQPACKET pair, optionally with a descriptor
 * (unix(7), SCM_RIGHTS). Nothing here blocks or raises a signal. */
#pragma once

#include "gateway/base/attr.h"

#include <sys/types.h>

enum {
    GW_PASSAGE_LOST = -2
};

/* `passed` stays the caller's; -1: none. Returns 0 or a negative errno. */
gw_must_check int gw_passage_send(int fd, const void *data, size_t len, int passed);

/*
 * Returns the length of the next message, even if that exceeds `size`; 0: the other side is gone;
 * negative errno, -EAGAIN when there is none. *ret_fd is the descriptor of the message, now the
 * caller's; -1: it has none; GW_PASSAGE_LOST: the process has too many open descriptors. If ret_fd
 * is NULL the kernel closes it.
 */
gw_must_check ssize_t gw_passage_receive(int fd, void *data, size_t size, int *ret_fd);
