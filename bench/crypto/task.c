/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crypto/task.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

static void fill(uint8_t *out, size_t len, uint32_t salt)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(((uint32_t)i + salt) * UINT32_C(2654435761) >> 24);
}

static const EVP_CIPHER *algorithm(enum ktls_cipher cipher)
{
    switch (cipher) {
    case KTLS_AES_128_GCM:
        return EVP_aes_128_gcm();
    case KTLS_AES_256_GCM:
        return EVP_aes_256_gcm();
    default:
        return EVP_chacha20_poly1305();
    }
}

/* The plain way, call by call, and not the gateway's provider: that one is measured. */
static int seal_by_libcrypto(struct bench_crypto_task *t)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, len = (int)t->len;
    bool ok = ctx && EVP_EncryptInit_ex(ctx, algorithm(t->cipher), NULL, t->key, t->nonce) &&
              EVP_EncryptUpdate(ctx, NULL, &n, t->aad, sizeof(t->aad)) &&
              EVP_EncryptUpdate(ctx, t->sealed, &n, t->plain, len) &&
              EVP_EncryptFinal_ex(ctx, t->sealed + len, &n) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KTLS_TAG_LEN, t->sealed + len) > 0;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok)
        ERR_clear_error();
    return ok ? 0 : -EIO;
}

unsigned bench_crypto_ops(size_t len)
{
    size_t ops = len ? BENCH_CRYPTO_LAP_BYTES / len : BENCH_CRYPTO_OPS_MAX;
    return (unsigned)GW_MIN(ops, (size_t)BENCH_CRYPTO_OPS_MAX);
}

int bench_crypto_task_init(struct bench_crypto_task *ret, enum ktls_cipher cipher, size_t len,
                           bool seal)
{
    gw_require(len <= GW_RECORD_PLAINTEXT_MAX);
    ret->cipher = cipher;
    ret->len = len;
    ret->ops = bench_crypto_ops(len);
    ret->seal = seal;
    fill(ret->key, sizeof(ret->key), 1);
    fill(ret->nonce, sizeof(ret->nonce), 2);
    fill(ret->aad, sizeof(ret->aad), 3);
    fill(ret->plain, sizeof(ret->plain), 4);
    return seal_by_libcrypto(ret);
}

const uint8_t *bench_crypto_before(const struct bench_crypto_task *task)
{
    return task->seal ? task->plain : task->sealed;
}

const uint8_t *bench_crypto_after(const struct bench_crypto_task *task)
{
    return task->seal ? task->sealed : task->plain;
}

size_t bench_crypto_after_len(const struct bench_crypto_task *task)
{
    return task->len + (task->seal ? KTLS_TAG_LEN : 0);
}
