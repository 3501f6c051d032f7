/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses from the handshake to the record layer, and all of it. Includes no libssl. */
#pragma once

#include "gateway/base/role.h"

#include "ktlsinstall.h"

struct gw_handover_keys {
    enum gw_role role;
    struct ktls_keys tx; /* suite, keys, TLS 1.3 secret, seq, next explicit nonce */
    struct ktls_keys rx;
    /* Payload bytes that one record to the peer may hold, where it asked for less than the usual
     * 16384 (max_fragment_length, RFC 6066 4); else 0. */
    uint16_t payload_max;
};
