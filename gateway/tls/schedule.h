/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm TLS13-KDF as libcrypto's core calls it (provider-kdf(7), EVP_KDF-TLS13_KDF(7)). */
#pragma once

#include <openssl/core.h>

extern const OSSL_DISPATCH gw_schedule_functions[];
