/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crypto/x25519_limbs.h"

#include "gateway/base/wipe.h"

#include <string.h>

/* ---- bytes ---- */

void fe_from_bytes(uint64_t ret[FE_LIMBS], const uint8_t bytes[FE_BYTES])
{
    uint64_t w[FE_WORDS];
    memcpy(w, bytes, sizeof(w));
    ret[0] = w[0] & FE_LIMB_MASK;
    ret[1] = (w[0] >> 51 | w[1] << 13) & FE_LIMB_MASK;
    ret[2] = (w[1] >> 38 | w[2] << 26) & FE_LIMB_MASK;
    ret[3] = (w[2] >> 25 | w[3] << 39) & FE_LIMB_MASK;
    ret[4] = w[3] >> 12 & FE_LIMB_MASK;
}

/* First brings each limb below 2^51, then subtracts the prime if possible: adding 19 shows that by
 * a carry out of the last limb. */
static void reduce(uint64_t l[FE_LIMBS])
{
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < FE_LIMBS; i++) {
            uint64_t up = l[i] >> FE_LIMB_BITS;
            l[i] &= FE_LIMB_MASK;
            l[(i + 1) % FE_LIMBS] += i == FE_LIMBS - 1 ? 19 * up : up;
        }
    }
    uint64_t up = 19;
    for (int i = 0; i < FE_LIMBS; i++)
        up = (l[i] + up) >> FE_LIMB_BITS;
    up *= 19;
    for (int i = 0; i < FE_LIMBS; i++) {
        l[i] += up;
        up = l[i] >> FE_LIMB_BITS;
        l[i] &= FE_LIMB_MASK;
    }
}

void fe_to_bytes(uint8_t ret[FE_BYTES], const uint64_t l[FE_LIMBS])
{
    uint64_t r[FE_LIMBS];
    memcpy(r, l, sizeof(r));
    reduce(r);
    const uint64_t words[FE_WORDS] = {
        r[0] | r[1] << 51,
        r[1] >> 13 | r[2] << 38,
        r[2] >> 26 | r[3] << 25,
        r[3] >> 39 | r[4] << 12,
    };
    memcpy(ret, words, sizeof(words));
    gw_wipe_object(&r);
}

void fe_key_words(uint64_t ret[FE_WORDS], const uint8_t key[FE_BYTES])
{
    memcpy(ret, key, FE_BYTES);
    ret[0] &= ~7ULL;
    ret[FE_WORDS - 1] = (ret[FE_WORDS - 1] & ~(1ULL << 63)) | 1ULL << 62;
}

/* ---- arithmetic ---- */

typedef unsigned __int128 column;

/* Columns below 2^111, the last below 2^107. All carries of a round are computed at once: in a
 * chain each would wait for the previous one, and the next product for all. */
static inline void carry(uint64_t ret[FE_LIMBS], const column t[FE_LIMBS])
{
    uint64_t l[FE_LIMBS];
    l[0] = ((uint64_t)t[0] & FE_LIMB_MASK) + 19 * (uint64_t)(t[FE_LIMBS - 1] >> FE_LIMB_BITS);
    for (int i = 1; i < FE_LIMBS; i++)
        l[i] = ((uint64_t)t[i] & FE_LIMB_MASK) + (uint64_t)(t[i - 1] >> FE_LIMB_BITS);
    ret[0] = (l[0] & FE_LIMB_MASK) + 19 * (l[FE_LIMBS - 1] >> FE_LIMB_BITS);
    for (int i = 1; i < FE_LIMBS; i++)
        ret[i] = (l[i] & FE_LIMB_MASK) + (l[i - 1] >> FE_LIMB_BITS);
}

void fe_multiply(uint64_t ret[FE_LIMBS], const uint64_t a[FE_LIMBS], const uint64_t b[FE_LIMBS])
{
    column t[FE_LIMBS] = {0};
    for (int i = 0; i < FE_LIMBS; i++)
        for (int j = 0; j < FE_LIMBS; j++) /* 2^255 equals 19 here */
            t[i] += (column)a[j] * (j > i ? 19 * b[i + FE_LIMBS - j] : b[i - j]);
    carry(ret, t);
}

/* Each product of two different limbs occurs twice. */
static inline void square(uint64_t ret[FE_LIMBS], const uint64_t a[FE_LIMBS])
{
    const uint64_t b0 = 2 * a[0], b1 = 2 * a[1], b2 = 2 * a[2], b3 = 2 * a[3];
    const uint64_t c3 = 19 * a[3], c4 = 19 * a[4];
    const column t[FE_LIMBS] = {
        (column)a[0] * a[0] + (column)b1 * c4 + (column)b2 * c3,
        (column)b0 * a[1] + (column)b2 * c4 + (column)a[3] * c3,
        (column)b0 * a[2] + (column)a[1] * a[1] + (column)b3 * c4,
        (column)b0 * a[3] + (column)b1 * a[2] + (column)a[4] * c4,
        (column)b0 * a[4] + (column)b1 * a[3] + (column)a[2] * a[2],
    };
    carry(ret, t);
}

static void square_times(uint64_t ret[FE_LIMBS], const uint64_t a[FE_LIMBS], unsigned times)
{
    square(ret, a);
    while (--times)
        square(ret, ret);
}

/* By Fermat: a^(2^255 - 21). Names denote the exponent: e5_0 is 2^5 - 2^0. */
struct inversion {
    uint64_t a2[FE_LIMBS], a9[FE_LIMBS], a11[FE_LIMBS];
    uint64_t e5_0[FE_LIMBS], e10_0[FE_LIMBS], e20_0[FE_LIMBS], e50_0[FE_LIMBS], e100_0[FE_LIMBS];
    uint64_t t[FE_LIMBS];
};

void fe_invert(uint64_t ret[FE_LIMBS], const uint64_t a[FE_LIMBS])
{
    struct inversion v;
    square_times(v.a2, a, 1);
    square_times(v.t, v.a2, 2);
    fe_multiply(v.a9, v.t, a);
    fe_multiply(v.a11, v.a9, v.a2);
    square_times(v.t, v.a11, 1);
    fe_multiply(v.e5_0, v.t, v.a9);
    square_times(v.t, v.e5_0, 5);
    fe_multiply(v.e10_0, v.t, v.e5_0);
    square_times(v.t, v.e10_0, 10);
    fe_multiply(v.e20_0, v.t, v.e10_0);
    square_times(v.t, v.e20_0, 20);
    fe_multiply(v.t, v.t, v.e20_0);
    square_times(v.t, v.t, 10);
    fe_multiply(v.e50_0, v.t, v.e10_0);
    square_times(v.t, v.e50_0, 50);
    fe_multiply(v.e100_0, v.t, v.e50_0);
    square_times(v.t, v.e100_0, 100);
    fe_multiply(v.t, v.t, v.e100_0);
    square_times(v.t, v.t, 50);
    fe_multiply(v.t, v.t, v.e50_0);
    square_times(v.t, v.t, 5);
    fe_multiply(ret, v.t, v.a11);
    gw_wipe_object(&v);
}
