/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEAD providers of the user engine: one table of functions each. libcrypto's EVP is always there;
 * others (ipsec_mb) register a row of their own later. Everything works in place.
 */
#pragma once

#include "ktlsinstall.h"

#include "gateway/base/attr.h"

struct gw_aead; /* one key, one direction */

struct gw_aead_provider {
    const char *name; /* as `probe` and the log show it */
    bool (*supports)(enum ktls_cipher cipher);
    /* NULL when out of memory or the library refuses. */
    struct gw_aead *(*create)(enum ktls_cipher cipher, const uint8_t *key, bool seal);
    /* Another key of the same cipher in place, without allocating. 0 or -EIO. */
    int (*rekey)(struct gw_aead *aead, const uint8_t *key);
    void (*destroy)(struct gw_aead *aead); /* wipes; NULL is allowed */
    /* Encrypts `len` bytes at `data` in place and writes the tag to data[len…len+15]. 0 or -EIO. */
    int (*seal)(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                size_t aad_len, uint8_t *data, size_t len);
    /* Decrypts in place; the tag stands at data[len…len+15]. 0; -EBADMSG: wrong tag, and data is
     * then worthless. */
    int (*open)(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                size_t aad_len, uint8_t *data, size_t len);
};

/* The provider to use for a cipher; never NULL for the ciphers of ktls_suite_at(). */
const struct gw_aead_provider *gw_aead_choose(enum ktls_cipher cipher);
/* Fetches what is fetched once per process (so that workers share it); 0 or -EIO. */
gw_must_check int gw_aead_init(void);
