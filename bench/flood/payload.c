/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flood/payload.h"

#include "gateway/base/attr.h"
#include "gateway/base/bytes.h"

enum {
    HELLO_MAX = 512,
    DEPTH_MAX = 6,
};

/* ---- a ClientHello (RFC 8446 4.1.2) ---- */

/* The length that stands before a vector is filled in when it ends. */
struct hello {
    struct gw_writer w;
    struct {
        uint8_t *at;
        size_t width;
    } open[DEPTH_MAX];
    unsigned depth;
};

static void begin(struct hello *h, size_t width)
{
    h->open[h->depth].at = h->w.at;
    h->open[h->depth++].width = width;
    gw_write_be(&h->w, 0, width);
}

static void end(struct hello *h)
{
    uint8_t *at = h->open[--h->depth].at;
    size_t width = h->open[h->depth].width;
    struct gw_writer w = gw_writer_of(at, width);
    gw_write_be(&w, (uint64_t)(h->w.at - at) - width, width);
}

static void put_random(struct hello *h, struct bench_random *r, size_t len)
{
    for (size_t i = 0; i < len; i++)
        gw_write_be(&h->w, (uint8_t)bench_random_next(r), 1);
}

static void put_extension(struct hello *h, uint16_t type, const char *bytes, size_t len)
{
    gw_write_be(&h->w, type, 2);
    begin(h, 2);
    gw_write_bytes(&h->w, bytes, len);
    end(h);
}

static void put_key_share(struct hello *h, struct bench_random *r)
{
    gw_write_be(&h->w, 51, 2);
    begin(h, 2);
    begin(h, 2);
    gw_write_be(&h->w, 29, 2); /* x25519 */
    begin(h, 2);
    put_random(h, r, 32);
    end(h);
    end(h);
    end(h);
}

#define EXTENSION(h, type, bytes) put_extension(h, type, bytes, sizeof(bytes) - 1)

static void put_extensions(struct hello *h, struct bench_random *r)
{
    begin(h, 2);
    EXTENSION(h, 0, "\0\xc\0\0\x9localhost");
    EXTENSION(h, 10, "\0\4\0\x1d\0\x17");
    EXTENSION(h, 13, "\0\x8\4\3\x8\4\4\1\x8\5");
    EXTENSION(h, 43, "\4\3\4\3\3");
    EXTENSION(h, 45, "\1\1");
    put_key_share(h, r);
    end(h);
}

static size_t write_hello(struct bench_random *r, uint8_t *out, size_t room)
{
    struct hello h = {.w = gw_writer_of(out, room)};
    gw_write_bytes(&h.w, "\x16\3\1", 3);
    begin(&h, 2);
    gw_write_be(&h.w, 1, 1);
    begin(&h, 3);
    gw_write_be(&h.w, 0x0303, 2);
    put_random(&h, r, 32);
    begin(&h, 1);
    put_random(&h, r, 32);
    end(&h);
    begin(&h, 2);
    gw_write_bytes(&h.w, "\x13\1\x13\2\x13\3\xc0\x2b\xc0\x2f", 10);
    end(&h);
    gw_write_bytes(&h.w, "\1\0", 2); /* no compression */
    put_extensions(&h, r);
    end(&h);
    end(&h);
    gw_require(!h.w.failed && h.depth == 0);
    return gw_writer_len(&h.w);
}

/* ---- what is no TLS ---- */

struct saying {
    const char *bytes; /* NULL: random ones */
    size_t len;
};

#define SAYING(text)                                                                               \
    {                                                                                              \
        .bytes = (text), .len = sizeof(text) - 1                                                   \
    }
#define EMPTY_RECORD "\x16\3\3\0\0"

static const struct saying garbage[] = {
    {.bytes = NULL},
    SAYING("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    SAYING("\x16\3\1\xff\xff\1\0\xff\xfb\3\3"), /* a record that is too long */
    SAYING("\x16\3\1\0\4\1\xff\xff\xff"),       /* a message of 16 MiB */
    SAYING(EMPTY_RECORD EMPTY_RECORD EMPTY_RECORD EMPTY_RECORD),
    SAYING("\x17\3\3\0\x14"
           "no handshake before."),                   /* application data */
    SAYING("\x15\3\3\0\2\2\x28"),                     /* an alert */
    SAYING("\x80\x2e\1\0\2\0\x15\0\0\0\x10\1\0\x80"), /* SSL 2 */
};

_Static_assert(GW_ARRAY_SIZE(garbage) <= BENCH_SAYINGS_MAX, "raise BENCH_SAYINGS_MAX");

bool bench_payload_say(enum bench_flood_kind kind, unsigned n, size_t size, struct bench_random *r,
                       uint8_t *out, size_t room, size_t *ret_len)
{
    gw_require(bench_flood_kind_answers(kind) && room >= HELLO_MAX && room >= size);
    if (kind == BENCH_FLOOD_HANDSHAKE_HALF_HELLO) {
        *ret_len = write_hello(r, out, HELLO_MAX) / 2;
        return n == 0;
    }
    if (n >= GW_ARRAY_SIZE(garbage))
        return false;
    *ret_len = garbage[n].bytes ? garbage[n].len : size;
    if (garbage[n].bytes)
        memcpy(out, garbage[n].bytes, *ret_len);
    else
        bench_random_fill(r, out, size);
    return true;
}
