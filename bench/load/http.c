/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/http.h"

#include <string.h>
#include <strings.h>

size_t bench_http_head_len(const uint8_t *data, size_t len)
{
    const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
    return end ? (size_t)(end - data) + 4 : 0;
}

unsigned bench_http_status(const uint8_t *head, size_t len)
{
    unsigned status = 0;
    if (len < 12 || memcmp(head, "HTTP/1.", 7) != 0 || head[8] != ' ')
        return 0;
    for (size_t i = 9; i < 12; i++) {
        if (head[i] < '0' || head[i] > '9')
            return 0;
        status = status * 10 + (head[i] - '0');
    }
    return status;
}

/* The line that begins after `at`; NULL behind the last. */
static const char *next_line(const char *at, const char *end)
{
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    return lf && lf + 1 < end ? lf + 1 : NULL;
}

static bool read_number(const char *at, const char *end, uint64_t *ret)
{
    uint64_t n = 0;
    bool any = false;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        any = true;
        if (__builtin_mul_overflow(n, 10U, &n) || __builtin_add_overflow(n, *at - '0', &n))
            return false;
    }
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    *ret = n;
    return any && end - at >= 2 && at[0] == '\r' && at[1] == '\n';
}

static bool has_name(const uint8_t *head, size_t len, const char *name)
{
    const char *end = (const char *)head + len;
    size_t want = strlen(name);
    for (const char *at = next_line((const char *)head, end); at; at = next_line(at, end))
        if ((size_t)(end - at) >= want && !strncasecmp(at, name, want))
            return true;
    return false;
}

bool bench_http_content_length(const uint8_t *head, size_t len, uint64_t *ret)
{
    static const char name[] = "content-length:";
    const char *end = (const char *)head + len;
    unsigned found = 0;
    for (const char *at = next_line((const char *)head, end); at; at = next_line(at, end)) {
        if ((size_t)(end - at) < sizeof(name) || strncasecmp(at, name, sizeof(name) - 1) != 0)
            continue;
        if (!read_number(at + sizeof(name) - 1, end, ret))
            return false;
        found++;
    }
    return found == 1 && !has_name(head, len, "transfer-encoding:");
}

bool bench_http_has_line(const uint8_t *head, size_t len, const char *line)
{
    const char *end = (const char *)head + len;
    size_t want = strlen(line);
    for (const char *at = next_line((const char *)head, end); at; at = next_line(at, end))
        if ((size_t)(end - at) > want && !strncasecmp(at, line, want) && at[want] == '\r')
            return true;
    return false;
}
