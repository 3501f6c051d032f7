/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control records, for both engines: alerts, close_notify, KeyUpdate, tickets, empty records, and
 * everything forbidden. Pure decisions on (type, payload); the caller does the I/O.
 */
#pragma once

#include "gateway/record/record.h"

/* AlertDescription (RFC 8446 6, RFC 5246 7.2). */
enum gw_alert {
    GW_ALERT_CLOSE_NOTIFY = 0,
    GW_ALERT_UNEXPECTED_MESSAGE = 10,
    GW_ALERT_BAD_RECORD_MAC = 20,
    GW_ALERT_RECORD_OVERFLOW = 22,
    GW_ALERT_HANDSHAKE_FAILURE = 40,
    GW_ALERT_BAD_CERTIFICATE = 42,
    GW_ALERT_CERTIFICATE_REVOKED = 44,
    GW_ALERT_CERTIFICATE_EXPIRED = 45,
    GW_ALERT_ILLEGAL_PARAMETER = 47,
    GW_ALERT_UNKNOWN_CA = 48,
    GW_ALERT_ACCESS_DENIED = 49,
    GW_ALERT_DECODE_ERROR = 50,
    GW_ALERT_PROTOCOL_VERSION = 70,
    GW_ALERT_INTERNAL_ERROR = 80,
    GW_ALERT_USER_CANCELED = 90,
    GW_ALERT_NO_RENEGOTIATION = 100,
};

enum gw_alert_level {
    GW_ALERT_LEVEL_WARNING = 1,
    GW_ALERT_LEVEL_FATAL = 2,
};

enum gw_control_verdict {
    GW_CONTROL_GO_ON,       /* nothing to do */
    GW_CONTROL_CLOSED,      /* the peer's close_notify: its stream ended properly */
    GW_CONTROL_REFUSE,      /* continue, and send the warning `alert`: renegotiation */
    GW_CONTROL_KEY_UPDATE,  /* change the RX key; with `reply` send a KeyUpdate */
    GW_CONTROL_PEER_FAILED, /* fatal alert received; reason set; send nothing */
    GW_CONTROL_FAIL,        /* end with `alert` and `reason` */
    GW_CONTROL_END_CLEANLY, /* end with close_notify and `reason` (kernel cannot rekey) */
};

struct gw_control {
    enum gw_reason reason;
    uint8_t alert; /* the alert to send on FAIL and REFUSE; the received one on PEER_FAILED */
    bool refuses;  /* REFUSE, unless a worse message follows in the record */
    bool reply;    /* KEY_UPDATE: the peer requests our next key too */
    bool granted;  /* KEY_UPDATE: allowed by a record of data that was sent */
};

/* Judges a record that is empty or not application data. Always fills *ret; the reason is NONE
 * where the verdict needs none. After close_notify everything is GO_ON, since it must be ignored
 * (RFC 8446 6.1). */
enum gw_control_verdict gw_control_judge(struct gw_record *rec, uint8_t type,
                                         const uint8_t *payload, size_t len,
                                         struct gw_control *ret);

/* Application data of at least one byte arrived: resets the flood counters. False: it arrived
 * between the parts of a handshake message (RFC 8446 5.1); end with unexpected_message. */
gw_must_check static inline bool gw_control_saw_data(struct gw_record *rec)
{
    rec->empty_records = 0;
    rec->key_updates = 0;
    return rec->hs_part_len == 0;
}

/* A control record's plaintext, at most GW_CONTROL_MAX bytes. */
enum {
    GW_CONTROL_MAX = 8
};

/* Writes the body of an alert: level by description and version (close_notify, user_canceled and
 * no_renegotiation are warnings, the rest fatal). Returns its length, 2. */
size_t gw_control_alert(uint8_t out[GW_CONTROL_MAX], uint8_t description);
/* Writes a KeyUpdate (update_not_requested or requested). Returns its length, 5. The next record is
 * the first under the next key (gw_record_update). */
size_t gw_control_key_update(uint8_t out[GW_CONTROL_MAX], bool request);

const char *gw_alert_name(uint8_t description); /* "access_denied"; "unknown" otherwise */
