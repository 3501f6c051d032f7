/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test bench for a kernel: one loopback TCP connection. At the far end the kernel runs the
 * records. The near end is plain TCP, where libcrypto seals and opens records. So each direction is
 * tested on its own, and a kernel with the same fault in both directions does not pass.
 *
 * No call waits longer than the pair's time limit, which starts at ktls_pair_connect and again at
 * ktls_pair_start: -ETIMEDOUT.
 */
#pragma once

#include "gateway/ktls/softrecord.h"

#include <sys/types.h>

enum {
    KTLS_PAIR_LIMIT_MS = 500,
    KTLS_PAIR_ROOM = 3 * (KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD),
};

struct ktls_pair {
    int near;
    int far;
    int64_t deadline_ns;
    struct ktls_keys to_far; /* the keys of records sealed at the near end */
    struct ktls_keys from_far;
    size_t sealed; /* unsent bytes in `out` */
    uint8_t out[KTLS_PAIR_ROOM];
    uint8_t in[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
    uint8_t plain[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
};

/* Connects over 127.0.0.1, or ::1 if that is unavailable; both ends are non-blocking. Fills *pair,
 * which must be closed even on failure. Returns 0 or a negative errno of the sockets. */
int ktls_pair_connect(struct ktls_pair *pair);
/* Closes both ends, without TIME_WAIT, and wipes the keys. */
void ktls_pair_close(struct ktls_pair *pair);

/* Derives fixed keys of the suite for both directions. Returns 0, or an error of ktls_derive_…. */
int ktls_pair_derive(struct ktls_pair *pair, const struct ktls_suite *suite);

/* Like ktls_pair_derive; then attaches the far end and installs the given directions there (a sum
 * of enum ktls_direction). Returns 0, or an error of ktls_attach or ktls_install. */
int ktls_pair_start(struct ktls_pair *pair, const struct ktls_suite *suite, unsigned directions);

/* Appends a sealed record to the bytes of the next flush. Returns 0, an error of ktls_soft_seal, or
 * -ENOBUFS. */
int ktls_pair_seal(struct ktls_pair *pair, uint8_t type, const void *data, size_t len, size_t pad);
/* Sends the sealed bytes. 0 or a negative errno. */
int ktls_pair_flush(struct ktls_pair *pair);
/* Waits until the far end's TCP has acknowledged everything: immediately for a connection's first
 * bytes, within 40 ms later. 0 or a negative errno. */
int ktls_pair_settle(const struct ktls_pair *pair);
/* Reads one record from the wire and compares it. 0; -EBADMSG (these keys do not open it, or its
 * content differs); another negative errno. */
int ktls_pair_expect(struct ktls_pair *pair, uint8_t type, const void *data, size_t len);

/* Sends application data at the far end. 0 or a negative errno. */
int ktls_pair_far_send(struct ktls_pair *pair, const void *data, size_t len);
/* Makes one recvmsg(2) at the far end that returns data. Returns its length or a negative errno. */
ssize_t ktls_pair_far_recv(struct ktls_pair *pair, void *data, size_t len, uint8_t *ret_type);
/* Receives exactly this data at the far end, in records of that type. 0; -EBADMSG; another negative
 * errno. */
int ktls_pair_far_expect(struct ktls_pair *pair, uint8_t type, const void *data, size_t len);

/* Waits until poll(2) reports `events` on fd. 0, -ETIMEDOUT or another negative errno. */
int ktls_pair_wait(const struct ktls_pair *pair, int fd, short events);
