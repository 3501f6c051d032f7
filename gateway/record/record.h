/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record layer of one connection, without I/O: keys and sequence numbers of both directions,
 * the engine that runs each, and the user engine's sealing and opening in place. Anything but
 * application data, from either engine, goes to control.h as (content type, payload).
 *
 * A direction starts in the user engine and may move to the kernel at a record boundary. It never
 * moves back.
 */
#pragma once

#include "gateway/base/limits.h"
#include "gateway/base/reason.h"
#include "gateway/record/aead.h"
#include "gateway/tls/handover.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gw_engine {
    GW_ENGINE_USER,
    GW_ENGINE_KERNEL,
};

enum gw_content_type {
    GW_CONTENT_CCS = 20,
    GW_CONTENT_ALERT = 21,
    GW_CONTENT_HANDSHAKE = 22,
    GW_CONTENT_DATA = 23,
};

struct gw_record_half {
    struct ktls_keys keys; /* user engine: seq and explicit_nonce are the next record's */
    struct gw_aead *aead;  /* NULL in the kernel engine, and while at rest */
    const struct gw_aead_provider *provider;
    enum gw_engine engine;
    uint64_t records; /* run under the current key; for the kernel's RX, a lower bound */
};

struct gw_record {
    struct gw_record_half tx;
    struct gw_record_half rx;
    enum gw_role role;
    uint32_t tx_payload_max; /* the maximum payload of one record to the peer, in bytes */
    uint32_t rekey_after;    /* the number of records after which a key must change */
    uint64_t tx_records_max; /* the maximum number of records sealed under one key */
    bool kernel_rekeys;      /* the kernel can change keys; the caller sets it after init */
    /* State of control.h. */
    uint8_t hs_part[4]; /* the header of a handshake message that is incomplete */
    uint8_t hs_part_len;
    /* data records sent since the allowance of empty records was last renewed */
    uint64_t unforgiven;
    uint32_t hs_skip;      /* bytes still to come of a message that is skipped */
    uint8_t empty_records; /* records without payload (handshake ones too) since the last payload */
    uint8_t warning_alerts;
    uint8_t renegotiations;   /* renegotiations that the peer requested */
    uint8_t key_updates;      /* since the last payload in either direction, beyond those granted */
    uint16_t updates_granted; /* granted by data records sent */
    bool close_sent;          /* our close_notify or fatal alert was made: nothing more is sealed */
    bool close_received;
};

/* Takes over the keys and wipes *keys. 0; -ENOMEM. On failure *rec may be passed to
 * gw_record_done. */
gw_must_check int gw_record_init(struct gw_record *rec, struct gw_handover_keys *keys);
void gw_record_done(struct gw_record *rec); /* wipes everything; may be called twice */
/* Frees the key schedules of an idle connection, a kilobyte or more each. They are made again from
 * the keys with the next record. */
void gw_record_rest(struct gw_record *rec);

const char *gw_engine_word(enum gw_engine engine);
static inline bool gw_record_is_tls13(const struct gw_record *rec)
{
    return rec->tx.keys.suite->version == KTLS_TLS_1_3;
}

/* ---- keys ---- */

/* The maximum number of records that AES-GCM may seal under one key if keys change after
 * `rekey_after` records: twice that, and for small values at least one batch more, since one read
 * is sealed under one key. Also in TLS 1.2 (RFC 8446 5.5, RFC 9325 4.4). ChaCha20-Poly1305 has no
 * such limit. */
uint64_t gw_record_key_limit(uint32_t rekey_after);
/* Sets after how many records, at least one, keys must change. If they cannot change, TX of AES-GCM
 * ends at gw_record_key_limit. After init the value is GW_REKEY_AFTER_MAX. */
void gw_record_rekey_after(struct gw_record *rec, uint32_t records);
/* Whether the keys of the half can be changed in the engine that runs it. */
bool gw_record_can_rekey(const struct gw_record *rec, const struct gw_record_half *half);
/* Whether the key is due to change. */
static inline bool gw_record_key_is_old(const struct gw_record *rec,
                                        const struct gw_record_half *half)
{
    return half->records >= rec->rekey_after;
}
/* Whether `records` more data records may be sealed under the current key. */
static inline bool gw_record_key_has_room(const struct gw_record *rec, uint64_t records)
{
    return rec->tx.records + records <= rec->tx_records_max;
}
/* Switches one direction to the next key generation (TLS 1.3). Kernel engine: the caller installs
 * half->keys and then calls gw_record_moved. 0 or -EIO. */
gw_must_check int gw_record_update(struct gw_record_half *half);

/* ---- user engine, receiving ---- */

enum gw_open_verdict {
    GW_OPEN_PARTIAL, /* no whole record; at least `need` more bytes are missing */
    GW_OPEN_RECORD,  /* type, payload, payload_len, consumed are set */
    GW_OPEN_FAILED,  /* reason and alert are set; the connection must end */
};

struct gw_opened {
    size_t consumed;    /* the length of this record in `data` */
    size_t need;        /* PARTIAL: bytes missing to complete the header or the record */
    uint8_t type;       /* in TLS 1.3, the inner content type */
    uint8_t *payload;   /* within `data`, without padding */
    size_t payload_len; /* 0 to 16384 */
    enum gw_reason reason;
    uint8_t alert; /* the AlertDescription to send */
};

/* Opens the first record of data[0…len) in place. */
enum gw_open_verdict gw_record_open(struct gw_record *rec, uint8_t *data, size_t len,
                                    struct gw_opened *ret);

/* ---- user engine, sending ---- */

/*
 * Seals one record in place. `payload` (0 to 16384 bytes) must have GW_RECORD_SEAL_ROOM_FRONT bytes
 * before it and GW_RECORD_SEAL_ROOM_BACK after it. The record is then at *ret_start, with *ret_len
 * bytes. Returns 0; -EIO; -ENOMEM (only after a rest); -EKEYEXPIRED when the key has reached its
 * limit (a few alerts and KeyUpdates still pass); -EPIPE after close_sent. On failure *payload is
 * useless.
 */
gw_must_check int gw_record_seal(struct gw_record *rec, uint8_t type, uint8_t *payload, size_t len,
                                 uint8_t **ret_start, size_t *ret_len);

/* ---- kernel engine ---- */

/* The half's keys now run in the kernel, for the first time or after an update. Frees the AEAD and
 * wipes the keys that are no longer needed (all but suite; TLS 1.3 keeps the traffic secret for
 * later updates). */
void gw_record_moved(struct gw_record_half *half);
/* The number of records that a send of `bytes` bytes becomes: the kernel ends a record with each
 * send. */
static inline uint64_t gw_record_count_of(size_t bytes)
{
    return (bytes + GW_RECORD_PLAINTEXT_MAX - 1) / GW_RECORD_PLAINTEXT_MAX;
}
/* Counts a send of application data that was accepted, or a receive that returned some. */
void gw_record_count_sent(struct gw_record *rec, size_t bytes);
void gw_record_count_received(struct gw_record *rec, size_t bytes);
