/* SPDX-License-Identifier: Apache-2.0 */
/* Keys by Intel's libcrypto_mb, in place of our own code (meson option x25519_ifma). Its secrets
 * are not used: 2021.12 computes other ones than RFC 7748 for public keys just below the prime, and
 * a single one is slower than libcrypto's. */
#include "gateway/base/attr.h"
#include "gateway/crypto/x25519_lanes.h"

#include <crypto_mb/cpu_features.h>
#include <crypto_mb/x25519.h>

#define GW_FE_LANES 8
#define GW_FE_FRAMES 8192 /* 3.3 KiB in 2021.12 */
#include "gateway/crypto/x25519_field.h"

bool gw_x25519_lanes_begin(void)
{
    return mbx_get_algo_info(MBX_ALGO_X25519) & MBX_WIDTH_MB8;
}

void gw_x25519_lanes_keys(uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
                          const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    int8u *to[GW_X25519_LANES];
    const int8u *from[GW_X25519_LANES];
    for (unsigned lane = 0; lane < GW_X25519_LANES; lane++) {
        to[lane] = ret_public[lane];
        from[lane] = private[lane];
    }
    /* it only fails for a NULL pointer */
    gw_require(mbx_x25519_public_key_mb8(to, from) == MBX_STATUS_OK);
    fe_wipe_traces();
}
