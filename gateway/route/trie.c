/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* The first place to look for an edge. */
static size_t first_place(const struct gw_trie *t, uint32_t from, const char *part, size_t len)
{
    uint64_t h = mix(len, from);
    uint64_t word = 0;
    for (; len >= sizeof(word); part += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, part, sizeof(word));
        h = mix(h, word);
    }
    word = 0;
    memcpy(&word, part, len);
    return mix(h, word) >> (64 - t->bits);
}

static bool is_edge(const struct gw_trie_edge *e, uint32_t from, const char *part, size_t len)
{
    return e->from == from && e->len == len && memcmp(e->part, part, len) == 0;
}

/* The edge, or the free place for it. */
static struct gw_trie_edge *place_of(const struct gw_trie *t, uint32_t from, const char *part,
                                     size_t len)
{
    size_t at = first_place(t, from, part, len);
    while (t->edges[at].part && !is_edge(&t->edges[at], from, part, len))
        at = (at + 1) & (((size_t)1 << t->bits) - 1);
    return &t->edges[at];
}

int gw_trie_init(struct gw_trie *t, uint32_t roots, uint32_t more)
{
    *t = (struct gw_trie){.bits = 4, .node_count = roots, .node_max = roots + more};
    while ((UINT64_C(1) << t->bits) < 2 * (uint64_t)more)
        t->bits++;
    t->edges = calloc((size_t)1 << t->bits, sizeof(*t->edges));
    return t->edges ? 0 : -ENOMEM;
}

void gw_trie_done(struct gw_trie *t)
{
    free(t->edges);
    *t = (struct gw_trie){.edges = NULL};
}

uint32_t gw_trie_add(struct gw_trie *t, uint32_t from, const char *part, size_t len)
{
    struct gw_trie_edge *e = place_of(t, from, part, len);
    if (!e->part) {
        gw_require(t->node_count < t->node_max);
        *e = (struct gw_trie_edge){part, (uint32_t)len, from, t->node_count++};
    }
    return e->to;
}

uint32_t gw_trie_find(const struct gw_trie *t, uint32_t from, const char *part, size_t len)
{
    const struct gw_trie_edge *e = place_of(t, from, part, len);
    return e->part ? e->to : GW_TRIE_NONE;
}
