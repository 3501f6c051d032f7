/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library context that everything in this folder uses: made once in a process, shared by all
 * TLS contexts, freed with the last. It reads no openssl.cnf. It uses the gateway's own algorithms
 * (gateway/crypto), or libcrypto's alone if that is requested or ours fail their self-test.
 */
#pragma once

#include "gateway/config/config.h"

#include <openssl/types.h>
#include <stdbool.h>

/* Call before anything else of libssl or libcrypto, so that nothing in this process reads an
 * openssl.cnf, which may name code to load. False when out of memory. */
bool gw_tls_library_begin(void);

enum {
    GW_LIBRARY_TEXT_MAX = 256
};

/* Sets the algorithms of the context that is made next; GW_CRYPTO_AUTO by default. Call it only
 * while no reference exists, or with the same value. Children of a fork inherit it. */
void gw_tls_library_use(enum gw_crypto crypto);

/* Disables the gateway's own algorithms. `why` is a phrase that is copied. Like gw_tls_library_use,
 * call it only while no reference exists. */
void gw_tls_library_refuse(const char *why);

/* Takes a reference, and makes the context if there is none. NULL on failure. Callable from any
 * thread. */
OSSL_LIB_CTX *gw_tls_library_get(void);
/* Why the last gw_tls_library_get returned NULL: a sentence, never "". */
const char *gw_tls_library_trouble(void);
/* Releases a reference. */
void gw_tls_library_put(void);

/* While a reference exists: whether the gateway's own algorithms are in use. */
bool gw_tls_library_is_ours(void);
/* Describes the algorithms of handshakes, and why not ours: "libcrypto alone, as --crypto library
 * asks". Returns whether they are as requested. */
bool gw_tls_library_describe(char text[GW_LIBRARY_TEXT_MAX]);
