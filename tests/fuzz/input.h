/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a fuzz input apart. Where it ends too early, what is missing is zero or empty. */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/base/bytes.h"

/* The next `len` bytes, or what is left of the input, in memory of exactly that size (so that a
 * sanitizer sees every byte read past it); the caller frees it. */
static inline uint8_t *input_bytes(struct gw_reader *r, size_t len, size_t *ret_len)
{
    *ret_len = GW_MIN(len, gw_reader_left(r));
    uint8_t *copy = malloc(*ret_len ? *ret_len : 1);
    gw_require(copy);
    if (*ret_len)
        memcpy(copy, gw_read_span(r, *ret_len), *ret_len);
    return copy;
}

/* The bytes up to the next `end`, or to the end of the input, as a string: a NUL cuts it. The
 * caller frees it. */
static inline char *input_text(struct gw_reader *r, char end)
{
    size_t left = gw_reader_left(r);
    const uint8_t *stop = left ? memchr(r->at, end, left) : NULL;
    size_t len = stop ? (size_t)(stop - r->at) : left;
    char *text = malloc(len + 1);
    gw_require(text);
    if (len)
        memcpy(text, gw_read_span(r, len), len);
    text[len] = '\0';
    if (stop)
        (void)gw_read_u8(r);
    char *exact = strdup(text);
    gw_require(exact);
    free(text);
    return exact;
}
