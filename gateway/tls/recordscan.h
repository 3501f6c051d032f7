/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the records that libssl wrote, by their headers alone, to find the sequence number and the
 * explicit nonce of the next record. The stream may arrive in pieces of any size.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct gw_recordscan {
    uint64_t protected;      /* records of type 23: in TLS 1.3 all that are encrypted */
    uint64_t after_ccs;      /* records since the last ChangeCipherSpec */
    uint64_t explicit_nonce; /* first 8 bytes of the last record's body (RFC 5288 3) */
    int ccs_seen;
    /* The record being looked at. */
    uint8_t head[13]; /* header and the first 8 bytes of the body */
    size_t head_len;
    size_t body_left; /* bytes of the body not yet seen */
};

void gw_recordscan_add(struct gw_recordscan *scan, const uint8_t *data, size_t len);
