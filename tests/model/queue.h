/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on their way, for the doubles: added at the end, taken from the front. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct gw_queue {
    uint8_t *data;
    size_t at;
    size_t len;
    size_t cap;
};

static inline size_t gw_queued(const struct gw_queue *q)
{
    return q->len - q->at;
}

static inline void gw_queue_add(struct gw_queue *q, const void *data, size_t len)
{
    if (q->at == q->len)
        q->at = q->len = 0;
    if (q->len + len > q->cap) {
        q->cap = (q->len + len) * 2;
        q->data = realloc(q->data, q->cap);
        assert_non_null(q->data);
    }
    if (len)
        memcpy(q->data + q->len, data, len);
    q->len += len;
}

/* Takes at most `cap` bytes; their number. */
static inline size_t gw_queue_take(struct gw_queue *q, void *data, size_t cap)
{
    size_t n = gw_queued(q) < cap ? gw_queued(q) : cap;
    if (n)
        memcpy(data, q->data + q->at, n);
    q->at += n;
    return n;
}

static inline void gw_queue_free(struct gw_queue *q)
{
    free(q->data);
    *q = (struct gw_queue){0};
}
