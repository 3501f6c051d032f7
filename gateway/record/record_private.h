/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by sealing and opening: nonces, additional data, and a suite's overhead. */
#pragma once

#include "gateway/base/bytes.h"
#include "gateway/base/limits.h"
#include "gateway/record/record.h"

enum {
    /* After this many data records sent, under any number of keys, a peer that only reads gets its
     * allowance of empty records again. Otherwise a download of some terabytes would end as a
     * flood. 1 GiB of full records. */
    GW_FORGIVE_EVERY = 1 << 16,
    GW_WIRE_VERSION = 0x0303, /* in every record header of TLS 1.2 and 1.3 */
    GW_WIRE_VERSION_MAJOR = 3,
    GW_EXPLICIT_NONCE_LEN = 8, /* in TLS 1.2 AES-GCM (RFC 5288 3) */
    GW_AAD_MAX = 13,
};

_Static_assert(GW_RECORD_SEAL_ROOM_FRONT == GW_RECORD_HEADER + GW_EXPLICIT_NONCE_LEN, "room");
_Static_assert(GW_RECORD_SEAL_ROOM_BACK == 1 + KTLS_TAG_LEN, "room");

static inline bool gw_suite_is_tls13(const struct ktls_suite *suite)
{
    return suite->version == KTLS_TLS_1_3;
}

/* Bytes between the record header and the ciphertext. */
static inline size_t gw_suite_front(const struct ktls_suite *suite)
{
    return suite->explicit_nonce_len;
}

/* Bytes of a record's body beside the content, without padding. */
static inline size_t gw_suite_overhead(const struct ktls_suite *suite)
{
    return gw_suite_front(suite) + KTLS_TAG_LEN + (gw_suite_is_tls13(suite) ? 1 : 0);
}

/* Counts a data record to the peer, in either engine. */
static inline void gw_record_sent_data(struct gw_record *rec, uint64_t records)
{
    rec->key_updates = 0;
    rec->updates_granted =
        (uint16_t)GW_MIN(rec->updates_granted + records, GW_KEY_UPDATES_GRANTED_MAX);
    rec->unforgiven += records;
    if (rec->unforgiven < GW_FORGIVE_EVERY)
        return;
    rec->unforgiven = 0;
    rec->empty_records = 0;
}

/*
 * The record's nonce. `explicit_nonce` is the part in the record (TLS 1.2 AES-GCM). If it is NULL,
 * the sequence number is xor'ed into the IV (RFC 8446 5.3; RFC 7905 2 for TLS 1.2).
 */
static inline void gw_record_nonce(const struct ktls_keys *keys, const uint8_t *explicit_nonce,
                                   uint8_t out[KTLS_IV_LEN])
{
    const size_t fixed = KTLS_IV_LEN - GW_EXPLICIT_NONCE_LEN;
    struct gw_reader rest = gw_reader_of(keys->iv + fixed, GW_EXPLICIT_NONCE_LEN);
    struct gw_writer w = gw_writer_of(out, KTLS_IV_LEN);
    gw_write_bytes(&w, keys->iv, fixed);
    if (explicit_nonce)
        gw_write_bytes(&w, explicit_nonce, GW_EXPLICIT_NONCE_LEN);
    else
        gw_write_be(&w, gw_read_be(&rest, GW_EXPLICIT_NONCE_LEN) ^ keys->seq,
                    GW_EXPLICIT_NONCE_LEN);
}

/* The additional data for `content_len` bytes of content under this header. Returns its length. TLS
 * 1.3: the header as on the wire (RFC 8446 5.2). TLS 1.2: RFC 5246 6.2.3.3. */
static inline size_t gw_record_aad(const struct ktls_keys *keys,
                                   const uint8_t header[GW_RECORD_HEADER], size_t content_len,
                                   uint8_t out[GW_AAD_MAX])
{
    struct gw_writer w = gw_writer_of(out, GW_AAD_MAX);
    if (gw_suite_is_tls13(keys->suite)) {
        gw_write_bytes(&w, header, GW_RECORD_HEADER);
    } else {
        gw_write_be(&w, keys->seq, 8);
        gw_write_bytes(&w, header, 3);
        gw_write_be(&w, content_len, 2);
    }
    return gw_writer_len(&w);
}

/* Makes the half's key schedule if it is at rest. 0 or -ENOMEM. */
gw_must_check int gw_record_wake(struct gw_record_half *half, bool seal);
