/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEAD providers of the user engine, each a table of functions. libcrypto's EVP is always
 * available. Another provider is used if it is built in, the processor can run it, its results
 * equal EVP's and it measures faster. Everything works in place.
 */
#pragma once

#include "ktlsinstall.h"

#include "gateway/base/attr.h"

struct gw_aead; /* for one key and one direction */

struct gw_aead_provider {
    const char *name; /* as the probe and the log print it */
    bool (*supports)(enum ktls_cipher cipher);
    /* NULL when out of memory or the library refuses. */
    struct gw_aead *(*create)(enum ktls_cipher cipher, const uint8_t *key, bool seal);
    /* Replaces the key by another of the same cipher, without allocating. 0 or -EIO. */
    int (*rekey)(struct gw_aead *aead, const uint8_t *key);
    void (*destroy)(struct gw_aead *aead); /* wipes; NULL is allowed */
    /* Encrypts `len` bytes at `data` in place and writes the tag to data[len…len+15]. 0 or -EIO. */
    int (*seal)(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                size_t aad_len, uint8_t *data, size_t len);
    /* Decrypts in place; the tag is at data[len…len+15]. 0; -EBADMSG: wrong tag, and the data is
     * then useless. */
    int (*open)(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                size_t aad_len, uint8_t *data, size_t len);
};

/* ---- the choice ---- */

enum {
    GW_AEAD_PROVIDERS = 2, /* per cipher */
    GW_AEAD_TEXT_MAX = 512,
};

/* The results of gw_aead_init for a provider and a cipher. */
struct gw_aead_figure {
    int error;         /* 0: it works; a negative errno: it is not used; see gw_aead_why */
    uint64_t full_ns;  /* time to seal and open a record of 16 KiB, in the best round */
    uint64_t small_ns; /* time for a record of 256 bytes */
};

/* Sets up, tests and times all providers. Call it once per process, before the fork, so that
 * workers share the results. Takes some milliseconds; later calls do nothing. 0 or -EIO. */
gw_must_check int gw_aead_init(void);
/* The provider to use for a cipher. Call gw_aead_init first. Never NULL. */
const struct gw_aead_provider *gw_aead_choose(enum ktls_cipher cipher);
/* The providers of a cipher, by index; NULL at the end. Call gw_aead_init first. */
const struct gw_aead_provider *gw_aead_at(enum ktls_cipher cipher, size_t index,
                                          struct gw_aead_figure *ret_figure);

const char *gw_aead_why(int error);
/* Throughput of payload in full records, sealed or opened. 0: not measured. */
uint64_t gw_aead_mb_per_s(const struct gw_aead_figure *figure);
/* One line for the log: each cipher, its provider and the figures. */
void gw_aead_describe(char ret_text[GW_AEAD_TEXT_MAX]);
