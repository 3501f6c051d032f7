/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 (RFC 7748 5) of the base point for eight private keys at once, one in each lane of AVX-512
 * with IFMA: eight key pairs for not much more than what libcrypto takes for one. No branch and no
 * address depends on a key.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_X25519_LANES = 8,
    GW_X25519_KEY_LEN = 32
};

/* Whether this build and the processor have what it takes. */
bool gw_x25519_lanes_work(void);
/* Any 32 bytes are a private key; those of its bits that RFC 7748 fixes are fixed here. Only where
 * it works. */
void gw_x25519_lanes(uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
                     const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN]);
