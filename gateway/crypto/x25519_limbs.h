/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One element of GF(2^255 - 19), in integer registers: five limbs of 51 bits, l[0] + 2^51 l[1] +
 * ..., each below 2^51 + 2^14 unless said otherwise. No branch and no address depends on a value.
 */
#pragma once

#include <stdint.h>

enum {
    FE_LIMBS = 5,
    FE_LIMB_BITS = 51,
    FE_BYTES = 32,
    FE_WORDS = FE_BYTES / 8
};

#define FE_LIMB_MASK ((1ULL << FE_LIMB_BITS) - 1)

/* Any 32 bytes, little endian; the top bit is ignored (RFC 7748 5). */
void fe_from_bytes(uint64_t ret[FE_LIMBS], const uint8_t bytes[FE_BYTES]);
/* The unique representation below the prime. */
void fe_to_bytes(uint8_t ret[FE_BYTES], const uint64_t l[FE_LIMBS]);
/* A private key as 64-bit words, with the fixed bits set (RFC 7748 5). */
void fe_key_words(uint64_t ret[FE_WORDS], const uint8_t key[FE_BYTES]);

/* `ret` may be one of the arguments. */
void fe_multiply(uint64_t ret[FE_LIMBS], const uint64_t a[FE_LIMBS], const uint64_t b[FE_LIMBS]);
/* The inverse of zero is zero. */
void fe_invert(uint64_t ret[FE_LIMBS], const uint64_t a[FE_LIMBS]);
