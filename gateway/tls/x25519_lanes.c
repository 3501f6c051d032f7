/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/x25519_lanes.h"

#include "gateway/base/wipe.h"

#include <immintrin.h>
#include <string.h>

#define LANES_CODE __attribute__((target("avx512f,avx512ifma")))

/*
 * An element of GF(2^255 - 19) for each lane, as five limbs of 51 bits: l[0] + 2^51 l[1] + ...
 * Between two operations each limb is below 2^51 + 2^14: a factor fits in the 52 bits that IFMA
 * multiplies, and four times the prime is more than a subtrahend, limb by limb.
 */
enum {
    LIMBS = 5,
    LIMB_BITS = 51,
    KEY_WORDS = GW_X25519_KEY_LEN / 8,
    TOP_BIT = 254,
    FRAME_MAX = 4096, /* of compute() and what it calls: 1.2 KiB by GCC 12 */
    BASE = 9,         /* u of the base point (RFC 7748 4.1) */
    A24 = 121665      /* (A - 2) / 4 of the curve */
};

#define LIMB_MASK ((1ULL << LIMB_BITS) - 1)

struct fe {
    __m512i l[LIMBS];
};

/* ---- limbs ---- */

LANES_CODE static inline __m512i all(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

/* 2^255 is 19 here. */
LANES_CODE static inline __m512i times_19(__m512i x)
{
    return _mm512_add_epi64(_mm512_add_epi64(x, _mm512_slli_epi64(x, 1)), _mm512_slli_epi64(x, 4));
}

/* Limbs of up to 60 bits: what is above 51 goes on to the next. 2^9 at most is carried, and 19
 * times that from the last to the first. */
LANES_CODE static inline void carry(struct fe *r, const __m512i l[LIMBS])
{
    const __m512i mask = all(LIMB_MASK);
    __m512i up[LIMBS];
    for (int i = 0; i < LIMBS; i++)
        up[i] = _mm512_srli_epi64(l[i], LIMB_BITS);
    r->l[0] = _mm512_add_epi64(_mm512_and_si512(l[0], mask), times_19(up[LIMBS - 1]));
    for (int i = 1; i < LIMBS; i++)
        r->l[i] = _mm512_add_epi64(_mm512_and_si512(l[i], mask), up[i - 1]);
}

/* ---- arithmetic ---- */

LANES_CODE static inline void add(struct fe *r, const struct fe *a, const struct fe *b)
{
    __m512i l[LIMBS];
    for (int i = 0; i < LIMBS; i++)
        l[i] = _mm512_add_epi64(a->l[i], b->l[i]);
    carry(r, l);
}

/* Four times the prime comes on top, limb by limb: no limb goes below zero. */
LANES_CODE static inline void subtract(struct fe *r, const struct fe *a, const struct fe *b)
{
    __m512i l[LIMBS];
    for (int i = 0; i < LIMBS; i++) {
        __m512i four_p = all(i == 0 ? 4 * (LIMB_MASK - 18) : 4 * LIMB_MASK);
        l[i] = _mm512_sub_epi64(_mm512_add_epi64(a->l[i], four_p), b->l[i]);
    }
    carry(r, l);
}

/* IFMA splits a product at bit 52, limbs are 51 bits: the upper half counts twice for the next. */
LANES_CODE static inline __m512i column(__m512i low, __m512i high_before)
{
    return _mm512_add_epi64(low, _mm512_slli_epi64(high_before, 1));
}

/* Products of ten columns to five: the upper five count 19 times. */
LANES_CODE static inline void fold(struct fe *r, const __m512i low[2 * LIMBS],
                                   const __m512i high[2 * LIMBS])
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i l[LIMBS];
    for (int i = 0; i < LIMBS; i++) {
        __m512i here = column(low[i], i == 0 ? zero : high[i - 1]);
        l[i] = _mm512_add_epi64(here, times_19(column(low[i + LIMBS], high[i + LIMBS - 1])));
    }
    carry(r, l);
}

/* A column has five products, the last but one half of them: low halves are below 2^52, high ones
 * below 2^50 + 2^15, so that with what is folded all stay below 2^59. */
LANES_CODE static __attribute__((noinline)) void multiply(struct fe *r, const struct fe *a,
                                                          const struct fe *b)
{
    __m512i low[2 * LIMBS], high[2 * LIMBS];
    for (int i = 0; i < 2 * LIMBS; i++)
        low[i] = high[i] = _mm512_setzero_si512();
    for (int i = 0; i < LIMBS; i++) {
        for (int j = 0; j < LIMBS; j++) {
            low[i + j] = _mm512_madd52lo_epu64(low[i + j], a->l[i], b->l[j]);
            high[i + j] = _mm512_madd52hi_epu64(high[i + j], a->l[i], b->l[j]);
        }
    }
    fold(r, low, high);
}

/* Each product of two different limbs comes twice: taken once and doubled. */
LANES_CODE static __attribute__((noinline)) void square(struct fe *r, const struct fe *a)
{
    __m512i low[2 * LIMBS], high[2 * LIMBS];
    for (int i = 0; i < 2 * LIMBS; i++)
        low[i] = high[i] = _mm512_setzero_si512();
    for (int i = 0; i < LIMBS; i++) {
        for (int j = i + 1; j < LIMBS; j++) {
            low[i + j] = _mm512_madd52lo_epu64(low[i + j], a->l[i], a->l[j]);
            high[i + j] = _mm512_madd52hi_epu64(high[i + j], a->l[i], a->l[j]);
        }
    }
    for (int i = 1; i < 2 * LIMBS - 2; i++) {
        low[i] = _mm512_slli_epi64(low[i], 1);
        high[i] = _mm512_slli_epi64(high[i], 1);
    }
    for (int i = 0; i < LIMBS; i++) {
        low[2 * i] = _mm512_madd52lo_epu64(low[2 * i], a->l[i], a->l[i]);
        high[2 * i] = _mm512_madd52hi_epu64(high[2 * i], a->l[i], a->l[i]);
    }
    fold(r, low, high);
}

LANES_CODE static void square_times(struct fe *r, const struct fe *a, unsigned times)
{
    square(r, a);
    while (--times)
        square(r, r);
}

/* By a number below 2^20. */
LANES_CODE static inline void multiply_small(struct fe *r, const struct fe *a, uint64_t factor)
{
    const __m512i by = all(factor), zero = _mm512_setzero_si512();
    __m512i low[LIMBS], high[LIMBS], l[LIMBS];
    for (int i = 0; i < LIMBS; i++) {
        low[i] = _mm512_madd52lo_epu64(zero, a->l[i], by);
        high[i] = _mm512_madd52hi_epu64(zero, a->l[i], by);
    }
    l[0] = column(low[0], times_19(high[LIMBS - 1]));
    for (int i = 1; i < LIMBS; i++)
        l[i] = column(low[i], high[i - 1]);
    carry(r, l);
}

/* By Fermat: a^(2^255 - 21). Names tell the exponent: e5_0 is 2^5 - 2^0. */
struct inversion {
    struct fe a2, a9, a11, e5_0, e10_0, e20_0, e50_0, e100_0, t;
};

LANES_CODE static void invert(struct fe *r, const struct fe *a, struct inversion *v)
{
    square(&v->a2, a);
    square_times(&v->t, &v->a2, 2);
    multiply(&v->a9, &v->t, a);
    multiply(&v->a11, &v->a9, &v->a2);
    square(&v->t, &v->a11);
    multiply(&v->e5_0, &v->t, &v->a9);
    square_times(&v->t, &v->e5_0, 5);
    multiply(&v->e10_0, &v->t, &v->e5_0);
    square_times(&v->t, &v->e10_0, 10);
    multiply(&v->e20_0, &v->t, &v->e10_0);
    square_times(&v->t, &v->e20_0, 20);
    multiply(&v->t, &v->t, &v->e20_0);
    square_times(&v->t, &v->t, 10);
    multiply(&v->e50_0, &v->t, &v->e10_0);
    square_times(&v->t, &v->e50_0, 50);
    multiply(&v->e100_0, &v->t, &v->e50_0);
    square_times(&v->t, &v->e100_0, 100);
    multiply(&v->t, &v->t, &v->e100_0);
    square_times(&v->t, &v->t, 50);
    multiply(&v->t, &v->t, &v->e50_0);
    square_times(&v->t, &v->t, 5);
    multiply(r, &v->t, &v->a11);
}

/* ---- the ladder ---- */

struct ladder {
    struct fe x2, z2, x3, z3;
    struct fe a, b, c, d, aa, bb, e, da, cb; /* of a step: RFC 7748 5, with its names */
};

LANES_CODE static inline void swap_where(__mmask8 where, struct fe *a, struct fe *b)
{
    for (int i = 0; i < LIMBS; i++) {
        __m512i was = a->l[i];
        a->l[i] = _mm512_mask_mov_epi64(was, where, b->l[i]);
        b->l[i] = _mm512_mask_mov_epi64(b->l[i], where, was);
    }
}

LANES_CODE static void step(struct ladder *p)
{
    add(&p->a, &p->x2, &p->z2);
    subtract(&p->b, &p->x2, &p->z2);
    add(&p->c, &p->x3, &p->z3);
    subtract(&p->d, &p->x3, &p->z3);
    square(&p->aa, &p->a);
    square(&p->bb, &p->b);
    multiply(&p->da, &p->d, &p->a);
    multiply(&p->cb, &p->c, &p->b);
    subtract(&p->e, &p->aa, &p->bb);
    multiply(&p->x2, &p->aa, &p->bb);
    add(&p->x3, &p->da, &p->cb);
    subtract(&p->z3, &p->da, &p->cb);
    square(&p->x3, &p->x3);
    square(&p->z3, &p->z3);
    multiply_small(&p->z3, &p->z3, BASE);
    multiply_small(&p->z2, &p->e, A24);
    add(&p->z2, &p->z2, &p->aa);
    multiply(&p->z2, &p->z2, &p->e);
}

LANES_CODE static void climb(struct ladder *p, const __m512i key[KEY_WORDS])
{
    const __m512i one = all(1), base = all(BASE), zero = _mm512_setzero_si512();
    for (int i = 0; i < LIMBS; i++)
        p->x2.l[i] = p->z2.l[i] = p->x3.l[i] = p->z3.l[i] = zero;
    p->x2.l[0] = p->z3.l[0] = one;
    p->x3.l[0] = base;
    __mmask8 swapped = 0;
    for (int at = TOP_BIT; at >= 0; at--) {
        __mmask8 bit = _mm512_test_epi64_mask(key[at / 64], all(1ULL << at % 64));
        swap_where(swapped ^ bit, &p->x2, &p->x3);
        swap_where(swapped ^ bit, &p->z2, &p->z3);
        swapped = bit;
        step(p);
    }
    swap_where(swapped, &p->x2, &p->x3);
    swap_where(swapped, &p->z2, &p->z3);
}

/* ---- bytes (little endian, RFC 7748 5) ---- */

/* Word `at` of the keys of all lanes, with those bits fixed that are. */
static void load_words(uint64_t ret[GW_X25519_LANES], int at,
                       const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    for (int lane = 0; lane < GW_X25519_LANES; lane++) {
        memcpy(&ret[lane], private[lane] + 8 * at, 8);
        if (at == 0)
            ret[lane] &= ~7ULL;
        if (at == KEY_WORDS - 1)
            ret[lane] = (ret[lane] & ~(1ULL << 63)) | 1ULL << 62;
    }
}

/* The one representation below the prime: first each limb below 2^51, then the prime off where it
 * fits, which adding 19 tells by what leaves the last limb. */
static void reduce(uint64_t l[LIMBS])
{
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < LIMBS; i++) {
            uint64_t up = l[i] >> LIMB_BITS;
            l[i] &= LIMB_MASK;
            l[(i + 1) % LIMBS] += i == LIMBS - 1 ? 19 * up : up;
        }
    }
    uint64_t up = 19;
    for (int i = 0; i < LIMBS; i++)
        up = (l[i] + up) >> LIMB_BITS;
    up *= 19;
    for (int i = 0; i < LIMBS; i++) {
        l[i] += up;
        up = l[i] >> LIMB_BITS;
        l[i] &= LIMB_MASK;
    }
}

static void store_lane(uint8_t ret[GW_X25519_KEY_LEN], uint64_t l[LIMBS])
{
    reduce(l);
    const uint64_t words[KEY_WORDS] = {
        l[0] | l[1] << 51,
        l[1] >> 13 | l[2] << 38,
        l[2] >> 26 | l[3] << 25,
        l[3] >> 39 | l[4] << 12,
    };
    memcpy(ret, words, sizeof(words));
}

LANES_CODE static void store(uint8_t ret[GW_X25519_LANES][GW_X25519_KEY_LEN], const struct fe *x)
{
    _Alignas(64) uint64_t limbs[LIMBS][GW_X25519_LANES];
    for (int i = 0; i < LIMBS; i++)
        _mm512_store_si512(limbs[i], x->l[i]);
    for (int lane = 0; lane < GW_X25519_LANES; lane++) {
        uint64_t own[LIMBS];
        for (int i = 0; i < LIMBS; i++)
            own[i] = limbs[i][lane];
        store_lane(ret[lane], own);
    }
}

bool gw_x25519_lanes_work(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

struct own {
    _Alignas(64) uint64_t words[GW_X25519_LANES];
    __m512i key[KEY_WORDS];
    struct ladder p;
    struct inversion v;
    struct fe x;
};

LANES_CODE static __attribute__((noinline)) void
compute(struct own *own, uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
        const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    for (int i = 0; i < KEY_WORDS; i++) {
        load_words(own->words, i, private);
        own->key[i] = _mm512_load_si512(own->words);
    }
    climb(&own->p, own->key);
    invert(&own->x, &own->p.z2, &own->v);
    multiply(&own->x, &own->x, &own->p.x2);
    store(ret_public, &own->x);
}

// clang-format off
#define REGISTERS(X)                                                           \
    X(0)  X(1)  X(2)  X(3)  X(4)  X(5)  X(6)  X(7)  X(8)  X(9)  X(10)          \
    X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21)          \
    X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
// clang-format on
#define CLEAR(n) __asm__ volatile("vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n ::: "xmm" #n);

/* What compute() has spilled, where its frame was, and left in registers: points on the way tell of
 * a key, too. */
LANES_CODE static __attribute__((noinline)) void wipe_traces(void)
{
    uint8_t frame[FRAME_MAX];
    gw_wipe(frame, sizeof(frame));
    REGISTERS(CLEAR)
}

LANES_CODE void gw_x25519_lanes(uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
                                const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    struct own own;
    compute(&own, ret_public, private);
    gw_wipe_object(&own);
    wipe_traces();
}
