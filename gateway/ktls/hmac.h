/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC (RFC 2104) with the hashes of TLS, on libcrypto's bare compression functions. A handshake
 * takes some twenty of them over a few bytes each; through EVP every one would fetch a MAC and a
 * digest under locks, allocate both and cost ten times as much as the hashing.
 */
#pragma once

#include "ktlsinstall.h"

#include <openssl/sha.h>

union ktls_hash_state {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
};

/* One in progress; it tells of the key, so whoever gives it up wipes it. Copied, it goes on twice.
 */
struct ktls_hmac_run {
    enum ktls_hash hash;
    union ktls_hash_state inner, outer;
};

/* Any lengths. */
void ktls_hmac_begin(struct ktls_hmac_run *run, enum ktls_hash hash, const uint8_t *key,
                     size_t key_len);
void ktls_hmac_add(struct ktls_hmac_run *run, const uint8_t *data, size_t len);
/* Writes ktls_hash_len(hash) bytes, and wipes the run. */
void ktls_hmac_end(struct ktls_hmac_run *run, uint8_t out[KTLS_HASH_MAX]);

/* All of it at once. */
void ktls_hmac(enum ktls_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data,
               size_t len, uint8_t out[KTLS_HASH_MAX]);
/* The hash itself. */
void ktls_hash(enum ktls_hash hash, const uint8_t *data, size_t len, uint8_t out[KTLS_HASH_MAX]);
