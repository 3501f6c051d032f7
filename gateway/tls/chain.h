/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a verified chain of certificates must be looked at again later, as plain data: when a
 * session is resumed (a ticket carries it), and when a connection that goes on is judged by new
 * terms. Of each certificate below the trust anchor its issuer, serial number and distribution
 * points, by which it may be revoked; which anchor it was; when the first of them all ends; when it
 * was verified.
 */
#pragma once

#include "gateway/base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GW_CHAIN_MAX = 1 + GW_VERIFY_DEPTH_MAX, /* certificates below the anchor, the leaf too */
    GW_CHAIN_ID_LEN = 32,                   /* SHA-256 */
    GW_SERIAL_BYTES_MAX = 20,               /* RFC 5280 4.1.2.2 */
    GW_POINTS_MAX = 4,                      /* names of distribution points of a certificate */
    GW_POINT_LEN = 16,                      /* SHA-256, cut */
    GW_CHAIN_BYTES_MAX =
        3 + 8 + GW_CHAIN_ID_LEN + 8 +
        GW_CHAIN_MAX * (GW_CHAIN_ID_LEN + 3 + GW_SERIAL_BYTES_MAX + GW_POINTS_MAX * GW_POINT_LEN),
};

/* A serial number; equal ones are equal byte by byte. */
struct gw_serial {
    uint8_t len; /* bytes of its absolute value, 0 to GW_SERIAL_BYTES_MAX, and the bits below */
    uint8_t bytes[GW_SERIAL_BYTES_MAX]; /* big-endian, then zeros */
};

enum {
    GW_SERIAL_NEGATIVE = 0x80, /* the number is below zero */
    GW_SERIAL_HASHED = 0x40,   /* it is longer than RFC 5280 allows; the bytes are of its SHA-256 */
};

static inline unsigned gw_serial_width(const struct gw_serial *s)
{
    return s->len & ~(unsigned)(GW_SERIAL_NEGATIVE | GW_SERIAL_HASHED);
}

/* Which distribution points a certificate names or a list is of (points.h). */
struct gw_points {
    uint8_t count;
    bool more; /* it has others, which are not kept: a list may be about it though none matches */
    uint8_t ids[GW_POINTS_MAX][GW_POINT_LEN]; /* of each name a hash of its DER */
};

struct gw_chain_entry {
    uint8_t issuer[GW_CHAIN_ID_LEN]; /* hash of its issuer's name and key */
    struct gw_serial serial;
    bool is_ca;
    struct gw_points points;
};

struct gw_chain {
    int64_t since; /* the full handshake, seconds since 1970 UTC, not below 0 */
    bool present;  /* false: the peer showed no certificate; nothing below is set */
    unsigned count;
    struct gw_chain_entry entries[GW_CHAIN_MAX]; /* leaf first; none: the leaf is the anchor */
    uint8_t anchor[GW_CHAIN_ID_LEN];             /* SHA-256 of the anchor's DER */
    int64_t not_after;                           /* the earliest of all, seconds since 1970 UTC */
};

/* Writes it down, in a form that is the same on every machine; its length, 0 for a chain that no
 * gw_chain_decode gave and nobody verified. */
size_t gw_chain_encode(const struct gw_chain *chain, uint8_t out[GW_CHAIN_BYTES_MAX]);
/* False when the bytes are not exactly what gw_chain_encode gave; *ret is then absent. */
bool gw_chain_decode(struct gw_chain *ret, const void *data, size_t len);
