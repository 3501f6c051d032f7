/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derivations of kdf.h by libcrypto's TLS13-KDF and TLS1-PRF. Record keys are derived so while
 * libcrypto alone computes, so that a fault in our own derivations breaks no connection then.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/crypto/hmac.h"

#include <openssl/types.h>
#include <stdbool.h>

/* From now on gw_kdf_library_is_used() and the functions below derive in `library`. False: it has
 * no TLS13-KDF or no TLS1-PRF, or memory ran out; then nothing changes. Not while another thread
 * derives. */
gw_must_check bool gw_kdf_library_begin(OSSL_LIB_CTX *library);
/* Before `library` is freed. Harmless where nothing was begun. */
void gw_kdf_library_end(void);

/* Whether libcrypto derives. */
bool gw_kdf_library_is_used(void);

/* As gw_kdf_expand_label, gw_kdf_prf. Returns 0 or -EINVAL (libcrypto refuses the lengths, or has
 * no memory; then `out` is undefined). Any thread, between begin and end. */
int gw_kdf_library_expand_label(enum gw_hash hash, const uint8_t *secret, size_t secret_len,
                                const char *label, const uint8_t *context, size_t context_len,
                                uint8_t *out, size_t out_len);
int gw_kdf_library_prf(enum gw_hash hash, const uint8_t *secret, size_t secret_len,
                       const char *label, const uint8_t *seed_a, size_t seed_a_len,
                       const uint8_t *seed_b, size_t seed_b_len, uint8_t *out, size_t out_len);
