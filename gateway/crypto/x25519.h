/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 (RFC 7748) as a key encapsulation: the ephemeral key and the shared secret of a server in
 * one step, where libssl else makes a key, derives with it, and looks up what both are for four
 * times. On the wire nothing differs: the ciphertext is the server's public key.
 *
 * TLS 1.2, and a client, go on to generate keys and to exchange them. All keys come from one stock
 * (x25519_stock.h), as libcrypto's own generation is slow; and where the processor has lanes for it
 * (x25519_lanes.h), all secrets are made there. Elsewhere libcrypto makes them.
 *
 * All below is for the provider alone.
 */
#pragma once

#include <openssl/core.h>

/* Takes what it needs from the default provider's algorithms. Returns NULL, or what they lack. */
const char *gw_x25519_begin(const OSSL_PROVIDER *whole);
/* Those of its key management, in the place of the default provider's. */
const OSSL_DISPATCH *gw_x25519_keys(void);
/* Those of its key exchange: ours where that is faster, else the default provider's own. */
const OSSL_DISPATCH *gw_x25519_exchange(void);
/* A row for the encapsulations of a provider. */
extern const OSSL_ALGORITHM gw_x25519_kem;
/* Hands a capability of the default provider on, this group as an encapsulation. */
int gw_x25519_capability(const OSSL_PARAM params[], OSSL_CALLBACK *callback, void *arg);
