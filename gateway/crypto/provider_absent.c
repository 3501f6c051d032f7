/* SPDX-License-Identifier: Apache-2.0 */
/* A build without the gateway's own cryptography (meson option crypto_fast): libcrypto alone is
 * used. */
#include "gateway/crypto/provider.h"

#include <stdio.h>

bool gw_provider_is_built(void)
{
    return false;
}

struct gw_provider *gw_provider_new(OSSL_LIB_CTX *library, char why[GW_PROVIDER_WHY_MAX])
{
    (void)library;
    (void)snprintf(why, GW_PROVIDER_WHY_MAX, "this build has no other");
    return NULL;
}

void gw_provider_leave(struct gw_provider *p)
{
    (void)p;
}

void gw_provider_free(struct gw_provider *p)
{
    (void)p;
}

void gw_provider_watch(struct gw_traffic_secrets *secrets)
{
    (void)secrets;
}
