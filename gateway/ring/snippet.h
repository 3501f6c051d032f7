/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snippets: small pieces of memory that standing receives pick from (ring.h), apart from the relay
 * buffers. There are few of them and a worker can do without: whoever makes it hold many takes none
 * of the relay buffers that others need.
 *
 * Plaintext passes through here: the pages stay out of core dumps.
 */
#pragma once

#include <stdint.h>

enum {
    GW_SNIPPET_BYTES = 2048,
    GW_SNIPPETS = 512, /* of a worker; a MiB, of which only what was lent is ever touched */
};

struct gw_snippet {
    struct gw_snippet *next; /* the owner's */
    uint8_t *data;           /* GW_SNIPPET_BYTES bytes */
    uint32_t id;             /* below GW_SNIPPETS */
    uint32_t len;            /* of what was received, at least 1 */
};

/* The stock of one worker: free ones are a stack, so that the warmest is used first. */
struct gw_snippets {
    uint8_t *pages;
    struct gw_snippet all[GW_SNIPPETS];
    struct gw_snippet *free[GW_SNIPPETS];
    uint32_t free_count;
};

/* 0 or -ENOMEM; after a failure done() may be called. */
int gw_snippets_init(struct gw_snippets *s);
void gw_snippets_done(struct gw_snippets *s);
/* NULL when there is none. */
struct gw_snippet *gw_snippets_take(struct gw_snippets *s);
void gw_snippets_give(struct gw_snippets *s, struct gw_snippet *snippet);
