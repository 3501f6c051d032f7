/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the key schedule that only libktlsinstall and its tests see. */
#pragma once

#include "ktlsinstall.h"

/*
 * The TLS 1.2 PRF (RFC 5246 5): P_hash(secret, label || seed_a || seed_b). `label` and both seeds
 * together are at most 96 bytes. Returns 0 or -EINVAL (too long).
 */
int ktls_tls12_prf(enum ktls_hash hash, const uint8_t *secret, size_t secret_len, const char *label,
                   const uint8_t *seed_a, size_t seed_a_len, const uint8_t *seed_b,
                   size_t seed_b_len, uint8_t *out, size_t out_len);
