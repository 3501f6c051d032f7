/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/chain.h"

#include "gateway/base/bytes.h"

enum {
    VERSION = 3,
    FLAG_PRESENT = 1,
    FLAG_CA = 1,
    FLAG_MORE_POINTS = 2,
};

static void write_entry(struct gw_writer *w, const struct gw_chain_entry *e)
{
    gw_write_bytes(w, e->issuer, sizeof(e->issuer));
    gw_write_be(w, (e->is_ca ? FLAG_CA : 0) | (e->points.more ? FLAG_MORE_POINTS : 0), 1);
    gw_write_be(w, e->serial.len, 1);
    gw_write_bytes(w, e->serial.bytes, gw_serial_width(&e->serial));
    gw_write_be(w, e->points.count, 1);
    gw_write_bytes(w, e->points.ids, (size_t)e->points.count * GW_POINT_LEN);
}

size_t gw_chain_encode(const struct gw_chain *chain, uint8_t out[GW_CHAIN_BYTES_MAX])
{
    struct gw_writer w = gw_writer_of(out, GW_CHAIN_BYTES_MAX);
    gw_write_be(&w, VERSION, 1);
    gw_write_be(&w, chain->present ? FLAG_PRESENT : 0, 1);
    gw_write_be(&w, (uint64_t)chain->since, 8);
    if (chain->present) {
        gw_write_be(&w, chain->count, 1);
        gw_write_bytes(&w, chain->anchor, sizeof(chain->anchor));
        gw_write_be(&w, (uint64_t)chain->not_after, 8);
        for (unsigned i = 0; i < chain->count; i++)
            write_entry(&w, &chain->entries[i]);
    }
    return w.failed ? 0 : gw_writer_len(&w);
}

static void read_bytes(struct gw_reader *r, void *out, size_t len)
{
    const uint8_t *p = gw_read_span(r, len);
    if (p && len)
        memcpy(out, p, len);
}

static void read_points(struct gw_reader *r, struct gw_points *p)
{
    p->count = gw_read_u8(r);
    if (p->count > GW_POINTS_MAX)
        r->failed = true;
    for (unsigned i = 0; !r->failed && i < p->count; i++)
        read_bytes(r, p->ids[i], sizeof(p->ids[i]));
}

static void read_entry(struct gw_reader *r, struct gw_chain_entry *e)
{
    read_bytes(r, e->issuer, sizeof(e->issuer));
    uint8_t flags = gw_read_u8(r);
    e->is_ca = flags & FLAG_CA;
    e->points.more = flags & FLAG_MORE_POINTS;
    e->serial.len = gw_read_u8(r);
    if (flags > (FLAG_CA | FLAG_MORE_POINTS) || gw_serial_width(&e->serial) > GW_SERIAL_BYTES_MAX)
        r->failed = true;
    read_bytes(r, e->serial.bytes, gw_serial_width(&e->serial));
    read_points(r, &e->points);
}

static void read_chain(struct gw_reader *r, struct gw_chain *c)
{
    c->count = gw_read_u8(r);
    if (c->count > GW_CHAIN_MAX)
        r->failed = true;
    read_bytes(r, c->anchor, sizeof(c->anchor));
    c->not_after = (int64_t)gw_read_be(r, 8);
    for (unsigned i = 0; !r->failed && i < c->count; i++)
        read_entry(r, &c->entries[i]);
}

bool gw_chain_decode(struct gw_chain *ret, const void *data, size_t len)
{
    struct gw_reader r = gw_reader_of(data, len);
    *ret = (struct gw_chain){0};
    uint8_t version = gw_read_u8(&r);
    uint8_t flags = gw_read_u8(&r);
    ret->since = (int64_t)gw_read_be(&r, 8);
    if (version != VERSION || flags > FLAG_PRESENT || ret->since < 0)
        r.failed = true;
    ret->present = flags == FLAG_PRESENT;
    if (ret->present)
        read_chain(&r, ret);
    if (!r.failed && gw_reader_left(&r) == 0)
        return true;
    *ret = (struct gw_chain){0};
    return false;
}
