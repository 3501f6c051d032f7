/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that the handshake hands over to the record layer. Includes no libssl. */
#pragma once

#include "gateway/base/role.h"

#include "ktlsinstall.h"

struct gw_handover_keys {
    enum gw_role role;
    struct ktls_keys tx; /* suite, keys, TLS 1.3 secret, seq, next explicit nonce */
    struct ktls_keys rx;
    /* The payload limit of records to the peer, if it requested less than 16384 bytes
     * (max_fragment_length, RFC 6066 4); else 0. */
    uint16_t payload_max;
};
