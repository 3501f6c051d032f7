/* SPDX-License-Identifier: Apache-2.0 */
/* A line that is put together piece by piece in room of a fixed size. What does not fit is cut off,
 * and it is always terminated. */
#pragma once

#include "gateway/base/attr.h"

#include <stddef.h>
#include <stdint.h>

struct gw_text {
    char *at;    /* the end of what is written: a NUL */
    size_t left; /* room from there, at least one byte */
};

/* An empty one in room[0…size), which stays the caller's; `size` is at least 1. */
struct gw_text gw_text_in(char *room, size_t size);
void gw_text_append(struct gw_text *t, const char *fmt, ...) gw_printf(2, 3);

/* Copies the text (NULL: "") into room[0…size), size at least 4. One that does not fit is cut
 * between two characters of UTF-8, and ends in "...". */
void gw_text_copy(char *room, size_t size, const char *text);

enum {
    GW_TEXT_DATE = 32
};

/* A moment, in seconds since 1970, as people read it: "2026-11-21 04:24 UTC", in `room`; where it
 * is none, what stands for it in a sentence. */
const char *gw_text_date(int64_t seconds, char room[static GW_TEXT_DATE]);
