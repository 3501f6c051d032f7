/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC (RFC 2104) with the hashes of TLS, on libcrypto's bare compression functions. A handshake
 * takes some twenty of them over a few bytes each; through EVP every one would fetch a MAC and a
 * digest under locks, allocate both and cost ten times as much as the hashing.
 */
#pragma once

#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

enum gw_hash {
    GW_SHA256,
    GW_SHA384,
};

enum {
    GW_HASH_MAX = 48
};

/* Its length in bytes: 32 or 48. */
static inline size_t gw_hash_len(enum gw_hash hash)
{
    return hash == GW_SHA384 ? SHA384_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
}

union gw_hash_state {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
};

/* One in progress; it tells of the key, so whoever gives it up wipes it. Copied, it goes on twice.
 */
struct gw_hmac_run {
    enum gw_hash hash;
    union gw_hash_state inner, outer;
};

/* Any lengths. */
void gw_hmac_begin(struct gw_hmac_run *run, enum gw_hash hash, const uint8_t *key, size_t key_len);
void gw_hmac_add(struct gw_hmac_run *run, const uint8_t *data, size_t len);
/* Writes gw_hash_len(hash) bytes, and wipes the run. */
void gw_hmac_end(struct gw_hmac_run *run, uint8_t out[GW_HASH_MAX]);

/* All of it at once. */
void gw_hmac(enum gw_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
             uint8_t out[GW_HASH_MAX]);
/* The hash itself. */
void gw_hash(enum gw_hash hash, const uint8_t *data, size_t len, uint8_t out[GW_HASH_MAX]);
