/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/provider.h"

#include "bench/crypto/dpdk.h"
#include "bench/crypto/gateway.h"
#include "bench/crypto/kernel.h"

typedef unsigned add_fn(struct bench_crypto_provider *ret, unsigned room);

static add_fn *const kinds[] = {
    bench_crypto_gateway_providers,
    bench_crypto_dpdk_providers,
    bench_crypto_kernel_providers,
};

unsigned bench_crypto_providers_begin(struct bench_crypto_provider ret[BENCH_CRYPTO_PROVIDERS_MAX])
{
    unsigned count = 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(kinds); i++)
        count += kinds[i](ret + count, BENCH_CRYPTO_PROVIDERS_MAX - count);
    return count;
}

void bench_crypto_providers_end(void)
{
    bench_crypto_dpdk_end();
}
