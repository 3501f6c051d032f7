/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/http.h"

#include "tests/integration/pattern.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool parse_head(struct http *h)
{
    h->close = strcasestr(h->head, "\r\nconnection: close\r\n") != NULL;
    if (sscanf(h->head, "GET /%" SCNu64 " HTTP/1.1\r\n", &h->length) == 1) {
        h->get = true;
        return true;
    }
    const char *length = strcasestr(h->head, "\r\ncontent-length:");
    if (strncmp(h->head, "PUT /", 5) != 0 || !length)
        return false;
    h->length = strtoull(strchr(length, ':') + 1, NULL, 10);
    return true;
}

/* Takes bytes until the empty line. Returns how many belong to the head, or len + 1 when it is
 * malformed. */
static size_t take_head(struct http *h, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (h->head_len + 1 >= sizeof(h->head))
            return len + 1;
        h->head[h->head_len++] = (char)data[i];
        h->head[h->head_len] = '\0';
        if (h->head_len < 4 || memcmp(h->head + h->head_len - 4, "\r\n\r\n", 4) != 0)
            continue;
        h->head_done = true;
        return parse_head(h) ? i + 1 : len + 1;
    }
    return len;
}

enum http_verdict http_take(struct http *h, const uint8_t *data, size_t len, uint64_t seed)
{
    size_t used = h->head_done ? 0 : take_head(h, data, len);
    if (used > len || h->done)
        return HTTP_WRONG;
    if (!h->head_done)
        return HTTP_MORE;
    size_t left = len - used;
    if (pattern_match(data + used, left, seed, h->body) < left)
        return HTTP_WRONG;
    h->body += left;
    h->done = h->get || h->body == h->length;
    return h->done ? HTTP_DONE : HTTP_MORE;
}

size_t http_reply(const struct http *h, bool wrong, char reply[HTTP_REPLY_MAX])
{
    int n = snprintf(reply, HTTP_REPLY_MAX,
                     "HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\n"
                     "Content-Length: %" PRIu64 "\r\n\r\n",
                     wrong ? "400 Bad Request" : "200 OK", !wrong && h->get ? h->length : 0);
    return (size_t)n;
}
