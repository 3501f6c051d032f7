/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test of the gateway's algorithms before their first use: the vectors of the RFCs, then
 * random inputs compared with libcrypto's own algorithms. It takes a millisecond or two.
 */
#pragma once

#include "gateway/base/attr.h"

#include <openssl/types.h>
#include <stdbool.h>

/* `ours` uses our provider, `theirs` libcrypto's alone. False: *ret_what names the difference, such
 * as "the PRF of TLS 1.2 differs from libcrypto's". Wipes its test keys. */
gw_must_check bool gw_crypto_trial(OSSL_LIB_CTX *ours, OSSL_LIB_CTX *theirs, const char **ret_what);
