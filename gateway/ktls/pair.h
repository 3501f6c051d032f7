/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench on which a kernel is tried: one loopback TCP connection whose far end runs its records
 * in the kernel and whose near end is plain TCP in our hand, where records are sealed and opened
 * with libcrypto. So each direction is proven by itself, and a kernel that is wrong the same way
 * both times does not pass.
 *
 * No call waits beyond the pair's time limit, counted from ktls_pair_connect and again from
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
    struct ktls_keys to_far; /* of the records sealed here */
    struct ktls_keys from_far;
    size_t sealed; /* bytes in `out`, not sent yet */
    uint8_t out[KTLS_PAIR_ROOM];
    uint8_t in[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
    uint8_t plain[KTLS_SOFT_PLAIN_MAX + KTLS_SOFT_OVERHEAD];
};

/* Connects over 127.0.0.1, or ::1 where there is none; both ends non-blocking. Fills *pair; it must
 * be closed also on failure. Returns 0 or a negative errno of the sockets. */
int ktls_pair_connect(struct ktls_pair *pair);
/* Closes both ends, without TIME_WAIT, and wipes the keys. */
void ktls_pair_close(struct ktls_pair *pair);

/* Derives fixed keys of the suite, for both directions. Returns 0 or as ktls_derive_…. */
int ktls_pair_derive(struct ktls_pair *pair, const struct ktls_suite *suite);

/* The same, then attaches the far end and installs the given directions there (a
 * sum of enum ktls_direction). Returns 0 or what ktls_attach or ktls_install return. */
int ktls_pair_start(struct ktls_pair *pair, const struct ktls_suite *suite, unsigned directions);

/* Appends a sealed record to what the next flush sends. Returns 0 or as ktls_soft_seal; -ENOBUFS.
 */
int ktls_pair_seal(struct ktls_pair *pair, uint8_t type, const void *data, size_t len, size_t pad);
/* Sends what was sealed. 0 or negative errno. */
int ktls_pair_flush(struct ktls_pair *pair);
/* Waits until the far end's TCP has acknowledged it all: at once after a connection's first bytes,
 * up to 40 ms later on. 0 or negative errno. */
int ktls_pair_settle(const struct ktls_pair *pair);
/* Reads one record off the wire and compares. 0; -EBADMSG (it cannot be opened with these keys, or
 * says something else); other negative errno. */
int ktls_pair_expect(struct ktls_pair *pair, uint8_t type, const void *data, size_t len);

/* Sends application data at the far end. 0 or negative errno. */
int ktls_pair_far_send(struct ktls_pair *pair, const void *data, size_t len);
/* One recvmsg(2) at the far end that brought something. Returns its length or negative errno. */
ssize_t ktls_pair_far_recv(struct ktls_pair *pair, void *data, size_t len, uint8_t *ret_type);
/* Receives exactly this at the far end, in records of that type. 0; -EBADMSG; negative errno. */
int ktls_pair_far_expect(struct ktls_pair *pair, uint8_t type, const void *data, size_t len);

/* Waits until poll(2) reports `events` on fd. 0, -ETIMEDOUT or another negative errno. */
int ktls_pair_wait(const struct ktls_pair *pair, int fd, short events);
