/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snippets: small pieces of memory that standing receives pick from (ring.h), separate from the
 * relay buffers. They are few, and a worker can do without them: a peer that makes it hold many
 * takes no relay buffers from others.
 *
 * Plaintext passes through here: the pages are excluded from core dumps.
 */
#pragma once

#include <stdint.h>

enum {
    GW_SNIPPET_BYTES = 2048,
    GW_SNIPPETS = 512, /* per worker; 1 MiB, of which only lent parts are ever touched */
};

struct gw_snippet {
    struct gw_snippet *next; /* used by the owner */
    uint8_t *data;           /* GW_SNIPPET_BYTES bytes */
    uint32_t id;             /* below GW_SNIPPETS */
    uint32_t len;            /* the received bytes, at least 1 */
};

/* The stock of one worker. Free snippets form a stack, so that the warmest is used first. */
struct gw_snippets {
    uint8_t *pages;
    struct gw_snippet all[GW_SNIPPETS];
    struct gw_snippet *free[GW_SNIPPETS];
    uint32_t free_count;
};

/* 0 or -ENOMEM; after a failure gw_snippets_done may be called. */
int gw_snippets_init(struct gw_snippets *s);
void gw_snippets_done(struct gw_snippets *s);
/* NULL when there is none. */
struct gw_snippet *gw_snippets_take(struct gw_snippets *s);
void gw_snippets_give(struct gw_snippets *s, struct gw_snippet *snippet);
