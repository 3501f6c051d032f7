/* SPDX-License-Identifier: Apache-2.0 */
/* One secret: the Montgomery ladder of RFC 7748 5, with its names, four products at a time. */
#include "gateway/crypto/x25519_lanes.h"

#include "gateway/base/wipe.h"

#define GW_FE_LANES 4
#define GW_FE_FRAMES 8192 /* 1.6 KiB by GCC 12 at -O3, 4.5 at -O2 */
#include "gateway/crypto/x25519_field.h"

enum {
    TOP_BIT = 254,
    A24 = 121665 /* (A - 2) / 4 of the curve */
};

/* ---- lanes: operations that skip those whose bit is not in the mask ---- */

#define LANE(n) (1 << (n))

/* The lanes a, b, c and d of x, in that order. */
#define ORDER(a, b, c, d) ((a) | (b) << 2 | (c) << 4 | (d) << 6)
#define SHUFFLE(x, order) ((fe_lanes)_mm256_permutex_epi64((__m256i)(x), order))

/* Puts lane n of x into lane `to`, and leaves the rest of `into` unchanged. */
#define PUT(into, to, x, n)                                                                        \
    ((fe_lanes)_mm256_mask_permutex_epi64((__m256i)(into), LANE(to), (__m256i)(x),                 \
                                          ORDER(n, n, n, n)))

FE_INLINE fe_lanes pick(__mmask8 lanes, fe_lanes a, fe_lanes b)
{
    return (fe_lanes)_mm256_mask_blend_epi64(lanes, (__m256i)b, (__m256i)a);
}

/* Negates lanes 1 and 3 of limb i. */
FE_INLINE fe_lanes negate_1_and_3(int i, fe_lanes x)
{
    return (fe_lanes)_mm256_mask_sub_epi64((__m256i)x, LANE(1) | LANE(3), (__m256i)fe_zero_above(i),
                                           (__m256i)x);
}

/* ---- the ladder: x_2, z_2, x_3, z_3 in the lanes ---- */

/* A, B, C, D, narrow: the sum and the difference of each point's coordinates. Swaps the points if
 * `swap` is 2; otherwise it is 0. */
FE_INLINE struct fe sums_and_differences(struct fe points, uint64_t swap)
{
    const __m256i xx = (__m256i)((fe_lanes){0, 0, 2, 2} ^ swap);
    const __m256i zz = (__m256i)((fe_lanes){1, 1, 3, 3} ^ swap);
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++) {
        __m256i l = (__m256i)points.l[i];
        fe_lanes z = (fe_lanes)_mm256_permutexvar_epi64(zz, l);
        r.l[i] = (fe_lanes)_mm256_permutexvar_epi64(xx, l) + negate_1_and_3(i, z);
    }
    return fe_carry(r);
}

/* AA, BB, DA, CB. */
FE_INLINE struct fe first_products(struct fe abcd)
{
    struct fe left, right;
    for (int i = 0; i < FE_LIMBS; i++) {
        left.l[i] = SHUFFLE(abcd.l[i], ORDER(0, 1, 3, 2));
        right.l[i] = SHUFFLE(abcd.l[i], ORDER(0, 1, 0, 1));
    }
    return fe_product(left, right);
}

/* AA, E, DA + CB, DA - CB, narrow. */
FE_INLINE struct fe second_left(struct fe first)
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++) {
        fe_lanes l = first.l[i];
        fe_lanes second = (fe_lanes)_mm256_maskz_permutex_epi64(LANE(1) | LANE(2) | LANE(3),
                                                                (__m256i)l, ORDER(0, 1, 3, 3));
        r.l[i] = SHUFFLE(l, ORDER(0, 0, 2, 2)) + negate_1_and_3(i, second);
    }
    return fe_carry(r);
}

/* AA BB, a24 E, and the squares of the sum and of the difference. */
FE_INLINE struct fe second_products(struct fe left, struct fe aa_bb)
{
    struct fe right;
    for (int i = 0; i < FE_LIMBS; i++)
        right.l[i] = pick(LANE(1), fe_all(i == 0 ? A24 : 0), PUT(left.l[i], 0, aa_bb.l[i], 1));
    return fe_product(left, right);
}

/* Turns those that are not yet coordinates into coordinates: a24 E + AA times E, and the square of
 * the difference times x_1. */
FE_INLINE struct fe third_products(struct fe second, struct fe aa_bb, struct fe left,
                                   struct fe one_one_x1)
{
    struct fe right;
    for (int i = 0; i < FE_LIMBS; i++) {
        second.l[i] +=
            (fe_lanes)_mm256_maskz_permutex_epi64(LANE(1), (__m256i)aa_bb.l[i], ORDER(0, 0, 0, 0));
        right.l[i] = pick(LANE(1), left.l[i], one_one_x1.l[i]);
    }
    return fe_product(fe_carry(second), right);
}

FE_INLINE struct fe step(struct fe points, uint64_t swap, struct fe one_one_x1)
{
    struct fe first = first_products(sums_and_differences(points, swap));
    struct fe aa_bb = fe_carry(first);
    struct fe left = second_left(first);
    return third_products(second_products(left, aa_bb), aa_bb, left, one_one_x1);
}

/* The lowest bit of a key is zero (RFC 7748 5), so the points are not swapped at the end. */
FE_INLINE struct fe climb(const uint64_t key[FE_WORDS], const uint64_t x1[FE_LIMBS])
{
    struct fe points, factor;
    for (int i = 0; i < FE_LIMBS; i++) {
        uint64_t one = i == 0;
        points.l[i] = (fe_lanes){one, 0, x1[i], one};
        factor.l[i] = (fe_lanes){one, 0, one, x1[i]};
    }
    uint64_t was = 0;
    for (int at = TOP_BIT; at >= 0; at--) {
        uint64_t bit = key[at / 64] >> at % 64 & 1;
        points = step(points, (bit ^ was) << 1, factor);
        was = bit;
    }
    return fe_carry(points);
}

/* ---- the whole ---- */

const bool gw_x25519_ladder_is_built = true;

/* Everything on the stack that depends on the key. */
struct own {
    uint64_t key[FE_WORDS];
    uint64_t x[FE_LIMBS], z[FE_LIMBS];
    struct fe points;
};

FE_TARGET static __attribute__((noinline)) void compute(struct own *own,
                                                        uint8_t ret_secret[FE_BYTES],
                                                        const uint8_t private[FE_BYTES],
                                                        const uint8_t public[FE_BYTES])
{
    uint64_t x1[FE_LIMBS];
    fe_key_words(own->key, private);
    fe_from_bytes(x1, public);
    own->points = climb(own->key, x1);
    for (int i = 0; i < FE_LIMBS; i++) {
        own->x[i] = own->points.l[i][0];
        own->z[i] = own->points.l[i][1];
    }
    fe_invert(own->z, own->z);
    fe_multiply(own->x, own->x, own->z);
    fe_to_bytes(ret_secret, own->x);
}

static bool is_zero(const uint8_t bytes[FE_BYTES])
{
    uint8_t any = 0;
    for (int i = 0; i < FE_BYTES; i++)
        any |= bytes[i];
    return any == 0;
}

bool gw_x25519_lanes_secret(uint8_t ret_secret[GW_X25519_KEY_LEN],
                            const uint8_t private[GW_X25519_KEY_LEN],
                            const uint8_t public[GW_X25519_KEY_LEN])
{
    struct own own;
    compute(&own, ret_secret, private, public);
    bool zero = is_zero(ret_secret);
    gw_wipe_object(&own);
    fe_wipe_traces();
    return !zero;
}
