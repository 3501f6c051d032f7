/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 (RFC 7748) as a key encapsulation: the ephemeral key and the shared secret of a server in
 * one step. Otherwise libssl generates a key, derives with it, and looks up the algorithms four
 * times. On the wire nothing differs: the ciphertext is the server's public key.
 *
 * TLS 1.2, and a client, still generate keys and exchange them. All keys come from one stock
 * (x25519_stock.h), since libcrypto's own generation is slow. Where the processor has lanes for it
 * (x25519_lanes.h), all secrets are computed there; elsewhere libcrypto computes them.
 *
 * Everything below is for the provider only.
 */
#pragma once

#include <openssl/core.h>

/* Takes the required functions from the default provider's algorithms. Returns NULL, or what is
 * missing. */
const char *gw_x25519_begin(const OSSL_PROVIDER *whole);
/* The key management to use in place of the default provider's. */
const OSSL_DISPATCH *gw_x25519_keys(void);
/* The key exchange to use: ours if it is faster, else the default provider's own. */
const OSSL_DISPATCH *gw_x25519_exchange(void);
/* A row for a provider's list of encapsulations. */
extern const OSSL_ALGORITHM gw_x25519_kem;
/* Passes on a capability of the default provider, with this group as an encapsulation. */
int gw_x25519_capability(const OSSL_PARAM params[], OSSL_CALLBACK *callback, void *arg);
