/* SPDX-License-Identifier: Apache-2.0 */
/* The chain that a ticket carries. Bytes that are accepted are exactly those that would be written.
 */
#include "gateway/base/attr.h"
#include "gateway/tls/chain.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_chain chain;
    uint8_t again[GW_CHAIN_BYTES_MAX];
    static const struct gw_chain absent;
    if (!gw_chain_decode(&chain, data, size)) {
        gw_require(memcmp(&chain, &absent, sizeof(chain)) == 0);
        return 0;
    }
    gw_require(chain.count <= GW_CHAIN_MAX && size <= sizeof(again));
    gw_require(gw_chain_encode(&chain, again) == size && memcmp(again, data, size) == 0);
    for (unsigned i = 0; i < chain.count; i++)
        gw_require(gw_serial_width(&chain.entries[i].serial) <= GW_SERIAL_BYTES_MAX);
    return 0;
}
