/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA's record of one certificate, as lines of text (record.txt):
 *
 *   ktlsgate certificate record 1
 *   serial 4f0c…
 *   kind server
 *   name gate.example.com
 *   ou operations                         (optional)
 *   key-type ecdsa-p256
 *   days 90
 *   issued 2026-11-21T10:14:09Z
 *   expires 2027-02-19T10:14:09Z
 *   dns gate.example.com                  (and uri, email, ip: any number)
 *   replaces 41d2…                        (the previous one of this name)
 *   revoked 2026-11-22T08:00:00Z keyCompromise
 *   end
 *
 * Lines are in this order. Anything else is damage, and is reported with its line.
 */
#pragma once

#include "gateway/pki/request.h"
#include "gateway/pki/serial.h"
#include "gateway/pki/text.h"

/* `keyCompromise` …; NULL past the last. */
const char *gw_pki_reason_word(enum gw_pki_reason reason);
/* Its number in a CRL entry. 0: no number is written. */
long gw_pki_reason_code(enum gw_pki_reason reason);

enum gw_pki_state {
    GW_PKI_ACTIVE,
    GW_PKI_REPLACED, /* replaced by a newer one of its name; valid until it expires */
    GW_PKI_EXPIRED,
    GW_PKI_REVOKED,
};
const char *gw_pki_state_word(enum gw_pki_state state);

struct gw_pki_record {
    struct gw_pki_serial serial;
    struct gw_pki_request request; /* complete */
    int64_t issued;                /* Unix time */
    int64_t expires;
    struct gw_pki_serial replaces; /* "": none */
    int64_t revoked;               /* 0: not revoked */
    enum gw_pki_reason reason;

    bool replaced;            /* not in the file: another record replaces this one */
    struct gw_pki_text owner; /* owns the request's strings if they were read from a file */
};

enum {
    GW_PKI_RECORD_MAX = 128 * 1024, /* bytes of the file */
    GW_PKI_TIME_TEXT = 21           /* 2026-11-21T10:14:09Z and the NUL */
};

/* Appends the lines of a record. Returns 0 or -ENOMEM. */
gw_must_check int gw_pki_record_write(struct gw_pki_text *text, const struct gw_pki_record *record);
/* Reads the lines of a record. *ret (ended with gw_pki_record_done) takes over *text, even on
 * failure. `file` is its name for errors (GW_EXIT_START). Returns 0 or -EIO. */
gw_must_check int gw_pki_record_read(struct gw_pki_record *ret, struct gw_pki_text *text,
                                     const char *file, struct gw_error *err);
void gw_pki_record_done(struct gw_pki_record *record);

enum gw_pki_state gw_pki_record_state(const struct gw_pki_record *record, int64_t now);

/* Convert Unix time to text and back. False when the text is invalid, or before 1970. */
const char *gw_pki_time_text(int64_t time, char out[GW_PKI_TIME_TEXT]);
gw_must_check bool gw_pki_time_read(const char *text, int64_t *ret);
