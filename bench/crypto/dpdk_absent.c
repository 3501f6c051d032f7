/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces dpdk.c in a build without DPDK. */
#include "bench/crypto/dpdk.h"

unsigned bench_crypto_dpdk_providers(struct bench_crypto_provider *ret, unsigned room)
{
    gw_require(room >= 1);
    *ret = (struct bench_crypto_provider){
        .name = "DPDK", .absent = "this program was built without it (libdpdk-dev)"};
    return 1;
}

void bench_crypto_dpdk_end(void)
{
}
