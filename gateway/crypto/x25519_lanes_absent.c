/* SPDX-License-Identifier: Apache-2.0 */
/* A processor other than x86-64, or a build without the lanes (meson option x25519_ifma). */
#include "gateway/base/attr.h"
#include "gateway/crypto/x25519_lanes.h"

bool gw_x25519_lanes_begin(void)
{
    return false;
}

void gw_x25519_lanes_keys(uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
                          const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    (void)ret_public, (void)private;
    gw_require(gw_x25519_lanes_begin());
}
