/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters that a side negotiates: TLS 1.2 and 1.3 only; forward secrecy and AEAD only
 * (the suites of libktlsinstall with an ECDHE key exchange); no compression, renegotiation, 0-RTT
 * or session cache. Sets everything explicitly, so that no default of a library build remains.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* Applies the side's policy. Returns 0, or a negative errno with *err filled (GW_EXIT_USAGE: a
 * flag names a suite or group that is unknown or not allowed). */
gw_must_check int gw_policy_apply(SSL_CTX *ctx, const struct gw_tls_side *side,
                                  struct gw_error *err);

/* Whether a peer may sign with this key in a handshake of that version (0x0303 or 0x0304). In TLS
 * 1.2 the curve of an EC key must be among the groups (RFC 8422 5.1.1). In TLS 1.3 a signature
 * scheme must exist for it (RFC 8446 4.2.3). */
bool gw_policy_takes_key(const struct gw_tls_side *side, const EVP_PKEY *key, uint16_t version);
