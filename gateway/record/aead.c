/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/aead.h"

#include "gateway/record/aead_evp.h"

/* Best first; the last runs every cipher. */
static const struct gw_aead_provider *const providers[] = {
    &gw_aead_evp,
};

const struct gw_aead_provider *gw_aead_choose(enum ktls_cipher cipher)
{
    size_t last = GW_ARRAY_SIZE(providers) - 1;
    for (size_t i = 0; i < last; i++) {
        if (providers[i]->supports(cipher))
            return providers[i];
    }
    return providers[last];
}

int gw_aead_init(void)
{
    return gw_aead_evp_init();
}
