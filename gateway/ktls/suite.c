/* SPDX-License-Identifier: Apache-2.0 */
#include "ktlsinstall.h"

#include <string.h>

// clang-format off
#define ROW13(id, name, cipher, hash, key_len) \
    {name, KTLS_TLS_1_3, cipher, hash, id, key_len, 0}
#define ROW12(id, name, cipher, hash, key_len, nonce) \
    {name, KTLS_TLS_1_2, cipher, hash, id, key_len, nonce}

/* Forward secret AEAD suites only. TLS 1.3: RFC 8446 B.4; TLS 1.2: RFC 5288, 5289, 7905. */
static const struct ktls_suite suites[] = {
    ROW13(0x1301, "TLS_AES_128_GCM_SHA256",       KTLS_AES_128_GCM,       KTLS_SHA256, 16),
    ROW13(0x1302, "TLS_AES_256_GCM_SHA384",       KTLS_AES_256_GCM,       KTLS_SHA384, 32),
    ROW13(0x1303, "TLS_CHACHA20_POLY1305_SHA256", KTLS_CHACHA20_POLY1305, KTLS_SHA256, 32),
    ROW12(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          KTLS_AES_128_GCM, KTLS_SHA256, 16, 8),
    ROW12(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
          KTLS_AES_256_GCM, KTLS_SHA384, 32, 8),
    ROW12(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
          KTLS_CHACHA20_POLY1305, KTLS_SHA256, 32, 0),
    ROW12(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
          KTLS_AES_128_GCM, KTLS_SHA256, 16, 8),
    ROW12(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
          KTLS_AES_256_GCM, KTLS_SHA384, 32, 8),
    ROW12(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
          KTLS_CHACHA20_POLY1305, KTLS_SHA256, 32, 0),
    ROW12(0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
          KTLS_AES_128_GCM, KTLS_SHA256, 16, 8),
    ROW12(0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
          KTLS_AES_256_GCM, KTLS_SHA384, 32, 8),
    ROW12(0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
          KTLS_CHACHA20_POLY1305, KTLS_SHA256, 32, 0),
};
// clang-format on

static const char *const cipher_names[KTLS_CIPHER_COUNT] = {
    [KTLS_AES_128_GCM] = "AES-128-GCM",
    [KTLS_AES_256_GCM] = "AES-256-GCM",
    [KTLS_CHACHA20_POLY1305] = "CHACHA20-POLY1305",
};

const struct ktls_suite *ktls_suite_at(size_t index)
{
    return index < sizeof(suites) / sizeof(suites[0]) ? &suites[index] : NULL;
}

const struct ktls_suite *ktls_suite_find(uint16_t id)
{
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++)
        if (suite->id == id)
            return suite;
    return NULL;
}

const char *ktls_cipher_name(enum ktls_cipher cipher)
{
    return (unsigned)cipher < KTLS_CIPHER_COUNT ? cipher_names[cipher] : "unknown";
}

size_t ktls_hash_len(enum ktls_hash hash)
{
    return hash == KTLS_SHA384 ? 48 : 32;
}

void ktls_wipe(void *object, size_t len)
{
    if (object && len)
        explicit_bzero(object, len);
}
