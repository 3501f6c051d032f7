/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 (RFC 7748 5) in the lanes of AVX-512 with IFMA, which multiplies in all of them at once.
 * Private keys are independent of each other, so eight key pairs are made in less time than
 * libcrypto takes for one. A secret depends on a peer who is waiting: the four products of each
 * step to it are made side by side, and it takes six tenths of libcrypto's fastest. No branch and
 * no address depends on a private key or a secret.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_X25519_LANES = 8,
    GW_X25519_KEY_LEN = 32
};

/* Whether this build and the processor have what it takes, and make of the keys of RFC 7748 6.1
 * what stands there. gw_x25519_lanes_keys is only for where the first said so,
 * gw_x25519_lanes_secret for where the second did. */
bool gw_x25519_lanes_work(void);
bool gw_x25519_ladder_works(void);
/* Build and processor have what it takes, but make something else of those keys. */
bool gw_x25519_lanes_wrong(void);
/* Whether this build makes secrets: one with libcrypto_mb makes keys alone. */
extern const bool gw_x25519_ladder_is_built;
/* For the first two: whether build and processor have the lanes; readies them. */
bool gw_x25519_lanes_begin(void);
/* The public keys of eight private ones. Any 32 bytes are a private key; those of its bits that
 * RFC 7748 fixes are fixed here. */
void gw_x25519_lanes_keys(uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
                          const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN]);
/* The secret of a private key and the public one of a peer; any 32 bytes are one. False: it is
 * zero, as that of some public keys always is, and must not be used (RFC 8446 7.4.2, RFC 8422
 * 5.11). The caller wipes it. */
bool gw_x25519_lanes_secret(uint8_t ret_secret[GW_X25519_KEY_LEN],
                            const uint8_t private[GW_X25519_KEY_LEN],
                            const uint8_t public[GW_X25519_KEY_LEN]);
