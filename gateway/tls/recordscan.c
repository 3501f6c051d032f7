/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/recordscan.h"

#include "gateway/base/attr.h"
#include "gateway/base/bytes.h"
#include "gateway/base/limits.h"

enum {
    TYPE_CHANGE_CIPHER_SPEC = 20,
    TYPE_APPLICATION_DATA = 23,
};

static void on_header(struct gw_recordscan *s)
{
    struct gw_reader r = gw_reader_of(s->head, GW_RECORD_HEADER);
    uint8_t type = gw_read_u8(&r);
    (void)gw_read_u16(&r);
    s->body_left = gw_read_u16(&r);
    if (type == TYPE_CHANGE_CIPHER_SPEC) {
        s->ccs_seen = 1;
        s->after_ccs = 0;
    } else {
        s->after_ccs++;
    }
    if (type == TYPE_APPLICATION_DATA)
        s->protected ++;
}

static void on_end(struct gw_recordscan *s)
{
    struct gw_reader r = gw_reader_of(s->head, s->head_len);
    (void)gw_read_span(&r, GW_RECORD_HEADER);
    s->explicit_nonce = gw_read_be(&r, 8);
    s->head_len = 0;
}

/* Copies up to `want` bytes to the head. Returns their number. */
static size_t fill_head(struct gw_recordscan *s, const uint8_t *data, size_t len, size_t want)
{
    size_t n = GW_MIN(len, want - s->head_len);
    memcpy(s->head + s->head_len, data, n);
    s->head_len += n;
    return n;
}

static size_t take_body(struct gw_recordscan *s, const uint8_t *data, size_t len)
{
    size_t n = GW_MIN(len, s->body_left);
    if (s->head_len < sizeof(s->head))
        (void)fill_head(s, data, n, sizeof(s->head));
    s->body_left -= n;
    return n;
}

void gw_recordscan_add(struct gw_recordscan *s, const uint8_t *data, size_t len)
{
    while (len) {
        size_t n;
        if (s->head_len < GW_RECORD_HEADER) {
            n = fill_head(s, data, len, GW_RECORD_HEADER);
            if (s->head_len < GW_RECORD_HEADER)
                return;
            on_header(s);
        } else {
            n = take_body(s, data, len);
        }
        data += n;
        len -= n;
        if (s->body_left == 0)
            on_end(s);
    }
}
