/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record layer of one connection, without I/O: keys and sequence numbers of both directions,
 * which engine runs each, and the user engine's sealing and opening in place. What arrives as
 * (content type, payload), from either engine, goes to control.h when it is not application data.
 *
 * A direction starts in the user engine and may move to the kernel at a record boundary; it never
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
    struct ktls_keys keys; /* seq and explicit_nonce are the next record's, user engine only */
    struct gw_aead *aead;  /* NULL in the kernel engine, and at rest */
    const struct gw_aead_provider *provider;
    enum gw_engine engine;
    uint64_t records; /* run under the key in use; of the kernel's received ones at least so many */
};

struct gw_record {
    struct gw_record_half tx;
    struct gw_record_half rx;
    enum gw_role role;
    uint32_t tx_payload_max; /* bytes of payload that one record to the peer may hold */
    uint32_t rekey_after;    /* records under one key, then it is to be changed */
    uint64_t tx_records_max; /* … that may be sealed at all */
    bool kernel_rekeys;      /* the kernel can change keys; set by the caller after init */
    /* State of control.h. */
    uint8_t hs_part[4]; /* header of a handshake message that is not all there */
    uint8_t hs_part_len;
    uint64_t unforgiven;   /* records of data sent since empty ones were last forgiven for them */
    uint32_t hs_skip;      /* bytes still to come of a message that is not kept */
    uint8_t empty_records; /* without payload (handshake ones too) since the last payload */
    uint8_t warning_alerts;
    uint8_t renegotiations; /* that the peer asked for */
    uint8_t key_updates;    /* since the last payload, either way, beyond those that were granted */
    uint16_t updates_granted; /* by records of data sent */
    bool close_sent;          /* our close_notify or fatal alert was made: nothing more is sealed */
    bool close_received;
};

/* Takes the keys over (and wipes *keys). 0; -ENOMEM. On failure *rec may be passed to done. */
gw_must_check int gw_record_init(struct gw_record *rec, struct gw_handover_keys *keys);
void gw_record_done(struct gw_record *rec); /* wipes everything; twice is harmless */
/* For a connection that is idle: gives the key schedules back, a kilobyte and more each. They are
 * made anew, from the keys, with the next record. */
void gw_record_rest(struct gw_record *rec);

const char *gw_engine_word(enum gw_engine engine);
static inline bool gw_record_is_tls13(const struct gw_record *rec)
{
    return rec->tx.keys.suite->version == KTLS_TLS_1_3;
}

/* ---- keys ---- */

/* Records that AES-GCM may seal at all under one key, where a key is to be changed after
 * `rekey_after`: so many again, and of small numbers at least a batch, as what was read in one go
 * is sealed under one key. In TLS 1.2 too (RFC 8446 5.5, RFC 9325 4.4); ChaCha20-Poly1305 has no
 * such limit. */
uint64_t gw_record_key_limit(uint32_t rekey_after);
/* Keys are to be changed after so many records, at least one; where they cannot be, TX of AES-GCM
 * ends at gw_record_key_limit. After init it is GW_REKEY_AFTER_MAX. */
void gw_record_rekey_after(struct gw_record *rec, uint32_t records);
/* Whether the keys of the half can be changed at all, in the engine that runs it. */
bool gw_record_can_rekey(const struct gw_record *rec, const struct gw_record_half *half);
/* Whether it is time to change them. */
static inline bool gw_record_key_is_old(const struct gw_record *rec,
                                        const struct gw_record_half *half)
{
    return half->records >= rec->rekey_after;
}
/* Whether `records` more records of data may be sealed under the key in use. */
static inline bool gw_record_key_has_room(const struct gw_record *rec, uint64_t records)
{
    return rec->tx.records + records <= rec->tx_records_max;
}
/* Next key generation of one direction (TLS 1.3). Kernel engine: the caller installs half->keys and
 * then calls gw_record_moved. 0 or -EIO. */
gw_must_check int gw_record_update(struct gw_record_half *half);

/* ---- user engine, receiving ---- */

enum gw_open_verdict {
    GW_OPEN_PARTIAL, /* no whole record there; `need` more bytes at least */
    GW_OPEN_RECORD,  /* type, payload, payload_len, consumed are set */
    GW_OPEN_FAILED,  /* reason and alert are set; the connection must end */
};

struct gw_opened {
    size_t consumed;    /* bytes of `data` this record took */
    size_t need;        /* PARTIAL: bytes missing to the end of the header or of the record */
    uint8_t type;       /* inner content type in TLS 1.3 */
    uint8_t *payload;   /* inside `data`, padding removed */
    size_t payload_len; /* 0 to 16384 */
    enum gw_reason reason;
    uint8_t alert; /* AlertDescription to send */
};

/* Opens the first record of data[0…len) in place. */
enum gw_open_verdict gw_record_open(struct gw_record *rec, uint8_t *data, size_t len,
                                    struct gw_opened *ret);

/* ---- user engine, sending ---- */

/*
 * Seals one record in place: `payload` (0 to 16384 bytes) must have GW_RECORD_SEAL_ROOM_FRONT
 * bytes before it and GW_RECORD_SEAL_ROOM_BACK after it. The record to send then lies at
 * *ret_start, *ret_len bytes. Returns 0; -EIO; -ENOMEM (only after a rest); -EKEYEXPIRED when the
 * key has sealed all it may (a few alerts and KeyUpdates still pass); -EPIPE after close_sent. On
 * failure *payload is worthless.
 */
gw_must_check int gw_record_seal(struct gw_record *rec, uint8_t type, uint8_t *payload, size_t len,
                                 uint8_t **ret_start, size_t *ret_len);

/* ---- kernel engine ---- */

/* The half's keys now run in the kernel, for the first time or again after an update: frees the
 * AEAD and wipes what is not needed any more (all but suite; TLS 1.3 keeps the traffic secret for
 * later updates). */
void gw_record_moved(struct gw_record_half *half);
/* Records that a send of so many bytes becomes: the kernel ends one with each send. */
static inline uint64_t gw_record_count_of(size_t bytes)
{
    return (bytes + GW_RECORD_PLAINTEXT_MAX - 1) / GW_RECORD_PLAINTEXT_MAX;
}
/* A send of so many application bytes was accepted, or a receive gave them. */
void gw_record_count_sent(struct gw_record *rec, size_t bytes);
void gw_record_count_received(struct gw_record *rec, size_t bytes);
