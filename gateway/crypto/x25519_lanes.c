/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight public keys: multiples of the base point, on the Edwards curve equivalent to the Montgomery
 * curve (RFC 7748 4.1). Everything that depends on the base point alone is in tables. A table has
 * eight entries, one in each lane, so one permutation of a register looks up for all keys.
 */
#include "gateway/crypto/x25519_lanes.h"

#include "gateway/base/wipe.h"

#include <string.h>

#define GW_FE_LANES 8
#define GW_FE_FRAMES 16384 /* 5.6 KiB by GCC 12 at -O3, 11.6 at -O2 */
#include "gateway/crypto/x25519_field.h"

/* A private key is 64 digits of four bits, each from -8 to 8. Table k is for the digits from 8 k
 * on: the digits at the same place in their eight are added, then the sum is doubled four times for
 * the place below. */
enum {
    DIGITS = 64,
    DIGIT_BITS = 4,
    TABLES = 8,
    PLACES = DIGITS / TABLES,
    ENTRIES = GW_X25519_LANES
};

/* RFC 8032 5.1.4: x = X / Z, y = Y / Z, x y = T / Z. Narrow. */
struct point {
    struct fe x, y, z, t;
};

/* An entry in the form that addition needs, with z = 1. Narrow. */
struct entry {
    struct fe sum;        /* y + x */
    struct fe difference; /* y - x */
    struct fe product;    /* 2 d x y */
};

_Static_assert(GW_X25519_LANES == GW_FE_LANES, "a key for each lane");

static struct entry tables[TABLES];

/* RFC 8032 5.1: the base point, and twice the d of the curve. */
static const uint64_t base_x[FE_LIMBS] = {0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d,
                                          0x1ff60527118fe, 0x216936d3cd6e5};
static const uint64_t base_y[FE_LIMBS] = {0x6666666666658, 0x4cccccccccccc, 0x1999999999999,
                                          0x3333333333333, 0x6666666666666};
static const uint64_t twice_d[FE_LIMBS] = {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052,
                                           0x6738cc7407977, 0x2406d9dc56dff};

/* ---- arithmetic, narrow to narrow ---- */

FE_TARGET static __attribute__((noinline)) void multiply(struct fe *r, const struct fe *a,
                                                         const struct fe *b)
{
    *r = fe_carry(fe_product(*a, *b));
}

FE_TARGET static __attribute__((noinline)) void square(struct fe *r, const struct fe *a)
{
    *r = fe_carry(fe_square(*a));
}

FE_INLINE struct fe plus(struct fe a, struct fe b)
{
    return fe_carry(fe_sum(a, b));
}

FE_INLINE struct fe minus(struct fe a, struct fe b)
{
    return fe_carry(fe_difference(a, b));
}

FE_INLINE struct fe in_all_lanes(const uint64_t limbs[FE_LIMBS])
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++)
        r.l[i] = fe_all(limbs[i]);
    return r;
}

FE_INLINE struct fe small(uint64_t value)
{
    const uint64_t limbs[FE_LIMBS] = {value};
    return in_all_lanes(limbs);
}

FE_INLINE struct fe pick(__mmask8 where, struct fe a, struct fe b)
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++)
        r.l[i] = (fe_lanes)_mm512_mask_blend_epi64(where, (__m512i)b.l[i], (__m512i)a.l[i]);
    return r;
}

/* Both work limb by limb: the element's limbs are in memory, lane by lane. */
FE_TARGET static void get_lane(uint64_t ret[FE_LIMBS], const struct fe *a, unsigned lane)
{
    for (int i = 0; i < FE_LIMBS; i++)
        ret[i] = a->l[i][lane];
}

FE_TARGET static void set_lane(struct fe *a, unsigned lane, const uint64_t limbs[FE_LIMBS])
{
    for (int i = 0; i < FE_LIMBS; i++)
        a->l[i][lane] = limbs[i];
}

/* Inverts all lanes with one inversion: of their product. Each lane's inverse is what is left after
 * the inverses of those above it are divided out. */
struct inversion {
    uint64_t lane[FE_LIMBS];
    uint64_t below[ENTRIES][FE_LIMBS]; /* the product of the lanes up to this one */
    uint64_t inverse[FE_LIMBS];
};

/* No lane may be zero. */
FE_TARGET static void invert(struct fe *r, const struct fe *a, struct inversion *v)
{
    get_lane(v->below[0], a, 0);
    for (unsigned lane = 1; lane < ENTRIES; lane++) {
        get_lane(v->lane, a, lane);
        fe_multiply(v->below[lane], v->below[lane - 1], v->lane);
    }
    fe_invert(v->inverse, v->below[ENTRIES - 1]);
    for (unsigned lane = ENTRIES - 1; lane > 0; lane--) {
        fe_multiply(v->below[lane], v->inverse, v->below[lane - 1]);
        get_lane(v->lane, a, lane);
        fe_multiply(v->inverse, v->inverse, v->lane);
        set_lane(r, lane, v->below[lane]);
    }
    set_lane(r, 0, v->inverse);
}

/* ---- points (RFC 8032 5.1.4, with its names) ---- */

FE_INLINE struct point neutral_point(void)
{
    return (struct point){.x = small(0), .y = small(1), .z = small(1), .t = small(0)};
}

FE_INLINE struct entry neutral_entry(void)
{
    return (struct entry){.sum = small(1), .difference = small(1), .product = small(0)};
}

FE_TARGET static void finish(struct point *p, const struct fe *e, const struct fe *f,
                             const struct fe *g, const struct fe *h)
{
    multiply(&p->x, e, f);
    multiply(&p->y, g, h);
    multiply(&p->t, e, h);
    multiply(&p->z, f, g);
}

struct steps {
    struct fe a, b, c, d, e, f, g, h;
};

FE_TARGET static void double_point(struct point *p, struct steps *s)
{
    square(&s->a, &p->x);
    square(&s->b, &p->y);
    square(&s->c, &p->z);
    s->c = plus(s->c, s->c);
    s->h = plus(s->a, s->b);
    s->d = plus(p->x, p->y);
    square(&s->d, &s->d);
    s->e = minus(s->h, s->d);
    s->g = minus(s->a, s->b);
    s->f = plus(s->c, s->g);
    finish(p, &s->e, &s->f, &s->g, &s->h);
}

/* Subtracts in the lanes of the mask: negating the entry's x swaps its sum and difference, and
 * negates C, which swaps F and G. */
FE_TARGET static void add_entry(struct point *p, const struct entry *q, __mmask8 negative,
                                struct steps *s)
{
    s->a = pick(negative, q->sum, q->difference);
    s->b = pick(negative, q->difference, q->sum);
    s->e = minus(p->y, p->x);
    s->f = plus(p->y, p->x);
    multiply(&s->a, &s->e, &s->a);
    multiply(&s->b, &s->f, &s->b);
    multiply(&s->c, &p->t, &q->product);
    s->d = plus(p->z, p->z);
    s->e = minus(s->b, s->a);
    s->h = plus(s->b, s->a);
    s->a = minus(s->d, s->c);
    s->b = plus(s->d, s->c);
    s->f = pick(negative, s->b, s->a);
    s->g = pick(negative, s->a, s->b);
    finish(p, &s->e, &s->f, &s->g, &s->h);
}

/* ---- tables ---- */

FE_TARGET static void to_entry(struct entry *ret, const struct point *p)
{
    struct inversion v;
    struct fe x, y, factor = in_all_lanes(twice_d);
    invert(&y, &p->z, &v);
    multiply(&x, &p->x, &y);
    multiply(&y, &p->y, &y);
    ret->sum = plus(y, x);
    ret->difference = minus(y, x);
    multiply(&x, &x, &y);
    multiply(&ret->product, &x, &factor);
}

/* Lane i gets i + 1 times the point, which is the same in all lanes. */
FE_TARGET static void multiples(struct point *ret, const struct entry *once)
{
    struct steps s;
    struct entry none = neutral_entry();
    *ret = neutral_point();
    for (int at = DIGIT_BITS - 1; at >= 0; at--) {
        __mmask8 where = 0;
        for (unsigned lane = 0; lane < ENTRIES; lane++)
            where |= (__mmask8)(((lane + 1) >> at & 1) << lane);
        const struct entry q = {
            .sum = pick(where, once->sum, none.sum),
            .difference = pick(where, once->difference, none.difference),
            .product = pick(where, once->product, none.product),
        };
        double_point(ret, &s);
        add_entry(ret, &q, 0, &s);
    }
}

FE_TARGET static void make_tables(void)
{
    struct steps s;
    struct entry once;
    struct point p = {.x = in_all_lanes(base_x), .y = in_all_lanes(base_y), .z = small(1)};
    multiply(&p.t, &p.x, &p.y);
    for (int k = 0; k < TABLES; k++) {
        struct point all;
        to_entry(&once, &p);
        multiples(&all, &once);
        to_entry(&tables[k], &all);
        for (int i = 0; i < PLACES * DIGIT_BITS; i++)
            double_point(&p, &s);
    }
}

/* ---- keys ---- */

/* Everything on the stack that depends on the keys. */
struct own {
    fe_lanes key[FE_WORDS];
    fe_lanes digits[DIGITS]; /* two's complement */
    uint64_t words[FE_WORDS];
    uint64_t limbs[FE_LIMBS];
    struct point sum;
    struct entry chosen;
    struct steps steps;
    struct inversion inversion;
    struct fe u;
};

FE_TARGET static void load(struct own *own,
                           const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    for (unsigned lane = 0; lane < GW_X25519_LANES; lane++) {
        fe_key_words(own->words, private[lane]);
        for (int i = 0; i < FE_WORDS; i++)
            own->key[i][lane] = own->words[i];
    }
}

/* A digit of 8 or more becomes 16 less, with one more in the next digit. The last one has room for
 * that, since the top bit of a key is zero. */
FE_TARGET static void split(struct own *own)
{
    fe_lanes more = fe_all(0);
    for (int i = 0; i < DIGITS; i++) {
        fe_lanes digit = (own->key[i / 16] >> i % 16 * DIGIT_BITS & 15) + more;
        more = i < DIGITS - 1 ? (digit + 8) >> DIGIT_BITS : fe_all(0);
        own->digits[i] = digit - (more << DIGIT_BITS);
    }
}

FE_INLINE struct fe look_up(const struct fe *in, __m512i at, __mmask8 none, struct fe neutral)
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++)
        r.l[i] = (fe_lanes)_mm512_mask_permutexvar_epi64((__m512i)neutral.l[i], (__mmask8)~none, at,
                                                         (__m512i)in->l[i]);
    return r;
}

FE_TARGET static void add_digit(struct own *own, const struct entry *table, fe_lanes digit)
{
    const struct entry none = neutral_entry();
    __m512i size = _mm512_abs_epi64((__m512i)digit);
    __mmask8 negative = _mm512_cmplt_epi64_mask((__m512i)digit, _mm512_setzero_si512());
    __mmask8 zero = _mm512_testn_epi64_mask(size, size);
    __m512i at = (__m512i)((fe_lanes)size - 1);
    own->chosen.sum = look_up(&table->sum, at, zero, none.sum);
    own->chosen.difference = look_up(&table->difference, at, zero, none.difference);
    own->chosen.product = look_up(&table->product, at, zero, none.product);
    add_entry(&own->sum, &own->chosen, negative, &own->steps);
}

FE_TARGET static void add_up(struct own *own)
{
    own->sum = neutral_point();
    for (int place = PLACES - 1; place >= 0; place--) {
        for (int i = 0; i < DIGIT_BITS && place < PLACES - 1; i++)
            double_point(&own->sum, &own->steps);
        for (int k = 0; k < TABLES; k++)
            add_digit(own, &tables[k], own->digits[k * PLACES + place]);
    }
}

/* u = (1 + y) / (1 - y). y is never 1, since no key is a multiple of the base point's order: that
 * is prime, a key is a multiple of eight, and eight times the order is above all keys. */
FE_TARGET static void store(struct own *own, uint8_t ret[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    struct fe above = plus(own->sum.z, own->sum.y);
    struct fe below = minus(own->sum.z, own->sum.y);
    invert(&own->u, &below, &own->inversion);
    multiply(&own->u, &own->u, &above);
    for (unsigned lane = 0; lane < GW_X25519_LANES; lane++) {
        get_lane(own->limbs, &own->u, lane);
        fe_to_bytes(ret[lane], own->limbs);
    }
}

FE_TARGET static __attribute__((noinline)) void
compute(struct own *own, uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
        const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    load(own, private);
    split(own);
    add_up(own);
    store(own, ret_public);
}

void gw_x25519_lanes_keys(uint8_t ret_public[GW_X25519_LANES][GW_X25519_KEY_LEN],
                          const uint8_t private[GW_X25519_LANES][GW_X25519_KEY_LEN])
{
    struct own own;
    compute(&own, ret_public, private);
    gw_wipe_object(&own);
    fe_wipe_traces();
}

/* ---- the self-test ---- */

bool gw_x25519_lanes_begin(void)
{
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512ifma"))
        return false;
    make_tables();
    return true;
}
