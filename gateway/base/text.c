/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct gw_text gw_text_in(char *room, size_t size)
{
    gw_require(size > 0);
    *room = '\0';
    return (struct gw_text){.at = room, .left = size};
}

void gw_text_append(struct gw_text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->at, t->left, fmt, args);
    va_end(args);
    size_t used = GW_MIN((size_t)GW_MAX(n, 0), t->left - 1);
    t->at += used;
    t->left -= used;
}

void gw_text_copy(char *room, size_t size, const char *text)
{
    static const char mark[] = "...";
    gw_require(size >= sizeof(mark));
    text = text ? text : "";
    size_t len = strnlen(text, size);
    bool cut = len == size;
    len -= cut ? sizeof(mark) : 0;
    while (cut && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(room, text, len);
    memcpy(room + len, cut ? mark : "", cut ? sizeof(mark) : 1);
}

const char *gw_text_date(int64_t seconds, char room[static GW_TEXT_DATE])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(room, GW_TEXT_DATE, "%Y-%m-%d %H:%M UTC", &tm))
        return "an unreadable date";
    return room;
}
