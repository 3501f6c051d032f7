/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endless pseudo-random byte streams, one per seed, in which any position can be computed. A
 * receiver checks each byte at its place: a lost, doubled, swapped or foreign piece cannot pass.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes the bytes [at, at + len) of the stream `seed`. */
void pattern_fill(uint8_t *out, size_t len, uint64_t seed, uint64_t at);
/* How many bytes of `in`, from its beginning, are those of the stream at `at`: len when all. */
size_t pattern_match(const uint8_t *in, size_t len, uint64_t seed, uint64_t at);
