/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GF(2^255 - 19) on AVX-512 with IFMA, for several elements at once: the including file defines
 * GW_FE_LANES as 4 or 8. No branch and no address depends on a value.
 *
 * A narrow element has limbs below 2^51 + 2^14, which fit in the 52 bits that IFMA multiplies: a
 * factor. A wide one has limbs below 2^60: a product, whose limbs are below 2^59 - 2^13, or the sum
 * or difference of two that are no larger. fe_carry makes a wide element narrow.
 */
#pragma once

#include "gateway/crypto/x25519_limbs.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if !defined(GW_FE_LANES) /* for readers and tools that open this file alone */
#define GW_FE_LANES 4
#define GW_FE_FRAMES 8192
#endif

#define FE_TARGET __attribute__((target("avx512f,avx512vl,avx512ifma")))
#define FE_INLINE FE_TARGET static inline __attribute__((always_inline))

typedef uint64_t fe_lanes __attribute__((vector_size(8 * GW_FE_LANES)));

struct fe {
    fe_lanes l[FE_LIMBS];
};

/* ---- limbs ---- */

FE_INLINE fe_lanes fe_all(uint64_t value)
{
    return (fe_lanes){} + value;
}

/* Adds to `sum` the lower, or the upper, 52 bits of the product of two 52-bit numbers. */
#if GW_FE_LANES == 8
FE_INLINE fe_lanes fe_add_low(fe_lanes sum, fe_lanes a, fe_lanes b)
{
    return (fe_lanes)_mm512_madd52lo_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}

FE_INLINE fe_lanes fe_add_high(fe_lanes sum, fe_lanes a, fe_lanes b)
{
    return (fe_lanes)_mm512_madd52hi_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}
#else
FE_INLINE fe_lanes fe_add_low(fe_lanes sum, fe_lanes a, fe_lanes b)
{
    return (fe_lanes)_mm256_madd52lo_epu64((__m256i)sum, (__m256i)a, (__m256i)b);
}

FE_INLINE fe_lanes fe_add_high(fe_lanes sum, fe_lanes a, fe_lanes b)
{
    return (fe_lanes)_mm256_madd52hi_epu64((__m256i)sum, (__m256i)a, (__m256i)b);
}
#endif

/* 2^255 equals 19 here. */
FE_INLINE fe_lanes fe_times_19(fe_lanes x)
{
    return x + (x + x) + (x << 4);
}

/* Limb i of 2^8 times the prime: larger than that of any product. */
FE_INLINE fe_lanes fe_zero_above(int i)
{
    return fe_all((FE_LIMB_MASK - (i == 0 ? 18 : 0)) << 8);
}

/* ---- arithmetic ---- */

/* The part above 51 bits, below 2^9, carries into the next limb; from the last into the first times
 * 19. */
FE_INLINE struct fe fe_carry(struct fe wide)
{
    struct fe r;
    r.l[0] = fe_add_low(wide.l[0] & FE_LIMB_MASK, wide.l[FE_LIMBS - 1] >> FE_LIMB_BITS, fe_all(19));
    for (int i = 1; i < FE_LIMBS; i++)
        r.l[i] = (wide.l[i] & FE_LIMB_MASK) + (wide.l[i - 1] >> FE_LIMB_BITS);
    return r;
}

FE_INLINE struct fe fe_sum(struct fe a, struct fe b)
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++)
        r.l[i] = a.l[i] + b.l[i];
    return r;
}

FE_INLINE struct fe fe_difference(struct fe a, struct fe b)
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++)
        r.l[i] = a.l[i] + (fe_zero_above(i) - b.l[i]);
    return r;
}

/* Products of limbs by columns: column i has weight 2^51i. The upper half of a product, which IFMA
 * splits at bit 52, counts twice in the next column. */
struct fe_columns {
    fe_lanes low[2 * FE_LIMBS];
    fe_lanes high[2 * FE_LIMBS];
};

/*
 * The upper five columns count 19 times in the lower five. With narrow factors the low halves are
 * below 2^52 and the high ones below 2^50 + 2^15. The first limb, with one low half, 19 times four
 * and 38 times five high ones, is the largest: 124.6 times 2^52.
 */
FE_INLINE struct fe fe_fold(const struct fe_columns *c)
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++) {
        int up = i + FE_LIMBS;
        r.l[i] = c->low[i] + fe_times_19(c->low[up] + (c->high[up - 1] + c->high[up - 1]));
        if (i > 0)
            r.l[i] += c->high[i - 1] + c->high[i - 1];
    }
    return r;
}

/* Narrow factors; wide result. */
FE_INLINE struct fe fe_product(struct fe a, struct fe b)
{
    struct fe_columns c = {0};
    for (int i = 0; i < FE_LIMBS; i++)
        for (int j = 0; j < FE_LIMBS; j++) {
            c.low[i + j] = fe_add_low(c.low[i + j], a.l[i], b.l[j]);
            c.high[i + j] = fe_add_high(c.high[i + j], a.l[i], b.l[j]);
        }
    return fe_fold(&c);
}

/* The square of a: each product of two different limbs occurs twice, so it is computed once and
 * doubled. */
FE_INLINE struct fe fe_square(struct fe a)
{
    struct fe_columns c = {0};
    for (int i = 0; i < FE_LIMBS; i++)
        for (int j = i + 1; j < FE_LIMBS; j++) {
            c.low[i + j] = fe_add_low(c.low[i + j], a.l[i], a.l[j]);
            c.high[i + j] = fe_add_high(c.high[i + j], a.l[i], a.l[j]);
        }
    for (int i = 1; i < 2 * FE_LIMBS - 2; i++) {
        c.low[i] += c.low[i];
        c.high[i] += c.high[i];
    }
    for (int i = 0; i < FE_LIMBS; i++) {
        c.low[2 * i] = fe_add_low(c.low[2 * i], a.l[i], a.l[i]);
        c.high[2 * i] = fe_add_high(c.high[2 * i], a.l[i], a.l[i]);
    }
    return fe_fold(&c);
}

/* ---- traces ---- */

// clang-format off
#define FE_REGISTERS(X)                                                        \
    X(0)  X(1)  X(2)  X(3)  X(4)  X(5)  X(6)  X(7)  X(8)  X(9)  X(10)          \
    X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21)          \
    X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
// clang-format on
#define FE_CLEAR(n) __asm__ volatile("vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n ::: "xmm" #n);

// clang-format off
#define FE_MASKS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
// clang-format on
#define FE_CLEAR_MASK(n) __asm__ volatile("kxorw %%k" #n ", %%k" #n ", %%k" #n ::: "k" #n);

/* The integer registers that a call may change. */
FE_INLINE void fe_clear_words(void)
{
    __asm__ volatile("xorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\t"
                     "xorl %%esi, %%esi\n\txorl %%edi, %%edi\n\txorl %%r8d, %%r8d\n\t"
                     "xorl %%r9d, %%r9d\n\txorl %%r10d, %%r10d\n\txorl %%r11d, %%r11d" ::
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
}

/* Wipes the values that a computation spilled to the stack, and those left in registers:
 * intermediate points depend on a key too. The including file defines GW_FE_FRAMES, the bytes of
 * its frames. */
FE_TARGET static __attribute__((noinline, unused)) void fe_wipe_traces(void)
{
    uint8_t frame[GW_FE_FRAMES];
    explicit_bzero(frame, sizeof(frame));
    FE_REGISTERS(FE_CLEAR)
    FE_MASKS(FE_CLEAR_MASK)
    fe_clear_words();
}
