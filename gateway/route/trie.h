/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of parts: from a node, a part (some bytes) leads to another node. All edges are in one
 * hash table, so a step costs the same with ten of them or a million. The creator gives the final
 * number in advance; lookups do not allocate. The keys come only from the operator, so the hash
 * needs no secret.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GW_TRIE_NONE UINT32_MAX

struct gw_trie_edge {
    const char *part; /* the caller's, which must outlive the trie; NULL: no edge */
    uint32_t len;
    uint32_t from;
    uint32_t to;
};

struct gw_trie {
    struct gw_trie_edge *edges; /* 2^bits places */
    unsigned bits;
    uint32_t node_count;
    uint32_t node_max;
};

/* Makes `roots` nodes, numbered from 0, with room for `more`. Returns 0 or -ENOMEM. */
gw_must_check int gw_trie_init(struct gw_trie *t, uint32_t roots, uint32_t more);
void gw_trie_done(struct gw_trie *t); /* a zeroed object is allowed */

/* The node that the part leads to; adds one if there is none. Keeps `part` by pointer. */
uint32_t gw_trie_add(struct gw_trie *t, uint32_t from, const char *part, size_t len);
/* GW_TRIE_NONE when there is none. */
uint32_t gw_trie_find(const struct gw_trie *t, uint32_t from, const char *part, size_t len);
