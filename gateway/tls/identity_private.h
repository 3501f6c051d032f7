/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an identity from a certificate; for this folder only. */
#pragma once

#include "gateway/tls/identity.h"

#include <openssl/types.h>

/* NULL gives an absent identity. False when the certificate holds more than the limits or
 * malformed names; *ret is then absent. */
bool gw_identity_read(struct gw_identity *ret, const X509 *cert);
