/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an identity from a certificate; for this folder only. */
#pragma once

#include "gateway/tls/identity.h"

#include <openssl/types.h>

/*
 * NULL gives an absent identity. False when the certificate's extension of alternative names is
 * malformed or stands there twice, or without memory: *ret is then absent, though it has a serial
 * number and fingerprint for the log. gw_identity_done frees it either way.
 */
bool gw_identity_read(struct gw_identity *ret, const X509 *cert);
