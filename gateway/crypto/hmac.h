/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC (RFC 2104) with the hashes of TLS, on libcrypto's bare compression functions. A handshake
 * computes some twenty, over a few bytes each. Through EVP each would fetch a MAC and a digest
 * under locks, allocate both and cost ten times as much as the hashing.
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

/* The length of the hash in bytes: 32 or 48. */
static inline size_t gw_hash_len(enum gw_hash hash)
{
    return hash == GW_SHA384 ? SHA384_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
}

union gw_hash_state {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
};

/* A computation in progress. It depends on the key: wipe it if it is abandoned. Copies continue
 * independently. */
struct gw_hmac_run {
    enum gw_hash hash;
    union gw_hash_state inner, outer;
};

/* Accepts any lengths. */
void gw_hmac_begin(struct gw_hmac_run *run, enum gw_hash hash, const uint8_t *key, size_t key_len);
void gw_hmac_add(struct gw_hmac_run *run, const uint8_t *data, size_t len);
/* Writes gw_hash_len(hash) bytes, and wipes the run. */
void gw_hmac_end(struct gw_hmac_run *run, uint8_t out[GW_HASH_MAX]);

/* Computes an HMAC in one call. */
void gw_hmac(enum gw_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
             uint8_t out[GW_HASH_MAX]);
/* Computes the hash itself. */
void gw_hash(enum gw_hash hash, const uint8_t *data, size_t len, uint8_t out[GW_HASH_MAX]);
