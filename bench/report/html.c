/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* How many bytes at `at` are one character of UTF-8; 0: they are none. */
static size_t utf8_len(const unsigned char *at)
{
    size_t len = at[0] < 0x80                    ? 1
                 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
                 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                                 : 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static const char *escaped(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

void bench_html_text(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        size_t len = utf8_len(at);
        const char *instead = len == 1 ? escaped(*at) : len ? NULL : "\xef\xbf\xbd";
        if (instead)
            (void)fputs(instead, out);
        else
            (void)fwrite(at, 1, len, out);
        at += len ? len : 1;
    }
}

void bench_html_printf(FILE *out, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bench_html_text(out, text);
}

/* Puts a comma before each three digits from the right. */
static void group(const char *digits, char out[BENCH_NUMBER_MAX])
{
    size_t len = strlen(digits), at = 0;
    for (size_t i = 0; i < len && at + 2 < BENCH_NUMBER_MAX; i++) {
        if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

const char *bench_number(double value, char out[BENCH_NUMBER_MAX])
{
    double size = fabs(value);
    char digits[BENCH_NUMBER_MAX];
    if (!(size < 1e15)) {
        (void)snprintf(out, BENCH_NUMBER_MAX, "%.2e", value);
        return out;
    }
    int places = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    (void)snprintf(digits, sizeof(digits), "%.*f", places, value);
    if (places || size < 1000)
        (void)snprintf(out, BENCH_NUMBER_MAX, "%s", digits);
    else
        group(digits, out);
    return out;
}
