/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEAD providers of the user engine: one table of functions each. libcrypto's EVP is always there;
 * others are used where they are built in, the processor can run them, they do what EVP does and a
 * measurement finds them faster. Everything works in place.
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

/* ---- which one ---- */

enum {
    GW_AEAD_PROVIDERS = 2, /* for each cipher */
    GW_AEAD_TEXT_MAX = 512,
};

/* What gw_aead_init found out about a provider and a cipher. */
struct gw_aead_figure {
    int error;         /* 0: it works; a negative errno: it is not used, see gw_aead_why */
    uint64_t full_ns;  /* to seal and open a record of 16 KiB, in the best round */
    uint64_t small_ns; /* … of 256 bytes */
};

/* Sets up, tests and times all providers, once per process and before it forks: so that workers
 * share what comes of it. Takes some milliseconds; later calls do nothing. 0 or -EIO. */
gw_must_check int gw_aead_init(void);
/* The provider to use for a cipher, after gw_aead_init; never NULL. */
const struct gw_aead_provider *gw_aead_choose(enum ktls_cipher cipher);
/* Each provider of a cipher, after gw_aead_init; NULL at the end. */
const struct gw_aead_provider *gw_aead_at(enum ktls_cipher cipher, size_t index,
                                          struct gw_aead_figure *ret_figure);

const char *gw_aead_why(int error);
/* Payload in full records, sealed or opened; 0: not measured. */
uint64_t gw_aead_mb_per_s(const struct gw_aead_figure *figure);
/* One line for the log: each cipher, its provider and the figures. */
void gw_aead_tell(char ret_text[GW_AEAD_TEXT_MAX]);
