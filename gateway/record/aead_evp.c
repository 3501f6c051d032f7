/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/aead_evp.h"

#include "gateway/base/wipe.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

struct gw_aead {
    EVP_CIPHER_CTX *ctx;
    bool seal;
};

static const char *const names[KTLS_CIPHER_COUNT] = {
    [KTLS_AES_128_GCM] = "AES-128-GCM",
    [KTLS_AES_256_GCM] = "AES-256-GCM",
    [KTLS_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
};

/* Fetching searches libcrypto's provider store under locks, which is far too slow for each
 * connection. Written once before the workers are forked, never freed. */
static EVP_CIPHER *algorithms[KTLS_CIPHER_COUNT];

int gw_aead_evp_init(void)
{
    for (size_t i = 0; i < KTLS_CIPHER_COUNT; i++) {
        if (!algorithms[i])
            algorithms[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
        if (!algorithms[i]) {
            ERR_clear_error();
            return -EIO;
        }
    }
    return 0;
}

static bool evp_supports(enum ktls_cipher cipher)
{
    return (size_t)cipher < KTLS_CIPHER_COUNT && algorithms[cipher];
}

static void evp_destroy(struct gw_aead *aead)
{
    if (!aead)
        return;
    EVP_CIPHER_CTX_free(aead->ctx); /* wipes the key schedule */
    free(aead);
}

static struct gw_aead *evp_create(enum ktls_cipher cipher, const uint8_t *key, bool seal)
{
    gw_require(evp_supports(cipher));
    struct gw_aead *aead = calloc(1, sizeof(*aead));
    if (!aead)
        return NULL;
    aead->seal = seal;
    aead->ctx = EVP_CIPHER_CTX_new();
    if (!aead->ctx || !EVP_CipherInit_ex(aead->ctx, algorithms[cipher], NULL, key, NULL, seal) ||
        EVP_CIPHER_CTX_get_iv_length(aead->ctx) != KTLS_IV_LEN) {
        ERR_clear_error();
        evp_destroy(aead);
        return NULL;
    }
    return aead;
}

static int evp_rekey(struct gw_aead *aead, const uint8_t *key)
{
    if (EVP_CipherInit_ex(aead->ctx, NULL, NULL, key, NULL, aead->seal))
        return 0;
    ERR_clear_error();
    return -EIO;
}

/* The part common to both directions: nonce, additional data, then one pass over the data. */
static bool run(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                size_t aad_len, uint8_t *data, size_t len)
{
    int n;
    gw_require(aad_len <= INT_MAX && len <= INT_MAX);
    return EVP_CipherInit_ex(aead->ctx, NULL, NULL, NULL, nonce, -1) &&
           EVP_CipherUpdate(aead->ctx, NULL, &n, aad, (int)aad_len) &&
           (len == 0 || EVP_CipherUpdate(aead->ctx, data, &n, data, (int)len));
}

/* The tag as libcrypto's parameter. EVP_CIPHER_CTX_ctrl would build the same for each record, at a
 * tenth of a small record's time. */
#define TAG_PARAMS(tag)                                                                            \
    {                                                                                              \
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (tag), KTLS_TAG_LEN), OSSL_PARAM_END   \
    }

static int evp_seal(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                    size_t aad_len, uint8_t *data, size_t len)
{
    int n;
    OSSL_PARAM tag[] = TAG_PARAMS(data + len);
    if (run(aead, nonce, aad, aad_len, data, len) &&
        EVP_CipherFinal_ex(aead->ctx, data + len, &n) && EVP_CIPHER_CTX_get_params(aead->ctx, tag))
        return 0;
    ERR_clear_error();
    gw_wipe(data, len); /* half of it may still be plaintext */
    return -EIO;
}

static int evp_open(struct gw_aead *aead, const uint8_t nonce[KTLS_IV_LEN], const uint8_t *aad,
                    size_t aad_len, uint8_t *data, size_t len)
{
    int n;
    const OSSL_PARAM tag[] = TAG_PARAMS(data + len);
    if (run(aead, nonce, aad, aad_len, data, len) && EVP_CIPHER_CTX_set_params(aead->ctx, tag) &&
        EVP_CipherFinal_ex(aead->ctx, data + len, &n))
        return 0;
    ERR_clear_error();
    gw_wipe(data, len); /* unauthenticated data must not be readable */
    return -EBADMSG;
}

const struct gw_aead_provider gw_aead_evp = {
    .name = "libcrypto",
    .supports = evp_supports,
    .create = evp_create,
    .rekey = evp_rekey,
    .destroy = evp_destroy,
    .seal = evp_seal,
    .open = evp_open,
};
