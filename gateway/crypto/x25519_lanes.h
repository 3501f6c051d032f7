/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 (RFC 7748 5) in the lanes of AVX-512 with IFMA, which multiplies in all of them at once.
 * Private keys are independent of each other, so eight key pairs take less time than libcrypto
 * needs for one. A secret depends on a waiting peer: the four products of each of its steps are
 * computed side by side, which takes six tenths of the time of libcrypto's fastest code. No branch
 * and no address depends on a private key or a secret.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_X25519_LANES = 8,
    GW_X25519_KEY_LEN = 32
};

/* Whether this build and the processor support the lanes, and compute the values of RFC 7748 6.1.
 * Call gw_x25519_lanes_keys only if the first is true, gw_x25519_lanes_secret only if the second
 * is. */
bool gw_x25519_lanes_work(void);
bool gw_x25519_ladder_works(void);
/* The build and the processor support the lanes, but they compute wrong values. */
bool gw_x25519_lanes_wrong(void);
/* Whether this build computes secrets: one with libcrypto_mb only makes keys. */
extern const bool gw_x25519_ladder_is_built;
/* For the functions above: initializes the lanes. False if build or processor lack them. */
bool gw_x25519_lanes_begin(void);
/* The public keys of eight private ones. Any 32 bytes are a private key; the bits that RFC 7748
 * fixes are set here. */
void gw_x25519_lanes_keys(uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
                          const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN]);
/* The secret of a private key and a peer's public key, which may be any 32 bytes. False: it is
 * zero, as always with some public keys, and must not be used (RFC 8446 7.4.2, RFC 8422 5.11). The
 * caller wipes it. */
bool gw_x25519_lanes_secret(uint8_t ret_secret[GW_X25519_KEY_LEN],
                            const uint8_t private[GW_X25519_KEY_LEN],
                            const uint8_t public[GW_X25519_KEY_LEN]);
