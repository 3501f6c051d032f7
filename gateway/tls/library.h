/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library context that everything in this folder uses: made once in a process, shared by all
 * TLS contexts, freed with the last. It reads no openssl.cnf.
 */
#pragma once

#include <openssl/types.h>

/* Takes a reference, making the context at first; NULL when out of memory. Any thread. */
OSSL_LIB_CTX *gw_tls_library_get(void);
/* Gives a reference back. */
void gw_tls_library_put(void);
