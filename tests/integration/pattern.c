/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/pattern.h"

#include <string.h>

enum {
    BLOCK = 4096
};

/* The finalizer of SplitMix64: each of the 64 bits of `x` changes half of the result's. */
static uint64_t word_at(uint64_t seed, uint64_t index)
{
    uint64_t x = seed * UINT64_C(0xd1342543de82ef95) + index * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Part of one word: the bytes from `at` to the end of its word, or fewer. */
static size_t fill_part(uint8_t *out, size_t len, uint64_t seed, uint64_t at)
{
    uint64_t word = word_at(seed, at / 8);
    size_t skip = at % 8;
    size_t n = len < 8 - skip ? len : 8 - skip;
    memcpy(out, (uint8_t *)&word + skip, n);
    return n;
}

void pattern_fill(uint8_t *out, size_t len, uint64_t seed, uint64_t at)
{
    size_t done = 0;
    if (at % 8 && len)
        done = fill_part(out, len, seed, at);
    for (; len - done >= 8; done += 8) {
        uint64_t word = word_at(seed, (at + done) / 8);
        memcpy(out + done, &word, 8);
    }
    if (done < len)
        (void)fill_part(out + done, len - done, seed, at + done);
}

size_t pattern_match(const uint8_t *in, size_t len, uint64_t seed, uint64_t at)
{
    uint8_t want[BLOCK];
    for (size_t done = 0; done < len;) {
        size_t n = len - done < BLOCK ? len - done : BLOCK;
        pattern_fill(want, n, seed, at + done);
        if (memcmp(in + done, want, n)) {
            size_t i = 0;
            while (in[done + i] == want[i])
                i++;
            return done + i;
        }
        done += n;
    }
    return len;
}
