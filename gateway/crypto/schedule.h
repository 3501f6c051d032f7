/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms TLS13-KDF and TLS1-PRF as libcrypto's core calls them (provider-kdf(7),
 * EVP_KDF-TLS13_KDF(7), EVP_KDF-TLS1_PRF(7)), with only the hashes of mac.h. */
#pragma once

#include <openssl/core.h>

extern const OSSL_DISPATCH gw_schedule_functions[];
extern const OSSL_DISPATCH gw_schedule_prf_functions[]; /* TLS 1.2's */
