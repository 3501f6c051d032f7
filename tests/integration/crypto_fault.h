/* SPDX-License-Identifier: Apache-2.0 */
/* What libcrypto does wrongly for a program that has crypto_fault.c preloaded. */
#pragma once

/* In the environment: the name of the function at fault; unset: none. */
#define CRYPTO_FAULT "KTLSGATE_TEST_CRYPTO_FAULT"

/* "Keys": RAND_priv_bytes works, but gives these bytes again and again, which a test can find in
 * the program's memory. 32 bytes. */
#define CRYPTO_FAULT_KEYS "keys"
#define CRYPTO_FAULT_KEY "a private key that the test knows"
enum {
    CRYPTO_FAULT_KEY_LEN = 32
};
