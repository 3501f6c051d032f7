/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library context that everything in this folder uses: made once in a process, shared by all
 * TLS contexts, freed with the last. It reads no openssl.cnf. It computes with algorithms of our
 * own (gateway/crypto), or with libcrypto's alone where that is asked for or ours do not work.
 */
#pragma once

#include "gateway/config/config.h"

#include <openssl/types.h>
#include <stdbool.h>

/* Before anything else of libssl or libcrypto, so that nothing in this process ever reads an
 * openssl.cnf, which may name code to be loaded. False when out of memory. */
bool gw_tls_library_begin(void);

enum {
    GW_LIBRARY_TEXT_MAX = 256
};

/* What the context computes with when it is made next; GW_CRYPTO_AUTO at first. Only while there is
 * no reference, or to say the same again. Children of a fork inherit it. */
void gw_tls_library_use(enum gw_crypto crypto);

/* Our algorithms are not used any more, for that reason: a phrase that is copied. As above. */
void gw_tls_library_refuse(const char *why);

/* Takes a reference, making the context at first; NULL when that fails. Any thread. */
OSSL_LIB_CTX *gw_tls_library_get(void);
/* Why the last one was NULL: a sentence, never "". */
const char *gw_tls_library_trouble(void);
/* Gives a reference back. */
void gw_tls_library_put(void);

/* While there is a reference: whether our algorithms are among those it computes with. */
bool gw_tls_library_is_ours(void);
/* What handshakes are computed with, and why not with ours: "libcrypto alone, as --crypto library
 * asks". Returns whether that is what was asked for. */
bool gw_tls_library_tell(char text[GW_LIBRARY_TEXT_MAX]);
