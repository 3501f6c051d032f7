/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ring/buffer.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SLAB_BUFFERS = 16
};

struct gw_buf_slab {
    struct gw_buf_slab *next;
    uint8_t *pages;
    struct gw_buf bufs[SLAB_BUFFERS];
};

void gw_buffer_slots(uint8_t *data, uint32_t each, struct iovec ret[GW_BUFFER_SLOTS])
{
    uint32_t room = GW_BURST_PAYLOAD;
    for (uint32_t i = 0; i < GW_BUFFER_SLOTS; i++) {
        uint32_t len = GW_MIN(room, each);
        ret[i] = (struct iovec){.iov_base = gw_buffer_slot(data, i), .iov_len = len};
        room -= len;
    }
}

static size_t slab_bytes(void)
{
    return (size_t)SLAB_BUFFERS * GW_BUFFER_STRIDE;
}

int gw_buffers_init(struct gw_buffers *b, uint32_t limit)
{
    *b = (struct gw_buffers){.limit = limit};
    b->by_id = calloc(limit, sizeof(*b->by_id));
    b->free = calloc(limit, sizeof(*b->free));
    return b->by_id && b->free ? 0 : -ENOMEM;
}

void gw_buffers_done(struct gw_buffers *b)
{
    for (struct gw_buf_slab *s = b->slabs; s;) {
        struct gw_buf_slab *next = s->next;
        (void)munmap(s->pages, slab_bytes());
        free(s);
        s = next;
    }
    free(b->by_id);
    free(b->free);
    *b = (struct gw_buffers){0};
}

/* Pages are mapped but not touched, so a buffer costs only the memory that was ever filled. */
static bool grow(struct gw_buffers *b)
{
    if (b->made >= b->limit)
        return false;
    struct gw_buf_slab *s = calloc(1, sizeof(*s));
    b->no_memory = true;
    if (!s)
        return false;
    s->pages = mmap(NULL, slab_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s->pages == MAP_FAILED) {
        free(s);
        return false;
    }
    b->no_memory = false;
    (void)madvise(s->pages, slab_bytes(), MADV_DONTDUMP);
    s->next = b->slabs;
    b->slabs = s;
    for (uint32_t i = 0; i < SLAB_BUFFERS && b->made < b->limit; i++) {
        struct gw_buf *buf = &s->bufs[i];
        buf->data = s->pages + (size_t)i * GW_BUFFER_STRIDE;
        buf->id = b->made;
        b->by_id[b->made++] = buf;
        b->free[b->free_count++] = buf;
    }
    return true;
}

struct gw_buf *gw_buffers_take(struct gw_buffers *b)
{
    if (b->free_count == 0 && !grow(b))
        return NULL;
    struct gw_buf *buf = b->free[--b->free_count];
    b->trimmed = GW_MIN(b->trimmed, b->free_count);
    b->to_trim = GW_MIN(b->to_trim, b->free_count);
    return buf;
}

void gw_buffers_give(struct gw_buffers *b, struct gw_buf *buf)
{
    gw_require(b->free_count < b->made);
    b->free[b->free_count++] = buf;
}

void gw_buffers_begin_trim(struct gw_buffers *b)
{
    b->to_trim = b->free_count;
}

static void trim_one(struct gw_buf *buf)
{
    /* Frees only pages that belong to this buffer alone: a buffer need not begin at a page. */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)buf->data + page - 1) & ~(page - 1);
    uintptr_t to = ((uintptr_t)buf->data + GW_BUFFER_STRIDE) & ~(page - 1);
    (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

bool gw_buffers_trim(struct gw_buffers *b)
{
    for (uint32_t n = 0; n < GW_TRIM_STEP && b->trimmed < b->to_trim; n++)
        trim_one(b->free[b->trimmed++]);
    return b->trimmed < b->to_trim;
}
