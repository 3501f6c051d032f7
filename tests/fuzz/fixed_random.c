/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD: the one place that all library contexts ask */
#include "tests/fuzz/fixed_random.h"

#include "gateway/base/attr.h"

#include <openssl/rand.h>
#include <stdint.h>

static uint64_t state;

/* splitmix64 */
static int fill(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++) {
        uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        out[i] = (unsigned char)(z ^ z >> 31);
    }
    return 1;
}

static int status(void)
{
    return 1;
}

void fixed_random_start(void)
{
    static const RAND_METHOD method = {.bytes = fill, .pseudorand = fill, .status = status};
    state = 42;
    gw_require(RAND_set_rand_method(&method) == 1);
}
