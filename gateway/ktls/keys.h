/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the key schedule that only libktlsinstall and its tests see. */
#pragma once

#include "ktlsinstall.h"

enum {
    KTLS_SEED_MAX = 96
};

/* P_hash of the TLS 1.2 PRF (RFC 5246 5), whose seed begins with the label. Returns 0 or -EINVAL
 * (a seed of more than KTLS_SEED_MAX bytes). */
int ktls_tls12_p_hash(enum ktls_hash hash, const uint8_t *secret, size_t secret_len,
                      const uint8_t *seed, size_t seed_len, uint8_t *out, size_t out_len);
/* The PRF: P_hash(secret, label || seed_a || seed_b). Returns 0 or -EINVAL (all three together are
 * too long). */
int ktls_tls12_prf(enum ktls_hash hash, const uint8_t *secret, size_t secret_len, const char *label,
                   const uint8_t *seed_a, size_t seed_a_len, const uint8_t *seed_b,
                   size_t seed_b_len, uint8_t *out, size_t out_len);
