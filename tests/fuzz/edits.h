/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes to bytes that were good: a fuzz input says where and how. So an input of ten bytes is a
 * damaged certificate or a bent handshake, and finds its way past checks that no fuzzer guesses.
 */
#pragma once

#include "tests/fuzz/input.h"

struct edited {
    uint8_t *data; /* of exactly `len` bytes; the caller frees it */
    size_t len;
};

/* What an edit does at its place. */
enum edit_kind {
    EDIT_SET,    /* one byte becomes another */
    EDIT_FLIP,   /* bits of one byte */
    EDIT_ADD,    /* to a length, perhaps */
    EDIT_INSERT, /* bytes */
    EDIT_REMOVE, /* bytes */
    EDIT_CUT,    /* all behind it */
    EDIT_KINDS
};

static inline void edit_replace(struct edited *e, size_t at, size_t remove, const uint8_t *with,
                                size_t with_len)
{
    remove = GW_MIN(remove, e->len - at);
    size_t len = e->len - remove + with_len;
    uint8_t *data = malloc(len ? len : 1);
    gw_require(data);
    if (at)
        memcpy(data, e->data, at);
    if (with_len)
        memcpy(data + at, with, with_len);
    if (e->len - at - remove)
        memcpy(data + at + with_len, e->data + at + remove, e->len - at - remove);
    free(e->data);
    *e = (struct edited){data, len};
}

/* One edit: kind (1 byte), place (2), value (1), for EDIT_INSERT so many bytes. */
static inline void edit_once(struct edited *e, struct gw_reader *r)
{
    uint8_t kind = gw_read_u8(r) % EDIT_KINDS;
    size_t at = gw_read_u16(r);
    uint8_t value = gw_read_u8(r);
    at = e->len ? at % (e->len + (kind >= EDIT_INSERT)) : 0;
    if (kind < EDIT_INSERT && e->len == 0)
        return;
    switch (kind) {
    case EDIT_SET:
        e->data[at] = value;
        break;
    case EDIT_FLIP:
        e->data[at] ^= value;
        break;
    case EDIT_ADD:
        e->data[at] = (uint8_t)(e->data[at] + value);
        break;
    case EDIT_INSERT: {
        size_t len;
        uint8_t *bytes = input_bytes(r, value, &len);
        edit_replace(e, at, 0, bytes, len);
        free(bytes);
        break;
    }
    case EDIT_REMOVE:
        edit_replace(e, at, value, NULL, 0);
        break;
    default:
        edit_replace(e, at, e->len, NULL, 0);
    }
}

/* A copy of `data` with `count` edits. */
static inline struct edited edit_copy(const void *data, size_t len, unsigned count,
                                      struct gw_reader *r)
{
    struct edited e = {malloc(len ? len : 1), len};
    gw_require(e.data);
    if (len)
        memcpy(e.data, data, len);
    while (count-- > 0 && gw_reader_left(r) > 0)
        edit_once(&e, r);
    return e;
}
