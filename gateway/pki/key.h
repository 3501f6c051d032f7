/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: making them, writing and reading PEM (PKCS #8). */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/pki.h"
#include "gateway/pki/text.h"

#include <openssl/types.h>

/* `ecdsa-p256` …; NULL past the last. */
const char *gw_pki_key_word(enum gw_pki_key_type type);

/* A new key, freed by the caller. Returns 0; -EIO with *err filled. */
gw_must_check int gw_pki_key_make(EVP_PKEY **ret, enum gw_pki_key_type type, OSSL_LIB_CTX *library,
                                  struct gw_error *err);

/* Appends a key to a text, which may be zeroed. `pass`: encrypts it (scrypt, AES-256); NULL: does
 * not. */
gw_must_check int gw_pki_key_write(struct gw_pki_text *ret, EVP_PKEY *key, const char *pass,
                                   OSSL_LIB_CTX *library, struct gw_error *err);
/* Reads a key. `file` is its name for errors. With `pass` NULL an encrypted key is refused. */
gw_must_check int gw_pki_key_read(EVP_PKEY **ret, const struct gw_pki_text *text, const char *pass,
                                  const char *file, OSSL_LIB_CTX *library, struct gw_error *err);

/* Makes an error of GW_EXIT_OTHER from libcrypto's error queue: "cannot WHAT: …". */
int gw_pki_key_error(const char *what, struct gw_error *err);
