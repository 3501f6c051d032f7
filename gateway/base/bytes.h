/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds-checked reading and writing of byte strings. Every parser and encoder of network bytes
 * uses these two cursors.
 *
 * Errors persist: after the first read or write that does not fit, `failed` stays true, reads
 * return zeroes and writes do nothing. So a parser may read a whole structure and check once at the
 * end.
 */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gw_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct gw_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct gw_reader gw_reader_of(const void *data, size_t len)
{
    const uint8_t *p = data;
    return (struct gw_reader){.at = p, .end = p ? p + len : p};
}

static inline size_t gw_reader_left(const struct gw_reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

/* Returns a pointer to the next `len` bytes and skips them. NULL when fewer are left. */
static inline const uint8_t *gw_read_span(struct gw_reader *r, size_t len)
{
    if (r->failed || len > (size_t)(r->end - r->at)) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += len;
    return p;
}

/* Big-endian unsigned integer of `width` bytes (1 to 8); 0 once failed. */
static inline uint64_t gw_read_be(struct gw_reader *r, size_t width)
{
    const uint8_t *p = gw_read_span(r, width);
    uint64_t v = 0;
    if (p)
        memcpy(&v, p, width);
    return be64toh(v) >> (8 * (8 - width));
}

static inline uint8_t gw_read_u8(struct gw_reader *r)
{
    return (uint8_t)gw_read_be(r, 1);
}

static inline uint16_t gw_read_u16(struct gw_reader *r)
{
    return (uint16_t)gw_read_be(r, 2);
}

static inline uint32_t gw_read_u24(struct gw_reader *r)
{
    return (uint32_t)gw_read_be(r, 3);
}

static inline uint32_t gw_read_u32(struct gw_reader *r)
{
    return (uint32_t)gw_read_be(r, 4);
}

/* A sub-reader over the next `len` bytes. It has failed when fewer are left. */
static inline struct gw_reader gw_read_sub(struct gw_reader *r, size_t len)
{
    const uint8_t *p = gw_read_span(r, len);
    return (struct gw_reader){.at = p, .end = p ? p + len : p, .failed = r->failed};
}

static inline struct gw_writer gw_writer_of(void *data, size_t len)
{
    uint8_t *p = data;
    return (struct gw_writer){.start = p, .at = p, .end = p ? p + len : p};
}

static inline size_t gw_writer_len(const struct gw_writer *w)
{
    return (size_t)(w->at - w->start);
}

static inline void gw_write_bytes(struct gw_writer *w, const void *data, size_t len)
{
    if (w->failed || len > (size_t)(w->end - w->at)) {
        w->failed = true;
        return;
    }
    if (len)
        memcpy(w->at, data, len);
    w->at += len;
}

/* Big-endian unsigned integer of `width` bytes (1 to 8); fails when v does not fit the width. */
static inline void gw_write_be(struct gw_writer *w, uint64_t v, size_t width)
{
    if (width < 8 && v >> (8 * width))
        w->failed = true;
    v = htobe64(v << (8 * (8 - width)));
    gw_write_bytes(w, &v, width);
}
