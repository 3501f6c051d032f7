/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals and opens single records in userspace, without optimization: for tickets, and for the other
 * side of each trial of the probe and the tests. Independent of the kernel's code and of the
 * gateway's user engine.
 */
#pragma once

#include "ktlsinstall.h"

enum {
    KTLS_SOFT_HEADER_LEN = 5,
    KTLS_SOFT_PLAIN_MAX = 16384,
    /* Header, explicit nonce, content type byte, tag. */
    KTLS_SOFT_OVERHEAD = KTLS_SOFT_HEADER_LEN + 8 + 1 + KTLS_TAG_LEN,
};

/*
 * Seals one record with keys->seq (TLS 1.2 AES-GCM: and keys->explicit_nonce) and advances them.
 * `pad` zero bytes follow the content (TLS 1.3 only). `out` must have room for len + pad +
 * KTLS_SOFT_OVERHEAD bytes. Returns the record's length; -EINVAL (too long, or padding in TLS 1.2);
 * -EIO (libcrypto failed).
 */
int ktls_soft_seal(struct ktls_keys *keys, uint8_t type, const void *data, size_t len, size_t pad,
                   uint8_t *out);

/*
 * Opens one whole record of `len` bytes with keys->seq and advances it. Removes the padding. `out`
 * must have room for `len` bytes. Returns the content's length; -EBADMSG (not a record, or one of
 * other keys or another sequence number; seq is then unchanged); -EIO (libcrypto failed).
 */
int ktls_soft_open(struct ktls_keys *keys, const uint8_t *record, size_t len, uint8_t *ret_type,
                   uint8_t *out);
