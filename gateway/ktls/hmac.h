/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC (RFC 2104) with the hashes of TLS, on libcrypto's bare compression functions. A handshake
 * takes some twenty of them over a few bytes each; through EVP every one would fetch a MAC and a
 * digest under locks, allocate both and cost ten times as much as the hashing.
 */
#pragma once

#include "ktlsinstall.h"

/* Any lengths. Writes ktls_hash_len(hash) bytes. */
void ktls_hmac(enum ktls_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data,
               size_t len, uint8_t out[KTLS_HASH_MAX]);
/* The hash itself. */
void ktls_hash(enum ktls_hash hash, const uint8_t *data, size_t len, uint8_t out[KTLS_HASH_MAX]);
