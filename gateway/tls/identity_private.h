/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an identity from a certificate; for this folder only. */
#pragma once

#include "gateway/tls/identity.h"

#include <openssl/types.h>

/*
 * Reads an identity; NULL gives an absent one. False without memory, or when the extension of
 * alternative names is malformed or duplicate: *ret is then absent, but has a serial number and
 * fingerprint for the log. gw_identity_done frees it either way.
 */
bool gw_identity_read(struct gw_identity *ret, const X509 *cert);
