/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of a verified certificate chain that must be checked again later, as plain data: when a
 * session is resumed (the ticket carries them), and when new terms judge an open connection. For
 * each certificate below the trust anchor: its issuer, serial number and distribution points, which
 * identify it to revocation. For the chain: its anchor, its earliest expiry and when it was
 * verified.
 */
#pragma once

#include "gateway/base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GW_CHAIN_MAX = 1 + GW_VERIFY_DEPTH_MAX, /* certificates below the anchor, including the leaf */
    GW_CHAIN_ID_LEN = 32,                   /* SHA-256 */
    GW_SERIAL_BYTES_MAX = 20,               /* RFC 5280 4.1.2.2 */
    GW_POINTS_MAX = 4,                      /* distribution point names per certificate */
    GW_POINT_LEN = 16,                      /* truncated SHA-256 */
    GW_CHAIN_BYTES_MAX =
        3 + 8 + GW_CHAIN_ID_LEN + 8 +
        GW_CHAIN_MAX * (GW_CHAIN_ID_LEN + 3 + GW_SERIAL_BYTES_MAX + GW_POINTS_MAX * GW_POINT_LEN),
};

/* A serial number. Equal numbers are equal byte by byte. */
struct gw_serial {
    uint8_t len; /* bytes of its absolute value, 0 to GW_SERIAL_BYTES_MAX, plus the flags below */
    uint8_t bytes[GW_SERIAL_BYTES_MAX]; /* big-endian, padded with zeros */
};

enum {
    GW_SERIAL_NEGATIVE = 0x80, /* the number is negative */
    GW_SERIAL_HASHED = 0x40,   /* it is longer than RFC 5280 allows; `bytes` holds its SHA-256 */
};

static inline unsigned gw_serial_width(const struct gw_serial *s)
{
    return s->len & ~(unsigned)(GW_SERIAL_NEGATIVE | GW_SERIAL_HASHED);
}

/* The distribution points that a certificate names or a CRL covers (points.h). */
struct gw_points {
    uint8_t count;
    bool more; /* it has others that are not kept, so a list may cover it though none matches */
    uint8_t ids[GW_POINTS_MAX][GW_POINT_LEN]; /* a hash of each name's DER */
};

struct gw_chain_entry {
    uint8_t issuer[GW_CHAIN_ID_LEN]; /* a hash of its issuer's name and key */
    struct gw_serial serial;
    bool is_ca;
    struct gw_points points;
};

struct gw_chain {
    int64_t since; /* when the full handshake took place, seconds since 1970 UTC, at least 0 */
    bool present;  /* false: the peer showed no certificate, and nothing below is set */
    unsigned count;
    struct gw_chain_entry entries[GW_CHAIN_MAX]; /* leaf first; empty if the leaf is the anchor */
    uint8_t anchor[GW_CHAIN_ID_LEN];             /* SHA-256 of the anchor's DER */
    int64_t not_after; /* the earliest expiry in the chain, seconds since 1970 UTC */
};

/* Encodes the chain in a form that is the same on every machine. Returns its length; 0 for a chain
 * that neither gw_chain_decode nor a verification produced. */
size_t gw_chain_encode(const struct gw_chain *chain, uint8_t out[GW_CHAIN_BYTES_MAX]);
/* False unless the bytes are exactly what gw_chain_encode writes; *ret is then absent. */
bool gw_chain_decode(struct gw_chain *ret, const void *data, size_t len);
