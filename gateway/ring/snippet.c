/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ring/snippet.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

enum {
    STOCK_BYTES = GW_SNIPPETS * GW_SNIPPET_BYTES
};

int gw_snippets_init(struct gw_snippets *s)
{
    *s = (struct gw_snippets){0};
    void *pages =
        mmap(NULL, STOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return -ENOMEM;
    (void)madvise(pages, STOCK_BYTES, MADV_DONTDUMP);
    s->pages = pages;
    for (uint32_t i = 0; i < GW_SNIPPETS; i++) {
        uint32_t id = GW_SNIPPETS - 1 - i; /* the first are on top */
        s->all[id] =
            (struct gw_snippet){.data = s->pages + (size_t)id * GW_SNIPPET_BYTES, .id = id};
        gw_snippets_give(s, &s->all[id]);
    }
    return 0;
}

void gw_snippets_done(struct gw_snippets *s)
{
    if (s->pages)
        (void)munmap(s->pages, STOCK_BYTES);
    s->pages = NULL;
}

struct gw_snippet *gw_snippets_take(struct gw_snippets *s)
{
    return s->free_count > 0 ? s->free[--s->free_count] : NULL;
}

void gw_snippets_give(struct gw_snippets *s, struct gw_snippet *snippet)
{
    gw_require(s->free_count < GW_SNIPPETS);
    s->free[s->free_count++] = snippet;
}
