/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces aead_ipsec_mb*.c where the library is not available. */
#include "gateway/record/aead_ipsec_mb.h"

#include <errno.h>

static bool supports_nothing(enum ktls_cipher cipher)
{
    (void)cipher;
    return false;
}

int gw_aead_ipsec_mb_init(void)
{
    return -ENOSYS;
}

const struct gw_aead_provider gw_aead_ipsec_mb = {
    .name = "ipsec_mb",
    .supports = supports_nothing,
};
const struct gw_aead_provider gw_aead_ipsec_mb_chacha = {
    .name = "ipsec_mb",
    .supports = supports_nothing,
};
