/* SPDX-License-Identifier: Apache-2.0 */
/* The two key derivations of TLS, on HMAC alone (hmac.h). libktlsinstall includes them. */
#pragma once

#include "gateway/crypto/hmac.h"

enum {
    GW_KDF_SEED_MAX = 96,
    /* HkdfLabel: length, then label and context, each with a length byte */
    GW_KDF_INFO_MAX = 2 + 1 + 255 + 1 + 255
};

/* HKDF-Expand (RFC 5869 2.3). `out_len` is at most 255 times the hash length, `info_len` at most
 * GW_KDF_INFO_MAX. Returns 0 or -EINVAL (too long; nothing is written). */
int gw_kdf_expand(enum gw_hash hash, const uint8_t *key, size_t key_len, const uint8_t *info,
                  size_t info_len, uint8_t *out, size_t out_len);

/* HKDF-Expand-Label (RFC 8446 7.1) with a possibly empty context. `out_len` is at most 255 times
 * the hash length. Returns 0 or -EINVAL (too long; nothing is written). */
int gw_kdf_expand_label(enum gw_hash hash, const uint8_t *secret, size_t secret_len,
                        const char *label, const uint8_t *context, size_t context_len, uint8_t *out,
                        size_t out_len);

/* P_hash of the TLS 1.2 PRF (RFC 5246 5), whose seed begins with the label. Returns 0 or -EINVAL
 * (a seed of more than GW_KDF_SEED_MAX bytes). */
int gw_kdf_p_hash(enum gw_hash hash, const uint8_t *secret, size_t secret_len, const uint8_t *seed,
                  size_t seed_len, uint8_t *out, size_t out_len);
/* The PRF: P_hash(secret, label || seed_a || seed_b). Returns 0 or -EINVAL (the three together are
 * too long). */
int gw_kdf_prf(enum gw_hash hash, const uint8_t *secret, size_t secret_len, const char *label,
               const uint8_t *seed_a, size_t seed_a_len, const uint8_t *seed_b, size_t seed_b_len,
               uint8_t *out, size_t out_len);
