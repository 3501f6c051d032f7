/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service negotiates: TLS 1.2 and 1.3 only; forward secrecy and AEAD only (the suites of
 * libktlsinstall with an ECDHE key exchange); no compression, renegotiation, 0-RTT or session
 * cache. Everything is set anew, so that no default of a library build shows through.
 */
#pragma once

#include "gateway/base/error.h"
#include "gateway/config/config.h"

#include <openssl/ssl.h>

/* Applies the service's policy. Returns 0; negative errno with *err filled (GW_EXIT_USAGE: a flag
 * names a suite or group that is unknown or not allowed). */
gw_must_check int gw_policy_apply(SSL_CTX *ctx, const struct gw_service *service,
                                  struct gw_error *err);
