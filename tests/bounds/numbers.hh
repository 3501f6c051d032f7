/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of C++ that stand for those of the X25519 sources (run.py): each is a range that holds
 * all values which it can have. A computation that could leave its type, or a factor that could be
 * longer than the 52 bits that IFMA multiplies, ends the program.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <type_traits>

typedef __int128 whole;

static const whole one = 1;
static bool unknown_bytes; /* what is read of bytes may be anything, instead of what it is */

static void require(bool holds, const char *words)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", words);
    abort();
}

/* All ones from the highest bit on. */
static whole filled(whole x)
{
    whole r = 0;
    while (r < x)
        r = r << 1 | 1;
    return r;
}

template <int BITS> struct num {
    whole low = 0, high = 0;

    static whole end()
    {
        return one << (BITS < 126 ? BITS : 126);
    }
    num() = default;
    template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
    num(T value) : low(value), high(value)
    {
    }
    num(whole from, whole to) : low(from), high(to)
    {
    }
    /* Of the other width; what is too long may be anything then. */
    template <int OTHER, typename = std::enable_if_t<OTHER != BITS>>
    explicit(OTHER > BITS) num(num<OTHER> o) : low(o.low), high(o.high)
    {
        if (high >= end() && low == high)
            low = high = low & (end() - 1);
        else if (high >= end())
            *this = num(0, end() - 1);
    }
    bool exact() const
    {
        return low == high;
    }
    /* Less than zero is two's complement, which only sums, differences and tests may see. */
    static num checked(whole from, whole to)
    {
        require(to < end() && from >= -(end() >> 1), "a number leaves its type");
        return num(from, to);
    }
    const num &natural() const
    {
        require(low >= 0, "a difference may be less than zero");
        return *this;
    }
    friend num operator+(num a, num b)
    {
        return checked(a.low + b.low, a.high + b.high);
    }
    friend num operator-(num a, num b)
    {
        return checked(a.low - b.high, a.high - b.low);
    }
    friend num operator*(num a, num b)
    {
        a.natural(), b.natural();
        require(b.high == 0 || a.high < end() / b.high, "a product leaves its type");
        return num(a.low * b.low, a.high * b.high);
    }
    friend num operator&(num a, num b)
    {
        a.natural(), b.natural();
        if (a.exact() && b.exact())
            return num(a.low & b.low, a.low & b.low);
        if (b.exact() && b.high == filled(b.high) && a.high <= b.high)
            return a;
        return num(0, a.high < b.high ? a.high : b.high);
    }
    friend num operator|(num a, num b)
    {
        a.natural(), b.natural();
        if (a.exact() && b.exact())
            return num(a.low | b.low, a.low | b.low);
        return num(a.low > b.low ? a.low : b.low, filled(a.high > b.high ? a.high : b.high));
    }
    friend num operator^(num a, num b)
    {
        a.natural(), b.natural();
        if (a.exact() && b.exact())
            return num(a.low ^ b.low, a.low ^ b.low);
        return num(0, filled(a.high > b.high ? a.high : b.high));
    }
    /* What leaves at the top is lost. */
    num operator<<(int by) const
    {
        natural();
        if (high >> (BITS - by) == 0)
            return num(low << by, high << by);
        return exact() ? num(low << by & (end() - 1), low << by & (end() - 1)) : num(0, end() - 1);
    }
    num operator>>(int by) const
    {
        natural();
        return num(low >> by, high >> by);
    }
    num &operator+=(num o)
    {
        return *this = *this + o;
    }
    num &operator*=(num o)
    {
        return *this = *this * o;
    }
    num &operator&=(num o)
    {
        return *this = *this & o;
    }
};

typedef num<64> word;

static word either(word a, word b)
{
    return word(a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high);
}

/* ---- bytes ---- */

static void copy_of(uint8_t *to, const uint8_t *from, size_t len)
{
    memmove(to, from, len);
}

static void copy_of(word *to, const word *from, size_t len)
{
    for (size_t i = 0; i < len / sizeof(*to); i++)
        to[i] = from[i];
}

static void copy_of(word *to, const uint8_t *from, size_t)
{
    for (int i = 0; i < 4; i++) {
        unsigned long plain;
        memmove(&plain, from + 8 * i, sizeof(plain));
        to[i] = unknown_bytes ? word(0, word::end() - 1) : word(plain);
    }
}

static void copy_of(uint8_t *to, const word *from, size_t)
{
    for (int i = 0; i < 4; i++) {
        unsigned long plain = (unsigned long)from[i].low;
        memmove(to + 8 * i, &plain, sizeof(plain));
    }
}

/* ---- lanes, and what Intel says of its instructions ---- */

struct lanes {
    word v[GW_FE_LANES];

    word &operator[](unsigned lane)
    {
        return v[lane];
    }
    const word &operator[](unsigned lane) const
    {
        return v[lane];
    }
};

#define EACH_LANE for (int lane = 0; lane < GW_FE_LANES; lane++)
#define OPERATOR(op)                                                                               \
    static lanes operator op(lanes a, lanes b)                                                     \
    {                                                                                              \
        EACH_LANE a.v[lane] = a.v[lane] op b.v[lane];                                              \
        return a;                                                                                  \
    }                                                                                              \
    static lanes operator op(lanes a, word b)                                                      \
    {                                                                                              \
        EACH_LANE a.v[lane] = a.v[lane] op b;                                                      \
        return a;                                                                                  \
    }
OPERATOR(+)
OPERATOR(-)
OPERATOR(&)
OPERATOR(^)
#define SHIFT(op)                                                                                  \
    static lanes operator op(lanes a, int by)                                                      \
    {                                                                                              \
        EACH_LANE a.v[lane] = a.v[lane] op by;                                                     \
        return a;                                                                                  \
    }
SHIFT(<<)
SHIFT(>>)

static lanes &operator+=(lanes &a, lanes b)
{
    return a = a + b;
}

struct mask {
    unsigned set = 0, open = 0; /* bits that are set, and that may be */

    mask() = default;
    mask(unsigned bits) : set(bits)
    {
    }
    mask(int bits) : set((unsigned)bits)
    {
    }
    mask operator~() const
    {
        mask r(~set & ~open);
        r.open = open;
        return r;
    }
    mask &operator|=(mask o)
    {
        set |= o.set, open |= o.open;
        return *this;
    }
    word choose(int lane, word yes, word no) const
    {
        if (open >> lane & 1)
            return either(yes, no);
        return set >> lane & 1 ? yes : no;
    }
};

static word looked_up(lanes a, word at)
{
    if (at.exact())
        return a.v[(int)at.low & (GW_FE_LANES - 1)];
    for (int i = 1; i < GW_FE_LANES; i++)
        a.v[0] = either(a.v[0], a.v[i]);
    return a.v[0];
}

static void require_factors(word a, word b)
{
    require(a.low >= 0 && b.low >= 0 && a.high < one << 52 && b.high < one << 52,
            "a factor is longer than 52 bits");
}

static lanes add_low(lanes sum, lanes a, lanes b)
{
    EACH_LANE {
        require_factors(a.v[lane], b.v[lane]);
        num<128> all = num<128>(a.v[lane]) * num<128>(b.v[lane]);
        sum.v[lane] += word(all & num<128>(0xfffffffffffff));
    }
    return sum;
}

static lanes add_high(lanes sum, lanes a, lanes b)
{
    EACH_LANE {
        require_factors(a.v[lane], b.v[lane]);
        sum.v[lane] += word((num<128>(a.v[lane]) * num<128>(b.v[lane])) >> 52);
    }
    return sum;
}

static lanes chosen(mask k, lanes yes, lanes no)
{
    EACH_LANE no.v[lane] = k.choose(lane, yes.v[lane], no.v[lane]);
    return no;
}

static lanes permuted(lanes a, int order)
{
    lanes r;
    EACH_LANE r.v[lane] = a.v[(lane & 4) + (order >> 2 * (lane & 3) & 3)];
    return r;
}

static lanes permuted(lanes at, lanes a)
{
    lanes r;
    EACH_LANE r.v[lane] = looked_up(a, at.v[lane]);
    return r;
}

static lanes size_of(lanes a)
{
    EACH_LANE {
        word x = a.v[lane], minus = word(0) - x;
        a.v[lane] = x.low >= 0 ? x : x.high <= 0 ? minus : word(0, either(x, minus).high);
    }
    return a;
}

/* Where a lane is less than zero, or zero. */
static mask tested(lanes a, bool zero)
{
    mask r;
    EACH_LANE {
        word x = a.v[lane];
        bool must = zero ? x.exact() && x.low == 0 : x.high < 0;
        bool may = zero ? x.low <= 0 && x.high >= 0 : x.low < 0;
        r.set |= (unsigned)must << lane;
        r.open |= (unsigned)(may && !must) << lane;
    }
    return r;
}

typedef lanes __m256i, __m512i;
typedef mask __mmask8;
#define _mm256_madd52lo_epu64(s, a, b) add_low(s, a, b)
#define _mm256_madd52hi_epu64(s, a, b) add_high(s, a, b)
#define _mm512_madd52lo_epu64(s, a, b) add_low(s, a, b)
#define _mm512_madd52hi_epu64(s, a, b) add_high(s, a, b)
#define _mm256_permutex_epi64(a, order) permuted(a, order)
#define _mm256_mask_permutex_epi64(into, k, a, order) chosen(k, permuted(a, order), into)
#define _mm256_maskz_permutex_epi64(k, a, order) chosen(k, permuted(a, order), lanes())
#define _mm256_mask_blend_epi64(k, no, yes) chosen(k, yes, no)
#define _mm512_mask_blend_epi64(k, no, yes) chosen(k, yes, no)
#define _mm256_mask_sub_epi64(into, k, a, b) chosen(k, (a) - (b), into)
#define _mm256_permutexvar_epi64(at, a) permuted(at, a)
#define _mm512_mask_permutexvar_epi64(into, k, at, a) chosen(k, permuted(at, a), into)
#define _mm512_abs_epi64(a) size_of(a)
#define _mm512_cmplt_epi64_mask(a, zero) tested(a, false)
#define _mm512_testn_epi64_mask(a, b) tested(a, true)
#define _mm512_setzero_si512() lanes()

/* ---- C ---- */

#define uint64_t word
#define memcpy(to, from, len) copy_of(to, from, len)
#define _Static_assert static_assert
#define private private_key
#define public public_key
#define try try_it
#define gw_wipe_object(ptr) ((void)(ptr))
#define __builtin_cpu_supports(what) 1
