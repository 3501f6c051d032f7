/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between master and worker over a SOCK_SEQPACKET pair: one struct of fixed size, and a
 * table of the messages that each side may send. End of file means that the other side is gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum gw_channel_kind {
    GW_CHANNEL_READY = 1, /* worker to master: now accepting */
    GW_CHANNEL_DRAIN,     /* master to worker: stop accepting, end within `value` nanoseconds */
    /* master to worker: load these files (with a descriptor); `value`: their number, which only
     * grows */
    GW_CHANNEL_FILES,
    GW_CHANNEL_ADOPTED, /* worker to master: set `value` is in force */
    GW_CHANNEL_KEPT,    /* worker to master: set `value` could not be loaded; the old one stays */
};

struct gw_channel_message {
    uint32_t kind;
    uint32_t zero;
    int64_t value;
};

/* Sends without blocking. 0 or a negative errno. */
int gw_channel_send(int fd, enum gw_channel_kind kind, int64_t value);
/* Like gw_channel_send, with a descriptor, which stays the caller's. */
int gw_channel_send_fd(int fd, enum gw_channel_kind kind, int64_t value, int passed);
/* 1: *ret is a well-formed message of a kind that the other side may send; 0: the other side is
 * gone; -EAGAIN: there is none; -EPROTO: malformed. `from_master`: the other side is the master. */
int gw_channel_receive(int fd, bool from_master, struct gw_channel_message *ret);
/* Receives from the master, for a receiver that takes descriptors. *ret_fd is then the caller's; -1
 * if the message has none, GW_PASSAGE_LOST if there was no room for it. */
int gw_channel_receive_fd(int fd, struct gw_channel_message *ret, int *ret_fd);
