/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session ticket keys: one small table in memory that master and workers share. The master rotates;
 * workers read under a sequence lock. The current key seals; current and previous keys open; a
 * ticket opened with an older key is renewed. Tickets are AES-256-CBC + HMAC-SHA-256 (RFC 5077 4),
 * as OpenSSL's callback requires.
 */
#pragma once

#include "gateway/base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_TICKET_KEYS = 3,
    GW_TICKET_NAME_LEN = 16
};

struct gw_ticket_key {
    uint8_t name[GW_TICKET_NAME_LEN];
    uint8_t aes_key[32];
    uint8_t hmac_key[32];
};

struct gw_ticket_keys {
    uint32_t sequence; /* odd while the master writes */
    uint32_t count;
    struct gw_ticket_key keys[GW_TICKET_KEYS]; /* newest first */
};

/* Master: makes the first key. `keys` is in zeroed shared pages (gw_wipe_shared_new). Returns 0 or
 * -EIO (no randomness). */
gw_must_check int gw_tickets_init(struct gw_ticket_keys *keys);
/* Master: makes a new key the newest, and wipes the oldest. */
gw_must_check int gw_tickets_rotate(struct gw_ticket_keys *keys);
/* Any process: copies the newest key. False, with *ret wiped, when there is none or a writer died
 * in the middle of a change. */
gw_must_check bool gw_tickets_newest(const struct gw_ticket_keys *keys, struct gw_ticket_key *ret);
/* Any process: copies the key of that name. False, with *ret wiped, when it is gone. *ret_newest:
 * it is the newest. */
gw_must_check bool gw_tickets_find(const struct gw_ticket_keys *keys,
                                   const uint8_t name[GW_TICKET_NAME_LEN],
                                   struct gw_ticket_key *ret, bool *ret_newest);
