/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between master and worker over a SOCK_SEQPACKET pair: fixed size, one struct, and a
 * table of who may send what. End of file means that the other side is gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum gw_channel_kind {
    GW_CHANNEL_READY = 1, /* worker to master: accepting now */
    GW_CHANNEL_DRAIN,     /* master to worker: accept no more, end within `value` nanoseconds */
    GW_CHANNEL_FILES,     /* master to worker: load these (a descriptor comes along); `value`: their
                             number, rising */
    GW_CHANNEL_ADOPTED,   /* worker to master: number `value` is in force */
    GW_CHANNEL_KEPT,      /* worker to master: number `value` could not be loaded; the old stay */
};

struct gw_channel_message {
    uint32_t kind;
    uint32_t zero;
    int64_t value;
};

/* Sends without blocking; 0 or negative errno. */
int gw_channel_send(int fd, enum gw_channel_kind kind, int64_t value);
/* The same with a descriptor, which stays the caller's. */
int gw_channel_send_fd(int fd, enum gw_channel_kind kind, int64_t value, int passed);
/* 1: *ret is a well-formed message of a kind the other side may send; 0: the other side is gone;
 * -EAGAIN: none there; -EPROTO: malformed. `from_master`: who the other side is. */
int gw_channel_receive(int fd, bool from_master, struct gw_channel_message *ret);
/* The same from the master, for who takes descriptors: *ret_fd is the caller's then; -1 where the
 * message has none, GW_PASSAGE_LOST where it had one and there was no room for it. */
int gw_channel_receive_fd(int fd, struct gw_channel_message *ret, int *ret_fd);
