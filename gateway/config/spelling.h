/* SPDX-License-Identifier: Apache-2.0 */
/* The distance between two spellings, for "did you mean". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    GW_SPELLING_MAX = 40
}; /* longer words have no near ones */

/* The number of edits (insert, remove, change, swap of neighbours) from a to b. -1 when one is too
 * long. */
int gw_spelling_distance(const char *a, size_t a_len, const char *b, size_t b_len);

/* Whether this many edits in a word of this length look like a typo. */
bool gw_spelling_near(int distance, size_t len);
