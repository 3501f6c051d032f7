/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC as libcrypto's core calls it: as a MAC (provider-mac(7)), for the Finished messages and for
 * tickets; and as a signature (provider-signature(7)) with a byte string as key
 * (provider-keymgmt(7)), for the binders of TLS 1.3. Supports only the hashes of TLS 1.3.
 */
#pragma once

#include "gateway/crypto/hmac.h"

#include <openssl/core.h>
#include <stdbool.h>

extern const OSSL_DISPATCH gw_mac_functions[];
extern const OSSL_DISPATCH gw_mac_key_functions[];
extern const OSSL_DISPATCH gw_mac_signature_functions[];

/* The hash that libcrypto calls by this name. False: not one of TLS 1.3. */
bool gw_mac_hash(const char *name, enum gw_hash *ret);
