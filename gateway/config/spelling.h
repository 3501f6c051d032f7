/* SPDX-License-Identifier: Apache-2.0 */
/* How far apart two spellings are, for "did you mean". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    GW_SPELLING_MAX = 40
}; /* longer words are near to nothing */

/* Edits (insert, remove, change, swap of neighbours) from a to b; -1 when one is too long. */
int gw_spelling_distance(const char *a, size_t a_len, const char *b, size_t b_len);

/* Whether so many edits in a word of this length still look like a slip. */
bool gw_spelling_near(int distance, size_t len);
