/* SPDX-License-Identifier: Apache-2.0 */
/* Text built piece by piece in a buffer of fixed size. It is truncated if needed, and always
 * terminated. */
#pragma once

#include "gateway/base/attr.h"

#include <stddef.h>
#include <stdint.h>

struct gw_text {
    char *at;    /* the end of the text: a NUL */
    size_t left; /* room from there, at least one byte */
};

/* An empty text in room[0…size), which stays the caller's. `size` is at least 1. */
struct gw_text gw_text_in(char *room, size_t size);
void gw_text_append(struct gw_text *t, const char *fmt, ...) gw_printf(2, 3);

/* Copies the text (NULL: "") to room[0…size); `size` is at least 4. Text that does not fit is cut
 * between two UTF-8 characters, and ends in "...". */
void gw_text_copy(char *room, size_t size, const char *text);

enum {
    GW_TEXT_DATE = 32
};

/* A time, in seconds since 1970, in readable form: "2026-11-21 04:24 UTC", in `room`. For an
 * invalid time, a phrase that replaces it in a sentence. */
const char *gw_text_date(int64_t seconds, char room[static GW_TEXT_DATE]);
