/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough of an HTTP/1.1 server for curl's GET and PUT of patterns: one request at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_HEAD_MAX = 2048,
    HTTP_REPLY_MAX = 256,
};

/* All zero before the first byte. */
struct http {
    char head[HTTP_HEAD_MAX];
    size_t head_len;
    bool head_done;
    bool get;        /* else PUT */
    bool close;      /* the client asks for the end of the connection after the reply */
    bool done;       /* the whole request came */
    uint64_t length; /* of the reply's body (GET /LENGTH) or of the request's (PUT) */
    uint64_t body;   /* bytes of the request's body that came */
};

enum http_verdict {
    HTTP_MORE,
    HTTP_DONE,  /* the whole request is here: send http_reply */
    HTTP_WRONG, /* not HTTP as we know it, or a body that is not the stream `seed` */
};

enum http_verdict http_take(struct http *h, const uint8_t *data, size_t len, uint64_t seed);
/* The head of the reply; its length. */
size_t http_reply(const struct http *h, bool wrong, char reply[HTTP_REPLY_MAX]);

static inline bool http_replied(const struct http *h)
{
    return h->done;
}
