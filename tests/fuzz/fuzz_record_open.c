/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of records as a peer may send it, cut anywhere: good records, bad ones, key updates, and
 * bytes that are no records. Since no fuzzer guesses tags, the input says what the peer does, and
 * independent code seals it. Input: suite (1 byte), how the stream is cut (1), then steps.
 */
#include "gateway/base/bytes.h"
#include "gateway/base/limits.h"
#include "gateway/record/control.h"
#include "tests/fuzz/target.h"
#include "tests/support/record_fixture.h"

enum {
    STREAM_MAX = 40 * 1024,
};

struct stream {
    struct record_fixture f;
    uint8_t bytes[STREAM_MAX];
    size_t len;
    bool honest; /* nothing in it may fail to open */
};

static uint8_t *room(struct stream *s, size_t len)
{
    return len <= sizeof(s->bytes) - s->len ? s->bytes + s->len : NULL;
}

static void add_sealed(struct stream *s, uint8_t type, const uint8_t *content, size_t len,
                       size_t pad)
{
    uint8_t *at = room(s, len + pad + KTLS_SOFT_OVERHEAD);
    if (!at)
        return;
    int size = ktls_soft_seal(&s->f.peer_tx, type, content, len, pad, at);
    gw_require(size > 0);
    s->len += (size_t)size;
}

static void step_raw(struct stream *s, struct gw_reader *r)
{
    size_t len = gw_read_u8(r);
    len = GW_MIN(len, gw_reader_left(r));
    uint8_t *at = room(s, len);
    const uint8_t *from = gw_read_span(r, len);
    if (!at || !from)
        return;
    memcpy(at, from, len);
    s->len += len;
    s->honest = s->honest && len == 0;
}

/* Content is one byte over and over, which is all that opening looks at. */
static void step_record(struct stream *s, struct gw_reader *r)
{
    static uint8_t content[GW_RECORD_PLAINTEXT_MAX];
    uint8_t type = gw_read_u8(r);
    size_t len = gw_read_u16(r) % (GW_RECORD_PLAINTEXT_MAX + 1);
    size_t pad = gw_read_u16(r) % (GW_RECORD_PLAINTEXT_MAX - len + 1);
    memset(content, gw_read_u8(r), len);
    if (r->failed)
        return;
    if (type < GW_CONTENT_CCS || type > GW_CONTENT_DATA)
        s->honest = false;
    add_sealed(s, type, content, len, gw_record_is_tls13(&s->f.rec) ? pad : 0);
}

static void step_tampered(struct stream *s, struct gw_reader *r)
{
    size_t before = s->len;
    step_record(s, r);
    size_t bit = gw_read_u24(r);
    if (s->len == before)
        return;
    s->bytes[before + bit / 8 % (s->len - before)] ^= (uint8_t)(1 << bit % 8);
    s->honest = false;
}

static void step_key_update(struct stream *s, struct gw_reader *r)
{
    uint8_t message[GW_CONTROL_MAX];
    size_t before = s->len, len = gw_control_key_update(message, gw_read_u8(r) & 1);
    if (!gw_record_is_tls13(&s->f.rec))
        return;
    add_sealed(s, GW_CONTENT_HANDSHAKE, message, len, 0);
    if (s->len > before)
        gw_require(ktls_update(&s->f.peer_tx) == 0);
}

static void build(struct stream *s, struct gw_reader *r)
{
    static void (*const steps[])(struct stream *, struct gw_reader *) = {
        step_raw,
        step_record,
        step_tampered,
        step_key_update,
    };
    while (gw_reader_left(r) > 0)
        steps[gw_read_u8(r) % GW_ARRAY_SIZE(steps)](s, r);
}

/* False when the connection would end here. */
static bool take(struct gw_record *rec, const struct gw_opened *o)
{
    struct gw_control control;
    if (o->type == GW_CONTENT_DATA && o->payload_len > 0)
        return gw_control_saw_data(rec);
    switch (gw_control_judge(rec, o->type, o->payload, o->payload_len, &control)) {
    case GW_CONTROL_GO_ON:
        return true;
    case GW_CONTROL_KEY_UPDATE:
        return gw_record_update(&rec->rx) == 0;
    default:
        return false;
    }
}

/* The longest record of the suite: TLS 1.3 has room for its content type, and no padding then. */
static size_t longest(const struct gw_record *rec)
{
    const struct ktls_suite *suite = rec->rx.keys.suite;
    return GW_RECORD_HEADER + suite->explicit_nonce_len + GW_RECORD_PLAINTEXT_MAX + KTLS_TAG_LEN +
           gw_record_is_tls13(rec);
}

static void check_record(const struct gw_opened *o, const uint8_t *data, size_t len)
{
    gw_require(o->consumed >= GW_RECORD_HEADER + KTLS_TAG_LEN && o->consumed <= len);
    gw_require(o->payload >= data + GW_RECORD_HEADER);
    gw_require(o->payload + o->payload_len <= data + o->consumed - KTLS_TAG_LEN);
    gw_require(o->payload_len <= GW_RECORD_PLAINTEXT_MAX);
    gw_require(o->payload_len == 0 || o->payload[0] == o->payload[o->payload_len - 1] ||
               o->type == GW_CONTENT_HANDSHAKE);
}

static void open_all(struct stream *s, uint8_t cut)
{
    size_t at = 0, have = 0;
    for (;;) {
        struct gw_opened o;
        size_t len = have - at;
        switch (gw_record_open(&s->f.rec, s->bytes + at, len, &o)) {
        case GW_OPEN_PARTIAL:
            gw_require(o.need > 0 && len + o.need <= longest(&s->f.rec));
            if (have == s->len)
                return;
            have += GW_MIN((size_t)cut * cut + 1, s->len - have);
            break;
        case GW_OPEN_FAILED:
            gw_require(o.reason != GW_REASON_NONE && o.alert != GW_ALERT_CLOSE_NOTIFY);
            gw_require(!s->honest);
            return;
        case GW_OPEN_RECORD:
            check_record(&o, s->bytes + at, len);
            at += o.consumed;
            if (!take(&s->f.rec, &o))
                return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02f, 0xc030, 0xcca8};
    struct gw_reader r = gw_reader_of(data, size);
    struct stream *s = calloc(1, sizeof(*s));
    gw_require(s);
    s->honest = true;
    fixture_init(&s->f, ktls_suite_find(suites[gw_read_u8(&r) % GW_ARRAY_SIZE(suites)]),
                 GW_ROLE_SERVER);
    uint8_t cut = gw_read_u8(&r);
    build(s, &r);
    open_all(s, cut);
    fixture_done(&s->f);
    free(s);
    return 0;
}
