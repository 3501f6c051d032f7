/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A double of the kernel's TLS on one socket, in the ways that the relay depends on
 * (kernel-notes/): what was accepted for sending may leave later; one receive returns data of many
 * records, or one control record with its type, or EIO where there is no room for the type; an
 * error of a record stays, and once on the socket too. Keys of TLS 1.3 can be changed or not. Where
 * they can, nothing is opened after a KeyUpdate until the next key is there, and even the KeyUpdate
 * itself is hidden from poll.
 */
#pragma once

#include "gateway/record/record.h"
#include "tests/model/queue.h"

#include <stdbool.h>
#include <sys/uio.h>

struct gw_fake_kernel {
    bool tx, rx;            /* has keys */
    bool rekeys;            /* they can be changed */
    bool wants_key;         /* a KeyUpdate was opened */
    struct gw_record rec;   /* the halves are used, each for itself */
    struct gw_queue staged; /* sealed, and TCP had no room for it yet */
    struct gw_queue plain;  /* what is left of the record at the head */
    bool head;              /* there is such a record */
    uint8_t type;           /* its content type */
    int failed;             /* negative errno of a record that was wrong, for ever */
    bool told;              /* a splice got that error: nothing more follows */
    bool sock_error;        /* the error is also pending for the next call on the socket */
};

/* 0; -EBUSY: the direction has keys already. */
int gw_fake_kernel_install(struct gw_fake_kernel *k, int direction, const struct ktls_keys *keys);
void gw_fake_kernel_done(struct gw_fake_kernel *k);
/* Seals `len` bytes of iov as records of `type` into `staged`. */
void gw_fake_kernel_send(struct gw_fake_kernel *k, const struct iovec *iov, size_t len,
                         uint8_t type);
/* At most `room` bytes into iov, of the records in `in`; ret_type may be NULL (no room for it).
 * -EAGAIN: no whole record there. */
int gw_fake_kernel_receive(struct gw_fake_kernel *k, struct gw_queue *in, const struct iovec *iov,
                           size_t room, uint8_t *ret_type);
/* splice(2): puts at most `room` bytes of one record into `out`; the rest is lost where the kernel
 * `loses`. 0: it was empty; -EINVAL: a control record, which stays. */
int gw_fake_kernel_splice(struct gw_fake_kernel *k, struct gw_queue *in, struct gw_queue *out,
                          size_t room, bool loses);
/* A receive would find something; as poll(2) says it since 6.12. */
bool gw_fake_kernel_readable(const struct gw_fake_kernel *k, const struct gw_queue *in);
