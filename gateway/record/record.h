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
    struct gw_aead *aead;  /* NULL in the kernel engine */
    const struct gw_aead_provider *provider;
    enum gw_engine engine;
    uint64_t records; /* records run under the current key, in either engine (kernel: sent only) */
};

struct gw_record {
    struct gw_record_half tx;
    struct gw_record_half rx;
    enum gw_role role;
    uint32_t tx_payload_max; /* bytes of payload that one record to the peer may hold */
    /* State of control.h. */
    uint8_t hs_part[4]; /* header of a handshake message that is not all there */
    uint8_t hs_part_len;
    uint32_t hs_skip;      /* bytes still to come of a ticket, which are not kept */
    uint8_t empty_records; /* without payload (handshake ones too) since the last payload */
    uint8_t warning_alerts;
    uint8_t key_updates; /* since the last payload */
    bool close_sent;     /* our close_notify or fatal alert was made: nothing more is sealed */
    bool close_received;
};

/* Takes the keys over (and wipes *keys). 0; -ENOMEM. On failure *rec may be passed to done. */
gw_must_check int gw_record_init(struct gw_record *rec, struct gw_handover_keys *keys);
void gw_record_done(struct gw_record *rec); /* wipes everything; twice is harmless */

const char *gw_engine_word(enum gw_engine engine);
static inline bool gw_record_is_tls13(const struct gw_record *rec)
{
    return rec->tx.keys.suite->version == KTLS_TLS_1_3;
}

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
 * *ret_start, *ret_len bytes. Returns 0; -EIO; -EKEYEXPIRED when an AES-GCM key has sealed
 * GW_RECORDS_PER_KEY_MAX records (see control.h: update first; a few alerts and KeyUpdates still
 * pass); -EPIPE after close_sent. On failure *payload is worthless.
 */
gw_must_check int gw_record_seal(struct gw_record *rec, uint8_t type, uint8_t *payload, size_t len,
                                 uint8_t **ret_start, size_t *ret_len);

/* User engine: whether `records` more records of data may be sealed under the key in use. */
bool gw_record_key_has_room(const struct gw_record_half *half, uint64_t records);
/* Next key generation of one direction (TLS 1.3, user engine). 0 or -EIO. */
gw_must_check int gw_record_update(struct gw_record_half *half);

/* ---- moving to the kernel ---- */

/* The half's keys now run in the kernel: frees the AEAD and wipes what is not needed any more
 * (all but suite; TLS 1.3 keeps the traffic secret for later updates). */
void gw_record_moved(struct gw_record_half *half);
/* Kernel engine: accounts for a send of `bytes` application bytes; false when the key's limit is
 * reached and the connection must end (AES-GCM; ChaCha20-Poly1305 has none). */
bool gw_record_count_sent(struct gw_record_half *half, size_t bytes);
