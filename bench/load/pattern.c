/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/pattern.h"

#include "gateway/base/attr.h"

#include <string.h>

static uint8_t bytes[BENCH_PATTERN_PERIOD + BENCH_PATTERN_RUN];

void bench_pattern_init(void)
{
    uint32_t state = 0x9e3779b9;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i >= BENCH_PATTERN_PERIOD) {
            bytes[i] = bytes[i - BENCH_PATTERN_PERIOD];
            continue;
        }
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes[i] = (uint8_t)(state >> 11);
    }
}

const uint8_t *bench_pattern_at(uint64_t position)
{
    return bytes + position % BENCH_PATTERN_PERIOD;
}

bool bench_pattern_matches(uint64_t position, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t n = GW_MIN(len, (size_t)BENCH_PATTERN_RUN);
        if (memcmp(data, bench_pattern_at(position), n) != 0)
            return false;
        position += n;
        data += n;
        len -= n;
    }
    return true;
}
