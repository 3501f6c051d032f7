/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scan of what libssl wrote, against code that looks at the whole stream at once. Input: how
 * the stream is cut (1 byte), then records of type (1), length (2) and the first bytes of the body
 * (8).
 */
#include "gateway/tls/recordscan.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

enum {
    STREAM_MAX = 1 << 17, /* two of the longest records */
    HEADER = 5,
};

static void build(struct gw_reader *r, struct gw_writer *w)
{
    static const uint8_t zeroes[UINT16_MAX];
    while (gw_reader_left(r) >= 11 && !w->failed) {
        uint8_t type = gw_read_u8(r);
        uint16_t len = gw_read_u16(r);
        const uint8_t *body = gw_read_span(r, 8);
        struct gw_writer before = *w;
        gw_write_be(w, type, 1);
        gw_write_be(w, 0x0303, 2);
        gw_write_be(w, len, 2);
        gw_write_bytes(w, body, GW_MIN(len, 8));
        gw_write_bytes(w, zeroes, len > 8 ? len - 8U : 0);
        if (w->failed)
            *w = before, w->failed = true;
    }
}

static void check(const struct gw_recordscan *s, const uint8_t *data, size_t len)
{
    uint64_t protected = 0, after_ccs = 0, nonce = 0;
    bool ccs = false;
    for (size_t at = 0, body; at < len; at += HEADER + body) {
        body = (size_t)(data[at + 3] << 8 | data[at + 4]);
        gw_require(at + HEADER + body <= len);
        ccs = ccs || data[at] == 20;
        after_ccs = data[at] == 20 ? 0 : after_ccs + 1;
        protected += data[at] == 23;
        nonce = 0;
        for (size_t i = 0; body >= 8 && i < 8; i++)
            nonce = nonce << 8 | data[at + HEADER + i];
    }
    gw_require(s->protected == protected && s->after_ccs == after_ccs);
    gw_require(s->explicit_nonce == nonce && !!s->ccs_seen == ccs);
    gw_require(s->head_len == 0 && s->body_left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    size_t piece = gw_read_u8(&r);
    uint8_t *stream = malloc(STREAM_MAX);
    gw_require(stream);
    struct gw_writer w = gw_writer_of(stream, STREAM_MAX);
    struct gw_recordscan scan = {0};
    build(&r, &w);
    size_t len = gw_writer_len(&w);
    for (size_t at = 0, n; at < len; at += n) {
        n = GW_MIN(piece * piece + 1, len - at);
        gw_recordscan_add(&scan, stream + at, n);
        gw_require(scan.head_len <= sizeof(scan.head));
    }
    check(&scan, stream, len);
    free(stream);
    return 0;
}
