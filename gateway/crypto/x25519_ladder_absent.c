/* SPDX-License-Identifier: Apache-2.0 */
/* A build in which libcrypto computes the secrets (meson option x25519_ifma). */
#include "gateway/base/attr.h"
#include "gateway/crypto/x25519_lanes.h"

const bool gw_x25519_ladder_is_built = false;

bool gw_x25519_lanes_secret(uint8_t ret_secret[GW_X25519_KEY_LEN],
                            const uint8_t private[GW_X25519_KEY_LEN],
                            const uint8_t public[GW_X25519_KEY_LEN])
{
    (void)ret_secret, (void)private, (void)public;
    gw_require(gw_x25519_ladder_is_built);
    return false;
}
